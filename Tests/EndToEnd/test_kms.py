"""KMS as boto3 and its users see it."""

import os
import uuid

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from support.server import Server


@pytest.fixture
def kms(server):
    return server.client("kms")


def provision(kms, tenant_id, tenant_name):
    """A key of its own for a tenant, as it is made when the tenant comes."""
    response = kms.create_key(
        Description=f"Tenant encryption key: {tenant_name} ({tenant_id})",
        KeyUsage="ENCRYPT_DECRYPT", KeySpec="SYMMETRIC_DEFAULT",
        Tags=[{"TagKey": "tenant_id", "TagValue": tenant_id}, {"TagKey": "Environment", "TagValue": "production"}])
    key_id = response["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=f"alias/tenant/{tenant_id}", TargetKeyId=key_id)
    kms.enable_key_rotation(KeyId=key_id)
    return key_id


def encrypt(kms, tenant_id, text):
    return kms.encrypt(
        KeyId=f"alias/tenant/{tenant_id}", Plaintext=text.encode(),
        EncryptionContext={"tenant_id": tenant_id})["CiphertextBlob"]


def code(call, **parameters):
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    return refused.value.response["Error"]["Code"]


@pytest.fixture
def tenants(kms):
    names = [f"{name}-{uuid.uuid4().hex[:8]}" for name in ("acme", "globex")]
    return {name: provision(kms, name, name.title()) for name in names}


def test_a_tenants_key(kms, tenants):
    acme, globex = tenants
    blob = encrypt(kms, acme, "card number")
    opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext={"tenant_id": acme})
    assert opened["Plaintext"] == b"card number"
    assert opened["KeyId"].endswith(tenants[acme])
    wrong = code(kms.decrypt, CiphertextBlob=blob, EncryptionContext={"tenant_id": globex})
    assert wrong == "InvalidCiphertextException"
    assert kms.get_key_rotation_status(KeyId=tenants[acme])["KeyRotationEnabled"]
    tags = kms.list_resource_tags(KeyId=tenants[acme])["Tags"]
    assert {"TagKey": "tenant_id", "TagValue": acme} in tags


def test_rotation_keeps_what_was_encrypted(kms, tenants):
    acme, _ = tenants
    blobs = [encrypt(kms, acme, "before")]
    kms.rotate_key_on_demand(KeyId=tenants[acme])
    blobs.append(encrypt(kms, acme, "after"))
    opened = [kms.decrypt(CiphertextBlob=blob, EncryptionContext={"tenant_id": acme}) for blob in blobs]
    assert [answer["Plaintext"] for answer in opened] == [b"before", b"after"]
    assert opened[0]["KeyMaterialId"] != opened[1]["KeyMaterialId"]
    assert [entry["RotationType"] for entry in kms.list_key_rotations(KeyId=tenants[acme])["Rotations"]] == ["ON_DEMAND"]


def test_revoking_one_tenant_leaves_the_other(kms, tenants):
    acme, globex = tenants
    blobs = {tenant: encrypt(kms, tenant, tenant) for tenant in tenants}
    kms.disable_key(KeyId=tenants[acme])
    context = {"tenant_id": acme}
    assert code(kms.decrypt, CiphertextBlob=blobs[acme], EncryptionContext=context) == "DisabledException"
    assert code(kms.generate_data_key, KeyId=f"alias/tenant/{acme}", KeySpec="AES_256") == "DisabledException"
    assert kms.decrypt(CiphertextBlob=blobs[globex], EncryptionContext={"tenant_id": globex})["Plaintext"] == globex.encode()
    kms.enable_key(KeyId=tenants[acme])
    assert kms.decrypt(CiphertextBlob=blobs[acme], EncryptionContext=context)["Plaintext"] == acme.encode()


def test_signatures_are_real(kms):
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    public = serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    signature = kms.sign(KeyId=key, Message=b"text", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    public.verify(signature, b"text", ec.ECDSA(hashes.SHA256()))
    key = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    public = serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    signature = kms.sign(KeyId=key, Message=b"text", SigningAlgorithm="RSASSA_PSS_SHA_512")["Signature"]
    public.verify(signature, b"text", padding.PSS(padding.MGF1(hashes.SHA512()), 64), hashes.SHA512())
    signature = kms.sign(KeyId=key, Message=b"text", SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256")["Signature"]
    public.verify(signature, b"text", padding.PKCS1v15(), hashes.SHA256())


def test_paginators(kms, tenants):
    keys = [key["KeyId"] for page in kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 1})
            for key in page["Keys"]]
    assert set(tenants.values()) <= set(keys)
    assert len(keys) == len(set(keys))
    aliases = [alias["AliasName"] for page in kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 1})
               for alias in page["Aliases"]]
    assert {f"alias/tenant/{tenant}" for tenant in tenants} <= set(aliases)


def test_what_was_acknowledged_survives_a_kill(level):
    server = Server(level)
    try:
        server.start()
        blobs = {}
        for index in range(20):
            kms = server.client("kms")
            tenant = f"t{index}"
            provision(kms, tenant, tenant)
            blobs[tenant] = encrypt(kms, tenant, tenant)
            if index % 5 == 4:
                server.kill()
                server.start()
        kms = server.client("kms")
        for tenant, blob in blobs.items():
            assert kms.decrypt(CiphertextBlob=blob, EncryptionContext={"tenant_id": tenant})["Plaintext"] == tenant.encode()
        assert oct(os.stat(server.data / "kms-root.key").st_mode & 0o777) == "0o600"
        assert oct(os.stat(server.data / "kms.db").st_mode & 0o777) == "0o600"
    finally:
        server.destroy()
