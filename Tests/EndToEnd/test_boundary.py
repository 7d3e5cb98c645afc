"""The tenant boundary: what function code reaches through boto3 from inside its environment, and what it doesn't."""

import json
import uuid

import boto3
import pytest
from botocore.exceptions import ClientError

from support import packages
from support.server import wait_until

CODE = """
import json, os, socket, urllib.error, urllib.request
import boto3

def attempt(action):
    try:
        return action()
    except Exception as error:
        response = getattr(error, "response", None)
        return {"error": response["Error"]["Code"], "message": response["Error"]["Message"]} if response else repr(error)

def table(name):
    return boto3.resource("dynamodb").Table(name)

def unsigned(path):
    try:
        return urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + path).status
    except urllib.error.HTTPError as error:
        return error.code

def handler(event, context):
    me, other, name = context.tenant_id, event.get("other"), event.get("table")
    secret, lam = boto3.client("secretsmanager"), boto3.client("lambda")
    actions = {
        "identity": lambda: boto3.client("sts").get_caller_identity()["Arn"],
        "put": lambda: table(name).put_item(Item={"pk": "TENANT#" + me, "v": me})["ResponseMetadata"]["HTTPStatusCode"],
        "get": lambda: table(name).get_item(Key={"pk": "TENANT#" + me}).get("Item", {}).get("v"),
        "get-other": lambda: table(name).get_item(Key={"pk": "TENANT#" + other}).get("Item"),
        "put-other": lambda: table(name).put_item(Item={"pk": "TENANT#" + other, "v": me}),
        "scan": lambda: table(name).scan()["Items"],
        "secret": lambda: secret.get_secret_value(SecretId="tenants/%s/%s" % (me, name))["SecretString"],
        "secret-other": lambda: secret.get_secret_value(SecretId="tenants/%s/%s" % (other, name))["SecretString"],
        "decrypt": lambda: boto3.client("kms").decrypt(
            CiphertextBlob=bytes.fromhex(event["blob"]), EncryptionContext={"tenant_id": event["of"]})["Plaintext"].decode(),
        "delete-function": lambda: lam.delete_function(FunctionName=context.function_name),
        "invoke-other": lambda: lam.invoke(FunctionName=context.function_name, TenantId=other, Payload=b"{}")["StatusCode"],
        "invoke-own": lambda: json.load(lam.invoke(
            FunctionName=context.function_name, TenantId=me, Payload=json.dumps({"do": ["identity"]}).encode())["Payload"]),
        "operator": lambda: unsigned("/_cloister/environments"),
        "unsigned": lambda: unsigned("/2015-03-31/functions"),
        "admin": lambda: boto3.client(
            "dynamodb", aws_access_key_id=event["key"], aws_secret_access_key=event["secret"], aws_session_token="",
        ).get_item(TableName=name, Key={"pk": {"S": "TENANT#" + other}}).get("Item"),
        "credentials": lambda: [os.environ[n] for n in (
            "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")],
        "large": lambda: boto3.client("dynamodb").put_item(
            TableName=name, Item={"pk": {"S": "TENANT#" + me}, "v": {"S": "x" * (500 << 10)}}),
    }
    return {action: attempt(actions[action]) for action in event["do"]}
"""

TENANTS = ("acme", "globex")


@pytest.fixture
def names(server, make):
    """A function with tenant isolation, a table and two tenants' secrets, all of one name."""
    name = make(packages.zip_files({"app.py": CODE}), tenants=True, Timeout=60, MemorySize=512)
    dynamodb, secrets = server.client("dynamodb"), server.client("secretsmanager")
    dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}])
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    for tenant in TENANTS:
        secrets.create_secret(Name=f"tenants/{tenant}/{name}", SecretString=f"secret of {tenant}")
    return name


def call(server, name, tenant, *actions, **event):
    other = TENANTS[1 - TENANTS.index(tenant)]
    return server.call(name, {"do": actions, "other": other, "table": name, **event}, tenant=tenant)


def is_denied(answer, code="AccessDeniedException"):
    return isinstance(answer, dict) and answer.get("error") == code and "secret of" not in json.dumps(answer)


def test_each_tenant_reaches_its_own_data_and_nothing_of_the_other(server, names):
    for tenant in TENANTS:
        answer = call(server, names, tenant, "identity", "put", "get", "secret")
        assert answer["identity"].startswith("arn:aws:sts::000000000000:assumed-role/"), answer
        assert (answer["put"], answer["get"], answer["secret"]) == (200, tenant, f"secret of {tenant}")
    for tenant in TENANTS:
        answer = call(server, names, tenant, "get-other", "put-other", "scan", "secret-other")
        for action, result in answer.items():
            assert is_denied(result), (tenant, action, result)
            assert "the tenant boundary denies it" in result["message"]
    # Nothing was changed by what was denied.
    items = server.client("dynamodb").scan(TableName=names)["Items"]
    assert {item["pk"]["S"]: item["v"]["S"] for item in items} == {f"TENANT#{one}": one for one in TENANTS}


def test_a_ciphertext_of_the_other_tenant_stays_closed(server, names):
    kms = server.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blobs = {
        tenant: kms.encrypt(KeyId=key, Plaintext=tenant.encode(), EncryptionContext={"tenant_id": tenant})["CiphertextBlob"]
        for tenant in TENANTS}
    for tenant in TENANTS:
        other = TENANTS[1 - TENANTS.index(tenant)]
        assert call(server, names, tenant, "decrypt", blob=blobs[tenant].hex(), of=tenant)["decrypt"] == tenant
        assert is_denied(call(server, names, tenant, "decrypt", blob=blobs[other].hex(), of=other)["decrypt"])
        lied = call(server, names, tenant, "decrypt", blob=blobs[other].hex(), of=tenant)["decrypt"]
        assert is_denied(lied, "InvalidCiphertextException"), lied


def test_the_platform_itself_is_out_of_reach(server, names):
    answer = call(server, names, "acme", "delete-function", "invoke-other", "operator", "unsigned")
    assert is_denied(answer["delete-function"]) and is_denied(answer["invoke-other"]), answer
    assert answer["operator"] == 403 and answer["unsigned"] == 403
    assert server.lambda_.get_function(FunctionName=names)["Configuration"]["State"] == "Active"


def test_a_function_invokes_for_its_own_tenant(server, names):
    answer = call(server, names, "acme", "invoke-own")["invoke-own"]
    assert answer["identity"].startswith("arn:aws:sts::"), answer
    owners = {one["tenantId"] for one in server.environments() if one["function"] == names}
    assert owners == {"acme"}


def test_even_the_administrators_key_is_held_to_the_channels_tenant(server, names):
    credentials = server.credentials
    answer = call(
        server, names, "acme", "admin", key=credentials["accessKeyId"], secret=credentials["secretAccessKey"])["admin"]
    assert is_denied(answer), answer


def test_an_environments_credentials_are_worth_nothing_elsewhere(server, names):
    key, secret, token = call(server, names, "acme", "credentials")["credentials"]
    stolen = boto3.client(
        "sts", endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret,
        aws_session_token=token)
    with pytest.raises(ClientError) as error:
        stolen.get_caller_identity()
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    wait_until(lambda: "stolenCredential" in server.log(), "the attempt in the server's log")


def test_a_request_that_is_refused_leaves_the_environment_as_it_was(server, names):
    assert call(server, names, "globex", "large")["large"]["error"] == "ValidationException"
    assert call(server, names, "globex", "put", "get") == {"put": 200, "get": "globex"}
