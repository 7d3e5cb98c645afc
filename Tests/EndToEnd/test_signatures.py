"""Nothing is let in that is not signed by the server's own key."""

import datetime
import json
import stat

import boto3
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from support import raw
from support.server import Server

LIST = "/2015-03-31/functions"


def client(server, **changes):
    credentials = server.credentials
    settings = {
        "region_name": "us-east-1", "endpoint_url": server.endpoint,
        "aws_access_key_id": credentials["accessKeyId"], "aws_secret_access_key": credentials["secretAccessKey"],
        "config": Config(retries={"total_max_attempts": 1}), **changes}
    return boto3.client("lambda", **settings)


def code_of(error):
    response = error.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_key_file_is_private(server):
    path = server.data / "credentials.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.data.stat().st_mode) & 0o077 == 0


def test_the_secret_is_in_no_log(server):
    assert server.credentials["secretAccessKey"] not in server.log()


@pytest.mark.parametrize("method, path", [
    ("GET", LIST), ("POST", LIST), ("GET", "/2016-08-19/account-settings"), ("GET", "/_cloister/environments"),
    ("GET", "/_cloister/logs?function=x"), ("PUT", "/_cloister/stacks/x"), ("GET", "/"), ("POST", "/"),
])
def test_unsigned(server, method, path):
    status, fields, _ = raw.send(server, method, path, [("host", b"x")])
    assert status == 403
    assert fields["x-amzn-errortype"].startswith("MissingAuthenticationToken")


def test_unsigned_invoke_runs_nothing(server, make):
    name = make("probe")
    status, _, _ = raw.send(server, "POST", raw.invoke_path(name), [("host", b"x")], b"{}")
    assert status == 403 and server.log_events(name) == []


def test_unknown_key(server):
    with pytest.raises(ClientError) as error:
        client(server, aws_access_key_id="AKIAIOSFODNN7EXAMPLE").list_functions()
    assert code_of(error) == (403, "UnrecognizedClientException")


def test_wrong_secret(server):
    with pytest.raises(ClientError) as error:
        client(server, aws_secret_access_key="wrong").list_functions()
    assert code_of(error) in ((403, "InvalidSignatureException"), (403, "SignatureDoesNotMatch"))


@pytest.mark.parametrize("minutes, status", [(-4, 200), (4, 200), (-6, 403), (6, 403), (-60 * 24, 403)])
def test_clock(server, minutes, status):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    assert raw.request(server, "GET", LIST, at=at)[0] == status


def test_changed_body(server, probe):
    fields = raw.sign(server, "POST", raw.invoke_path(probe), b'{"do": "describe"}')
    status, _, body = raw.send(server, "POST", raw.invoke_path(probe), fields, b'{"do": "nothing"} ')
    assert status == 403, body


def test_changed_path_query_and_method(server, probe):
    path = raw.invoke_path(probe)
    fields = raw.sign(server, "POST", path, b"{}")
    assert raw.send(server, "POST", path, fields, b"{}")[0] == 200
    assert raw.send(server, "POST", raw.invoke_path("other"), fields, b"{}")[0] == 403
    assert raw.send(server, "POST", path, fields, b"{}", query="Qualifier=1")[0] == 403
    assert raw.send(server, "PUT", path, fields, b"{}")[0] == 403
    assert raw.send(server, "POST", path.replace("/functions/", "//functions/"), fields, b"{}")[0] in (403, 404)


@pytest.mark.parametrize("name, value", [
    ("x-amz-tenant-id", "blue"), ("x-amz-client-context", "e30="), ("x-amz-invocation-type", "Event"),
    ("x-amz-log-type", "Tail"),
])
def test_fields_that_are_not_signed(server, tenant_probe, name, value):
    """What steers an invocation must be covered by the signature."""
    headers = [] if name == "x-amz-tenant-id" else [("x-amz-tenant-id", "blue")]
    status, _, body = raw.request(
        server, "POST", raw.invoke_path(tenant_probe), b"{}", headers, unsigned=[(name, value)])
    assert status in (400, 403), body


def test_signed_field_that_was_changed(server, tenant_probe):
    path = raw.invoke_path(tenant_probe)
    fields = raw.sign(server, "POST", path, b"{}", [("x-amz-tenant-id", "blue")])
    changed = [(name, b"green" if name == "x-amz-tenant-id" else value) for name, value in fields]
    assert raw.send(server, "POST", path, changed, b"{}")[0] == 403
    assert raw.send(server, "POST", path, fields + [("x-amz-tenant-id", b"green")], b"{}")[0] in (400, 403)


def test_host_must_be_signed(server):
    fields = raw.sign(server, "GET", LIST)
    authorization = dict(fields)["authorization"].replace(b"SignedHeaders=host;", b"SignedHeaders=")
    fields = [(name, authorization if name == "authorization" else value) for name, value in fields]
    assert raw.send(server, "GET", LIST, fields)[0] in (400, 403)


@pytest.mark.parametrize("authorization", [
    b"", b"AWS4-HMAC-SHA256", b"AWS4-HMAC-SHA256 Credential=", b"Basic YTpi", b"Bearer x",
    b"AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host, Signature=0",
    b"AWS4-HMAC-SHA256 " + b"Credential=x/20260101/us-east-1/lambda/aws4_request, " * 200, b"AWS4-HMAC-SHA256 \xff\xfe",
    b"AWS4-ECDSA-P256-SHA256 Credential=a/20260101/lambda/aws4_request, SignedHeaders=host, Signature=0",
], ids=range(9))
def test_malformed_authorization(server, authorization):
    status, _, _ = raw.send(server, "GET", LIST, [("host", b"x"), ("authorization", authorization)])
    assert status in (400, 403)
    assert raw.request(server, "GET", LIST)[0] == 200


def test_other_services_signature(server):
    assert raw.request(server, "GET", LIST, service="s3")[0] in (403, 404, 501)
    assert raw.request(server, "GET", LIST, service="logs")[0] != 200
    assert raw.request(server, "GET", "/_cloister/environments", service="lambda")[0] != 200


def test_any_region(server):
    for region in ("eu-central-1", "ap-northeast-3", "us-gov-west-1"):
        assert server.client(region=region).list_functions()["Functions"] == []


def presigned(server, expires=60, at=None, method="GET", path=LIST):
    credentials = server.credentials
    request = AWSRequest(method=method, url=server.endpoint + path)
    signer = SigV4QueryAuth(
        Credentials(credentials["accessKeyId"], credentials["secretAccessKey"]), "lambda", "us-east-1", expires)
    signer.add_auth(request)
    return request.url.split("?", 1)[1]


def test_presigned(server):
    query = presigned(server)
    host = server.endpoint.split("//")[1].encode()
    status, _, body = raw.send(server, "GET", LIST, [("host", host)], query=query)
    assert status == 200 and "Functions" in json.loads(body)
    assert raw.send(server, "GET", LIST, [("host", host)], query=query[:-1] + ("0" if query[-1] != "0" else "1"))[0] == 403
    assert raw.send(server, "GET", LIST, [("host", host)], query=query.replace("Expires=60", "Expires=600"))[0] == 403
    assert raw.send(server, "GET", LIST, [("host", b"elsewhere")], query=query)[0] == 403
    assert raw.send(server, "GET", "/2016-08-19/account-settings", [("host", host)], query=query)[0] == 403


def test_keys_of_an_environment_open_nothing(server, probe):
    """Credentials inside are the environment's own; outside they are worth nothing."""
    variables = server.call(probe, {"do": "variables"})
    inside = client(
        server, aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"], aws_session_token=variables["AWS_SESSION_TOKEN"])
    with pytest.raises(ClientError) as error:
        inside.list_functions()
    assert code_of(error)[0] == 403


def test_insecure_local(level):
    server = Server(level, "--insecure-local")
    try:
        server.start()
        assert raw.send(server, "GET", LIST, [("host", b"x")])[0] == 200
        with pytest.raises(ClientError):
            client(server, aws_secret_access_key="wrong").list_functions()
    finally:
        server.destroy()
