"""Secrets Manager as boto3 and its users see it."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from support.server import Server


@pytest.fixture
def secrets(server):
    return server.client("secretsmanager")


@pytest.fixture
def tenants(secrets):
    """Two tenants' secrets under their paths."""
    names = [f"{name}-{uuid.uuid4().hex[:8]}" for name in ("acme", "globex")]
    return {
        name: secrets.create_secret(
            Name=f"tenants/{name}/database", SecretString=json.dumps({"password": name}),
            Tags=[{"Key": "tenant_id", "Value": name}])["ARN"] for name in names}


def refused(call, **parameters):
    with pytest.raises(ClientError) as failure:
        call(**parameters)
    return failure.value.response["Error"]


def test_a_tenants_secret(secrets, tenants):
    for tenant, arn in tenants.items():
        for name in (arn, f"tenants/{tenant}/database", arn[:-7]):
            value = secrets.get_secret_value(SecretId=name)
            assert json.loads(value["SecretString"]) == {"password": tenant}
            assert value["ARN"] == arn
        listed = secrets.list_secrets(Filters=[{"Key": "name", "Values": [f"tenants/{tenant}/"]}])["SecretList"]
        assert [entry["ARN"] for entry in listed] == [arn]
    error = refused(secrets.get_secret_value, SecretId=f"tenants/{uuid.uuid4().hex}/database")
    assert error == {"Code": "ResourceNotFoundException", "Message": "Secrets Manager can't find the specified secret."}


def test_binary_values_and_versions(secrets, name):
    first = secrets.create_secret(Name=name, SecretBinary=b"\x00\xff")
    assert secrets.get_secret_value(SecretId=name)["SecretBinary"] == b"\x00\xff"
    second = secrets.put_secret_value(SecretId=name, SecretString="two")
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "two"
    previous = secrets.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")
    assert previous["VersionId"] == first["VersionId"]
    stages = secrets.describe_secret(SecretId=name)["VersionIdsToStages"]
    assert stages == {first["VersionId"]: ["AWSPREVIOUS"], second["VersionId"]: ["AWSCURRENT"]}
    secrets.update_secret_version_stage(
        SecretId=name, VersionStage="AWSCURRENT", MoveToVersionId=first["VersionId"],
        RemoveFromVersionId=second["VersionId"])
    assert secrets.get_secret_value(SecretId=name)["SecretBinary"] == b"\x00\xff"


def test_under_a_tenants_own_key(server, secrets, name):
    kms = server.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    secrets.create_secret(Name=name, SecretString="hidden", KmsKeyId=key)
    kms.disable_key(KeyId=key)
    assert refused(secrets.get_secret_value, SecretId=name)["Code"] == "DecryptionFailure"
    kms.enable_key(KeyId=key)
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "hidden"


def test_deletion_and_restoration(secrets, name):
    secrets.create_secret(Name=name, SecretString="x")
    secrets.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    error = refused(secrets.get_secret_value, SecretId=name)
    assert error["Code"] == "InvalidRequestException"
    assert "marked for deletion" in error["Message"]
    secrets.restore_secret(SecretId=name)
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "x"
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    assert refused(secrets.describe_secret, SecretId=name)["Code"] == "ResourceNotFoundException"


def test_lists_and_batches(secrets, tenants):
    pages = secrets.get_paginator("list_secrets").paginate(PaginationConfig={"PageSize": 1})
    arns = [entry["ARN"] for page in pages for entry in page["SecretList"]]
    assert set(tenants.values()) <= set(arns)
    assert len(arns) == len(set(arns))
    batch = secrets.batch_get_secret_value(SecretIdList=[*tenants.values(), "none"])
    assert {value["ARN"] for value in batch["SecretValues"]} == set(tenants.values())
    assert [error["ErrorCode"] for error in batch["Errors"]] == ["ResourceNotFoundException"]
    assert len(secrets.get_random_password(PasswordLength=20)["RandomPassword"]) == 20


def test_what_was_acknowledged_survives_a_kill(level):
    server = Server(level)
    try:
        server.start()
        for index in range(20):
            server.client("secretsmanager").create_secret(Name=f"tenants/t{index}/s", SecretString=str(index))
            if index % 5 == 4:
                server.kill()
                server.start()
        secrets = server.client("secretsmanager")
        for index in range(20):
            assert secrets.get_secret_value(SecretId=f"tenants/t{index}/s")["SecretString"] == str(index)
    finally:
        server.destroy()
