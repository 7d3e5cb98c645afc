"""STS through boto3 and the AWS CLI: who one is, and becoming someone else."""

import datetime
import json

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from test_iam import ACCOUNT, aws, policy, refused

TRUST = {"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": ["sts:AssumeRole", "sts:TagSession"]}]}


@pytest.fixture
def sts(server):
    return server.client("sts")


@pytest.fixture
def role(server, name):
    iam = server.client("iam")

    def make(trust=TRUST, document=None):
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        if document:
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
        return arn

    yield make
    for item in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=item)
    iam.delete_role(RoleName=name)


def client(server, service, credentials):
    return boto3.client(
        service, endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"], aws_session_token=credentials["SessionToken"],
        config=Config(retries={"total_max_attempts": 1}))


def test_caller_identity(server, sts):
    identity = sts.get_caller_identity()
    assert identity["Account"] == ACCOUNT and identity["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/administrator"
    shown = aws(server, "sts", "get-caller-identity")
    assert shown.returncode == 0 and json.loads(shown.stdout)["Account"] == ACCOUNT, shown.stderr


def test_assume_role(server, sts, role, name):
    arn = role(document=policy("iam:ListUsers"))
    answer = sts.assume_role(RoleArn=arn, RoleSessionName="me", DurationSeconds=900)
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/me"
    left = answer["Credentials"]["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(seconds=800) < left <= datetime.timedelta(seconds=900)
    inside = client(server, "iam", answer["Credentials"])
    inside.list_users()
    code, message = refused(inside.list_roles)
    assert code == "AccessDenied" and f"assumed-role/{name}/me is not authorized" in message
    assert client(server, "sts", answer["Credentials"]).get_caller_identity()["Arn"].endswith(f"{name}/me")


def test_session_policy(server, sts, role):
    arn = role(document=policy("iam:*"))
    credentials = sts.assume_role(RoleArn=arn, RoleSessionName="me", Policy=policy("iam:ListUsers"))["Credentials"]
    client(server, "iam", credentials).list_users()
    _, message = refused(client(server, "iam", credentials).list_roles)
    assert message.endswith("because no session policy allows the iam:ListRoles action")


def test_session_tags(server, sts, role):
    """Per-tenant access for a backend outside: one role, the tenant as a session tag."""
    arn = role(document=policy("iam:GetUser", f"arn:aws:iam::{ACCOUNT}:user/${{aws:PrincipalTag/tenant_id}}-*"))
    for tenant, other in [("acme", "globex"), ("globex", "acme")]:
        credentials = sts.assume_role(
            RoleArn=arn, RoleSessionName="me", Tags=[{"Key": "tenant_id", "Value": tenant}])["Credentials"]
        inside = client(server, "iam", credentials)
        assert refused(inside.get_user, UserName=f"{tenant}-x")[0] == "NoSuchEntity"
        assert refused(inside.get_user, UserName=f"{other}-x")[0] == "AccessDenied"


def test_external_id(sts, role):
    trust = json.loads(json.dumps(TRUST))
    trust["Statement"][0]["Condition"] = {"StringEquals": {"sts:ExternalId": "secret"}}
    arn = role(trust)
    assert refused(sts.assume_role, RoleArn=arn, RoleSessionName="me")[0] == "AccessDenied"
    assert refused(sts.assume_role, RoleArn=arn, RoleSessionName="me", ExternalId="guess")[0] == "AccessDenied"
    sts.assume_role(RoleArn=arn, RoleSessionName="me", ExternalId="secret")


def test_roles_of_functions_are_not_for_people(sts, role):
    trust = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    assert refused(sts.assume_role, RoleArn=role(trust), RoleSessionName="me")[0] == "AccessDenied"


def test_session_token(server, sts):
    credentials = sts.get_session_token()["Credentials"]
    assert client(server, "sts", credentials).get_caller_identity()["Account"] == ACCOUNT
    assert refused(client(server, "sts", credentials).get_session_token)[0] == "AccessDenied"


@pytest.mark.parametrize("change", [
    lambda c: {**c, "SessionToken": c["SessionToken"][:-8] + "AAAAAAA="}, lambda c: {**c, "SessionToken": "x"},
    lambda c: {**c, "AccessKeyId": "ASIA" + "A" * 16}, lambda c: {**c, "SecretAccessKey": "x" * 40},
    lambda c: {**c, "SessionToken": None},
])
def test_forged_credentials(server, sts, change):
    credentials = sts.get_session_token()["Credentials"]
    with pytest.raises(ClientError) as error:
        client(server, "sts", change(credentials)).get_caller_identity()
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_denials_can_be_decoded(server, sts, role):
    arn = role(document=policy("iam:GetUser", effect="Deny"))
    inside = client(server, "iam", sts.assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"])
    with pytest.raises(ClientError) as error:
        inside.get_user(UserName="x")
    message = error.value.response["ResponseMetadata"]["HTTPHeaders"]["x-cloister-encoded-authorization-message"]
    decoded = json.loads(sts.decode_authorization_message(EncodedMessage=message)["DecodedMessage"])
    assert decoded["explicitDeny"] is True and decoded["context"]["action"] == "iam:GetUser"
    assert decoded["matchedStatements"]["items"][0]["statementId"] == "One"
    assert refused(sts.decode_authorization_message, EncodedMessage="AAAA")[0] == "InvalidAuthorizationMessageException"


def test_access_key_info(server, sts):
    assert sts.get_access_key_info(AccessKeyId=server.credentials["accessKeyId"])["Account"] == ACCOUNT


def test_what_is_not_built_says_so(sts):
    code, _ = refused(sts.get_federation_token, Name="me")
    assert code == "NotImplemented"
