"""IAM through boto3 and the AWS CLI: least privilege for people and functions."""

import json
import os
import subprocess
import sys
import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from support.server import Server, binary

ACCOUNT = "000000000000"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})


def policy(action, resource="*", effect="Allow", **more):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Sid": "One", "Effect": effect, "Action": action, "Resource": resource, **more}]})


@pytest.fixture
def iam(server):
    return server.client("iam")


@pytest.fixture
def user(server, iam, name):
    """A user with a key, and a way to make clients of it."""
    iam.create_user(UserName=name, Tags=[{"Key": "team", "Value": "red"}])
    key = iam.create_access_key(UserName=name)["AccessKey"]

    def client(service):
        return boto3.client(
            service, endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"], config=Config(retries={"total_max_attempts": 1}))

    client.name, client.key = name, key
    yield client
    for item in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=item["AccessKeyId"])
    for item in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=item)
    for item in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
        iam.detach_user_policy(UserName=name, PolicyArn=item["PolicyArn"])
    for item in iam.list_groups_for_user(UserName=name)["Groups"]:
        iam.remove_user_from_group(UserName=name, GroupName=item["GroupName"])
    iam.delete_user(UserName=name)


def refused(call, **parameters):
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_users(iam, user):
    described = iam.get_user(UserName=user.name)["User"]
    assert described["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/{user.name}"
    assert described["UserId"].startswith("AIDA") and described["CreateDate"].year > 2000
    assert described["Tags"] == [{"Key": "team", "Value": "red"}]
    names = [item["UserName"] for page in iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 1})
             for item in page["Users"]]
    assert user.name in names
    keys = iam.list_access_keys(UserName=user.name)["AccessKeyMetadata"]
    assert [item["AccessKeyId"] for item in keys] == [user.key["AccessKeyId"]] and "SecretAccessKey" not in keys[0]
    code, _ = refused(iam.create_user, UserName=user.name.upper())
    assert code == "EntityAlreadyExists"
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_user(UserName="nobody-" + uuid.uuid4().hex)


def test_a_user_may_do_what_its_policies_say(iam, user):
    code, message = refused(user("iam").list_users)
    assert code == "AccessDenied"
    assert message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/{user.name} is not authorized to perform: iam:ListUsers on resource: "
        f"arn:aws:iam::{ACCOUNT}:user/ because no identity-based policy allows the iam:ListUsers action")
    iam.put_user_policy(UserName=user.name, PolicyName="p", PolicyDocument=policy("iam:List*"))
    user("iam").list_users()
    iam.put_user_policy(UserName=user.name, PolicyName="q", PolicyDocument=policy("iam:ListUsers", effect="Deny"))
    _, message = refused(user("iam").list_users)
    assert message.endswith("with an explicit deny in an identity-based policy")
    assert iam.get_user_policy(UserName=user.name, PolicyName="p")["PolicyDocument"]["Statement"][0]["Action"] == "iam:List*"


def test_own_user_by_variable(iam, user):
    document = policy("iam:GetUser", f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}")
    iam.put_user_policy(UserName=user.name, PolicyName="p", PolicyDocument=document)
    assert user("iam").get_user()["User"]["UserName"] == user.name
    assert refused(user("iam").get_user, UserName="other")[0] == "AccessDenied"


def test_a_key_that_is_switched_off(iam, user):
    user("sts").get_caller_identity()
    iam.update_access_key(UserName=user.name, AccessKeyId=user.key["AccessKeyId"], Status="Inactive")
    assert refused(user("sts").get_caller_identity)[0] in ("InvalidClientTokenId", "UnrecognizedClientException")
    iam.update_access_key(UserName=user.name, AccessKeyId=user.key["AccessKeyId"], Status="Active")
    user("sts").get_caller_identity()


def test_groups(iam, user, name):
    group = "g-" + name
    iam.create_group(GroupName=group)
    iam.attach_group_policy(GroupName=group, PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    iam.add_user_to_group(GroupName=group, UserName=user.name)
    user("iam").list_roles()
    assert [item["UserName"] for item in iam.get_group(GroupName=group)["Users"]] == [user.name]
    iam.remove_user_from_group(GroupName=group, UserName=user.name)
    assert refused(user("iam").list_roles)[0] == "AccessDenied"
    iam.detach_group_policy(GroupName=group, PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    iam.delete_group(GroupName=group)


def test_roles(iam, name):
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, Description="d", MaxSessionDuration=7200,
                           Path="/service-role/")["Role"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/service-role/{name}"
    assert made["AssumeRolePolicyDocument"] == json.loads(TRUST)
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy("dynamodb:*"))
    iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["p"]
    assert [item["PolicyName"] for item in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]] == [
        "AWSLambdaBasicExecutionRole"]
    assert name in [item["RoleName"] for item in iam.list_roles(PathPrefix="/service-role/")["Roles"]]
    iam.tag_role(RoleName=name, Tags=[{"Key": "a", "Value": "1"}])
    assert iam.list_role_tags(RoleName=name)["Tags"] == [{"Key": "a", "Value": "1"}]
    iam.untag_role(RoleName=name, TagKeys=["A"])
    assert iam.get_role(RoleName=name)["Role"]["MaxSessionDuration"] == 7200
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_role(RoleName=name)
    iam.detach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
    iam.delete_role_policy(RoleName=name, PolicyName="p")
    assert iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"] == []
    iam.delete_role(RoleName=name)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName=name)


def test_waiters(iam, name):
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    iam.get_waiter("role_exists").wait(RoleName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 2})
    iam.delete_role(RoleName=name)


def test_managed_policies(iam, name):
    arn = iam.create_policy(PolicyName=name, PolicyDocument=policy("kms:*"), Description="d")["Policy"]["Arn"]
    version = iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy("kms:Decrypt"), SetAsDefault=True)
    assert version["PolicyVersion"]["VersionId"] == "v2"
    described = iam.get_policy(PolicyArn=arn)["Policy"]
    assert described["DefaultVersionId"] == "v2" and described["AttachmentCount"] == 0
    document = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]
    assert document["Statement"][0]["Action"] == "kms:*"
    assert arn in [item["Arn"] for item in iam.list_policies(Scope="Local")["Policies"]]
    assert arn not in [item["Arn"] for item in iam.list_policies(Scope="AWS", MaxItems=1000)["Policies"]]
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_policy(PolicyArn=arn)
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy(PolicyArn=arn)


@pytest.mark.parametrize("document", [
    "{", "[]", "{}", policy("GetItem"), policy("a:b", "bucket"), policy("a:b", effect="Maybe"),
    policy("a:b", Condition={"StringSame": {"a:b": "c"}}), policy("a:b", Principal="*"), "[" * 10_000,
])
def test_malformed_documents(iam, name, document):
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException):
        iam.create_policy(PolicyName=name, PolicyDocument=document)


def test_simulation_says_why(iam, user):
    iam.put_user_policy(UserName=user.name, PolicyName="p", PolicyDocument=policy("dynamodb:Get*"))
    arn = f"arn:aws:iam::{ACCOUNT}:user/{user.name}"
    results = iam.simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=["dynamodb:GetItem", "dynamodb:PutItem"])["EvaluationResults"]
    assert [item["EvalDecision"] for item in results] == ["allowed", "implicitDeny"]
    matched = results[0]["MatchedStatements"][0]
    assert matched["SourcePolicyId"] == "p" and matched["StartPosition"]["Line"] == 1
    result = iam.simulate_custom_policy(
        PolicyInputList=[policy("s3:*", Condition={"StringEquals": {"aws:PrincipalTag/tenant_id": "acme"}})],
        ActionNames=["s3:GetObject"])["EvaluationResults"][0]
    assert result["EvalDecision"] == "implicitDeny" and result["MissingContextValues"] == ["aws:principaltag/tenant_id"]
    result = iam.simulate_custom_policy(
        PolicyInputList=[policy("s3:*", Condition={"StringEquals": {"aws:PrincipalTag/tenant_id": "acme"}})],
        ActionNames=["s3:GetObject"], ContextEntries=[{
            "ContextKeyName": "aws:PrincipalTag/tenant_id", "ContextKeyValues": ["acme"], "ContextKeyType": "string"}],
    )["EvaluationResults"][0]
    assert result["EvalDecision"] == "allowed"


def test_the_account(iam, user):
    details = iam.get_account_authorization_details()
    assert user.name in [item["UserName"] for item in details["UserDetailList"]]
    assert iam.get_account_summary()["SummaryMap"]["Users"] >= 1
    assert iam.get_user()["User"]["UserName"] == "administrator"


def test_what_is_not_built_says_so(iam):
    code, message = refused(iam.create_saml_provider, Name="x" * 3, SAMLMetadataDocument="x" * 1000)
    assert code == "NotImplemented" and "CreateSAMLProvider" in message


def aws(server, *arguments):
    credentials = server.credentials
    environment = {
        **os.environ, "AWS_ACCESS_KEY_ID": credentials["accessKeyId"], "AWS_SECRET_ACCESS_KEY": credentials["secretAccessKey"],
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": server.endpoint, "AWS_MAX_ATTEMPTS": "1", "AWS_PAGER": ""}
    return subprocess.run(
        [sys.executable, "-m", "awscli", *arguments, "--output", "json"], env=environment, capture_output=True, text=True,
        timeout=120)


def test_command_line(server, name, tmp_path):
    (tmp_path / "trust.json").write_text(TRUST)
    made = aws(server, "iam", "create-role", "--role-name", name, "--assume-role-policy-document",
               f"file://{tmp_path}/trust.json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["Role"]["RoleName"] == name
    assert json.loads(aws(server, "iam", "get-role", "--role-name", name).stdout)["Role"]["RoleId"].startswith("AROA")
    again = aws(server, "iam", "create-role", "--role-name", name, "--assume-role-policy-document", TRUST)
    assert "EntityAlreadyExists" in again.stderr
    assert aws(server, "iam", "delete-role", "--role-name", name).returncode == 0


SAM = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: {name}
      Handler: app.handler
      Runtime: python3.13
      InlineCode: "def handler(event, context): return 1"
      Policies: {policies}
  Shared:
    Type: AWS::IAM::Role
    Properties:
      RoleName: shared-{name}
      AssumeRolePolicyDocument: {{Statement: [{{Effect: Allow, Principal: {{Service: lambda.amazonaws.com}}, Action: sts:AssumeRole}}]}}
      Tags: [{{Key: team, Value: red}}]
"""


def test_policies_of_a_template_become_the_role(server, iam, name, tmp_path):
    def run(*arguments):
        done = subprocess.run(
            [binary(), *arguments, "--endpoint", server.endpoint, "--yes"], env=server.environment(), capture_output=True,
            text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr

    def deploy(policies):
        (tmp_path / "template.yaml").write_text(SAM.format(name=name, policies=policies))
        run("deploy", tmp_path / "template.yaml", "--stack-name", name)

    deploy("[{DynamoDBReadPolicy: {TableName: orders}}, AmazonDynamoDBReadOnlyAccess]")
    role = server.lambda_.get_function(FunctionName=name)["Configuration"]["Role"].split("/")[-1]
    assert iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {
        "Service": "lambda.amazonaws.com"}
    [inline] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=inline)["PolicyDocument"]
    assert document["Statement"][0]["Resource"][0] == f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/orders"
    attached = [item["PolicyName"] for item in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]]
    assert sorted(attached) == ["AWSLambdaBasicExecutionRole", "AmazonDynamoDBReadOnlyAccess"]
    assert iam.list_role_tags(RoleName=f"shared-{name}")["Tags"] == [{"Key": "team", "Value": "red"}]
    deploy("[{KMSDecryptPolicy: {KeyId: '*'}}]")
    attached = [item["PolicyName"] for item in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]]
    assert attached == ["AWSLambdaBasicExecutionRole"]
    document = iam.get_role_policy(RoleName=role, PolicyName=inline)["PolicyDocument"]
    assert document["Statement"][0]["Action"] == ["kms:Decrypt"]
    run("delete", name)
    for gone in (role, f"shared-{name}"):
        with pytest.raises(iam.exceptions.NoSuchEntityException):
            iam.get_role(RoleName=gone)


def test_restart_keeps_everything(level, name):
    server = Server(level)
    try:
        server.start()
        iam = server.client("iam")
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        server.kill()
        server.start()
        client = boto3.client(
            "sts", endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"])
        assert client.get_caller_identity()["Arn"].endswith(f":user/{name}")
        for file in server.data.rglob("*"):
            if file.is_file():
                assert key["SecretAccessKey"].encode() not in file.read_bytes(), file
    finally:
        server.destroy()
