"""Tenant isolation: who is let in, and that nothing is shared between those who are."""

import base64
import concurrent.futures
import json
import os
import pathlib

import pytest
from botocore.exceptions import ParamValidationError

from support import packages, raw
from support.server import Server, wait_until

REQUIRED = (
    "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again.")
NOT_SUPPORTED = (
    "The invoked function is not enabled with tenancy configuration. "
    "Remove the tenant ID from your request and try again.")


def client_context(value):
    return base64.b64encode(json.dumps(value).encode()).decode()


def in_context(tenant):
    return client_context({"custom": {"tenantId": tenant}})


def environments_of(server, name):
    """Those of the function that belong to a tenant."""
    return [one for one in server.environments() if one["function"] == name and one.get("tenantId")]


def refused(server, name, word, text="", **options):
    with pytest.raises(server.lambda_.exceptions.InvalidParameterValueException) as error:
        server.invoke(name, {"do": "print", "text": "must not run"}, **options)
    response = error.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["Error"]["Code"] == "InvalidParameterValueException"
    assert response["Error"]["Message"].endswith(word), response
    assert response["Error"]["Message"].startswith(text), response


# Giving and reading the tenant

@pytest.mark.parametrize("options", [
    {"TenantId": "blue"}, {"ClientContext": in_context("blue")},
    {"TenantId": "blue", "ClientContext": in_context("blue")},
    {"TenantId": "blue", "ClientContext": client_context({"custom": {"other": 1}})},
    {"TenantId": "blue", "ClientContext": client_context({"custom": {"tenantId": None}})},
    {"TenantId": "blue", "ClientContext": client_context({"env": {}})},
], ids=["header", "context", "both", "header-and-other", "header-and-null", "header-and-env"])
def test_both_ways_in_and_both_ways_out(server, tenant_probe, options):
    body = server.call(tenant_probe, **options)
    assert body["tenant"] == "blue", "context.tenant_id"
    assert body["mapping"] == "blue", "the client context as a mapping"
    assert body["context"]["custom"]["tenantId"] == "blue", "the client context as an object"


def test_other_client_context_is_kept(server, tenant_probe):
    given = {"custom": {"tenantId": "blue", "color": "é"}, "env": {"locale": "de"}}
    body = server.call(tenant_probe, ClientContext=client_context(given))
    assert body["context"] == {"custom": given["custom"], "env": given["env"]}


@pytest.mark.parametrize("tenant", [
    "a", "x" * 256, "Org/team:eu=1+2-3@host.example_com", "with one blank", "..", "/", "0", "=", "null", "a:b",
])
def test_allowed_ids(server, tenant_probe, tenant):
    assert server.call(tenant_probe, tenant=tenant)["tenant"] == tenant
    assert server.call(tenant_probe, ClientContext=in_context(tenant))["tenant"] == tenant


def test_ids_differ_by_case_and_by_every_sign(server, tenant_probe):
    tenants = ["case", "Case", "case.", "case-", "ca se", "case=", "case/"]
    instances = [server.call(tenant_probe, tenant=tenant)["instance"] for tenant in tenants]
    assert len(set(instances)) == len(tenants)


def test_streamed_invocation(server, tenant_probe):
    answer = server.lambda_.invoke_with_response_stream(FunctionName=tenant_probe, TenantId="blue", Payload=b"{}")
    body = json.loads(b"".join(
        part["PayloadChunk"]["Payload"] for part in answer["EventStream"] if "PayloadChunk" in part))
    assert body["tenant"] == "blue"
    with pytest.raises(server.lambda_.exceptions.InvalidParameterValueException) as error:
        server.lambda_.invoke_with_response_stream(FunctionName=tenant_probe, Payload=b"{}")
    assert "TenantIdentifierRequired" in str(error.value)


def test_asynchronous_invocation_keeps_the_tenant(server, make):
    name = make("probe", tenants=True)
    for options in ({"TenantId": "green"}, {"ClientContext": in_context("red")}):
        server.lambda_.invoke(
            FunctionName=name, InvocationType="Event", Payload=b'{"do": "print", "text": "async"}', **options)
    wait_until(
        lambda: {one["tenantId"] for one in environments_of(server, name)} == {"green", "red"}, "both have run", 60)


# Refusals

def test_no_tenant(server, tenant_probe):
    refused(server, tenant_probe, "TenantIdentifierRequired", REQUIRED)
    refused(server, tenant_probe, "TenantIdentifierRequired", REQUIRED, ClientContext=client_context({"custom": {}}))
    refused(server, tenant_probe, "TenantIdentifierRequired", REQUIRED, InvocationType="Event")
    with pytest.raises(server.lambda_.exceptions.InvalidParameterValueException):
        server.lambda_.invoke(FunctionName=tenant_probe, InvocationType="DryRun")


@pytest.mark.parametrize("tenant", [
    "x" * 257, "x" * 300, "a#b", "a\tb", "a,b", "a;b", "a*", "a%20b", "a\\b", "a?b", "a&b", "<a>", '"a"', "a~b", "(a)",
])
def test_malformed_tenant(server, tenant_probe, tenant):
    refused(server, tenant_probe, "TenantIdentifierInvalid", tenant=tenant)
    refused(server, tenant_probe, "TenantIdentifierInvalid", ClientContext=in_context(tenant))


@pytest.mark.parametrize("tenant", [
    "", " blue", "blue ", "a  b", " ", "é", "a\n", "a\u0000", "\u202eblue", 7, ["blue"], {"id": "blue"}, True,
], ids=repr)
def test_malformed_tenant_in_the_client_context(server, tenant_probe, tenant):
    refused(server, tenant_probe, "TenantIdentifierInvalid", ClientContext=in_context(tenant))


def test_tenant_twice_in_the_client_context(server, tenant_probe):
    for text in ('{"custom":{"tenantId":"blue","tenantId":"green"}}',
                 '{"custom":{"tenantId":"blue"},"custom":{"tenantId":"green"}}',
                 '{"custom":{"tenantId":"blue","tenant\\u0049d":"green"}}'):
        refused(
            server, tenant_probe, "TenantIdentifierInvalid", ClientContext=base64.b64encode(text.encode()).decode())


def test_empty_tenant_is_stopped_by_the_client_and_by_the_server(server, tenant_probe):
    with pytest.raises(ParamValidationError):
        server.invoke(tenant_probe, tenant="")
    status, _, body = raw.request(
        server, "POST", raw.invoke_path(tenant_probe), b"{}", [("x-amz-tenant-id", "")])
    assert status == 400 and b"TenantIdentifier" in body


@pytest.mark.parametrize("value", [b"gr\xc3\xbcn", b"\xff\xfe", b"a\x01b", b"blue, green", b"a  b", b"a\x7f"], ids=repr)
def test_raw_bytes(server, tenant_probe, value):
    status, fields, body = raw.request(
        server, "POST", raw.invoke_path(tenant_probe), b"{}", [("x-amz-tenant-id", value)])
    assert status == 400, body


def test_outer_blanks_are_no_second_name(server, tenant_probe):
    """HTTP strips them: the tenant is the same one or refused, never another."""
    status, _, body = raw.request(
        server, "POST", raw.invoke_path(tenant_probe), b"{}", [("x-amz-tenant-id", b"  blue  ")])
    assert status == 400 or json.loads(body)["tenant"] == "blue"


def test_tenant_header_twice(server, tenant_probe):
    status, _, body = raw.request(
        server, "POST", raw.invoke_path(tenant_probe), b"{}",
        [("x-amz-tenant-id", "blue"), ("x-amz-tenant-id", "green")])
    assert status == 400, body


def test_unsigned_tenant_header(server, tenant_probe):
    status, _, body = raw.request(
        server, "POST", raw.invoke_path(tenant_probe), b"{}", unsigned=[("x-amz-tenant-id", "blue")])
    assert status in (400, 403), body


def test_contradiction(server, tenant_probe):
    refused(server, tenant_probe, "TenantIdentifierConflict", tenant="blue", ClientContext=in_context("green"))
    refused(server, tenant_probe, "TenantIdentifierConflict", tenant="blue", ClientContext=in_context("Blue"))


def test_plain_function(server, probe):
    refused(server, probe, "TenantIdentifierNotSupported", NOT_SUPPORTED, tenant="blue")
    refused(server, probe, "TenantIdentifierNotSupported", NOT_SUPPORTED, ClientContext=in_context("blue"))
    refused(server, probe, "TenantIdentifierNotSupported", NOT_SUPPORTED, tenant="blue", InvocationType="Event")
    body = server.call(probe, ClientContext=client_context({"custom": {"color": "red"}}))
    assert body["tenant"] is None and body["context"]["custom"] == {"color": "red"}


def test_nothing_starts_for_a_refused_request(server, make):
    name = make("probe", tenants=True)
    refused(server, name, "TenantIdentifierRequired")
    refused(server, name, "TenantIdentifierInvalid", tenant="a#b")
    refused(server, name, "TenantIdentifierConflict", tenant="a", ClientContext=in_context("b"))
    assert not [one for one in server.environments() if one["function"] == name]
    assert server.log_events(name) == []


# Nothing is shared

def test_globals_and_tmp(server, make):
    name = make("probe", tenants=True)
    blue = server.call(name, {"do": "remember", "value": "b1"}, tenant="blue")
    green = server.call(name, {"do": "remember", "value": "g1"}, tenant="green")
    blue2 = server.call(name, {"do": "remember", "value": "b2"}, tenant="blue")
    green2 = server.call(name, {"do": "remember", "value": "g2"}, tenant="green")
    assert blue["instance"] == blue2["instance"] != green["instance"] == green2["instance"]
    assert blue2["globals"] == ["b1", "b2"] and green2["globals"] == ["g1", "g2"]
    assert {"b1", "b2"} <= set(blue2["tmp"]) and not {"g1", "g2"} & set(blue2["tmp"])
    assert {"g1", "g2"} <= set(green2["tmp"]) and not {"b1", "b2"} & set(green2["tmp"])


def test_processes_and_namespaces(server, tenant_probe):
    seen = [server.call(tenant_probe, {"do": "processes"}, tenant=tenant) for tenant in ("blue", "green")]
    for processes in seen:
        assert "1" in processes and len(processes) <= 4
        assert not [line for line in processes.values() if "serve" in line or "runsc" in line or "crun" in line]
    by_tenant = {one["tenantId"]: one for one in environments_of(server, tenant_probe)}
    # gVisor's kernel has the processes' namespaces inside itself; the host sees one process that is it.
    kinds = ("net", "mnt", "user") if server.level == "gvisor" else ("pid", "net", "mnt", "ipc", "uts", "user")
    for kind in kinds:
        links = {os.readlink(f"/proc/{by_tenant[tenant]['processId']}/ns/{kind}") for tenant in ("blue", "green")}
        own = os.readlink(f"/proc/self/ns/{kind}")
        assert own not in links, f"{kind} namespace of the host"
        assert len(links) == 2, f"one {kind} namespace for two tenants"


def test_users_of_the_host_differ(server, tenant_probe):
    for tenant in ("blue", "green"):
        server.call(tenant_probe, tenant=tenant)
    users = set()
    for one in environments_of(server, tenant_probe):
        if one["tenantId"] in ("blue", "green") and server.level == "container":
            status = pathlib.Path(f"/proc/{one['processId']}/status").read_text()
            users.add([line.split()[1] for line in status.splitlines() if line.startswith("Uid:")][0])
    if server.level == "container":
        assert len(users) == 2 and "0" not in users


def test_many_tenants_at_once(server, make):
    name = make("probe", tenants=True, MemorySize=128)
    tenants = [f"tenant-{number}" for number in range(20)]
    rounds = [(tenant, number) for number in range(3) for tenant in tenants]
    client = server.client(attempts=5)

    def call(one):
        tenant, number = one
        body = server.call(
            name, {"do": "remember", "value": f"{tenant}.{number}.{os.urandom(4).hex()}"}, tenant=tenant, client=client)
        return tenant, body

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(call, rounds))
    owner = {}
    for tenant, body in answers:
        assert owner.setdefault(body["instance"], tenant) == tenant, "one environment for two tenants"
        for value in body["globals"] + [entry for entry in body["tmp"] if entry.startswith("tenant-")]:
            assert value.split(".")[0] == tenant, f"{tenant} sees {value}"
    assert set(owner.values()) == set(tenants)
    listed = environments_of(server, name)
    assert {one["tenantId"] for one in listed} == set(tenants)
    assert all(one["level"] == server.level for one in listed)


def test_connections_are_never_shared(server, make):
    """A listener and an abstract socket in one tenant's environment are out of another's reach."""
    name = make({"app.py": CONNECTIONS}, tenants=True)
    assert server.call(name, {"listen": True}, tenant="blue") == {"tcp": True, "abstract": True}
    assert server.call(name, {}, tenant="blue") == {"tcp": True, "abstract": True}
    assert server.call(name, {}, tenant="green") == {"tcp": False, "abstract": False}


CONNECTIONS = """
import socket

held = []


def handler(event, context):
    if event.get("listen"):
        held.append(socket.create_server(("127.0.0.1", 7777)))
        abstract = socket.socket(socket.AF_UNIX)
        abstract.bind("\\0shared")
        abstract.listen()
        held.append(abstract)
    return {"tcp": reaches(socket.AF_INET, ("127.0.0.1", 7777)), "abstract": reaches(socket.AF_UNIX, "\\0shared")}


def reaches(family, address):
    with socket.socket(family) as connection:
        connection.settimeout(2)
        try:
            connection.connect(address)
            return True
        except OSError:
            return False
"""


# Ends

def test_update_ends_old_environments(server, make):
    name = make("probe", tenants=True)
    for tenant in ("blue", "green"):
        server.call(name, {"do": "remember", "value": "old"}, tenant=tenant)
    before = {one["id"] for one in environments_of(server, name)}
    server.lambda_.update_function_configuration(FunctionName=name, Environment={"Variables": {"NEW_ONE": "1"}})
    server.wait_active(name)
    for tenant in ("blue", "green"):
        body = server.call(name, {"do": "remember", "value": "new"}, tenant=tenant)
        assert body["globals"] == ["new"] and "old" not in body["tmp"]
    wait_until(
        lambda: not before & {one["id"] for one in environments_of(server, name)}, "the old environments are gone", 30)


def test_update_while_running(server, make):
    name = make("probe", tenants=True)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(server.call, name, {"do": "sleep", "seconds": 2}, "blue")
        server.wait_for_log(name, "sleeping")
        server.lambda_.update_function_code(
            FunctionName=name, ZipFile=packages.zip_files({"app.py": "def handler(e, c):\n    return c.tenant_id\n"}))
        server.wait_active(name)
        assert server.call(name, tenant="blue") == "blue"
        assert running.result()["instance"], "what ran was finished"


def test_versions_have_environments_of_their_own(server, make):
    name = make("probe", tenants=True, Publish=True)
    latest = server.call(name, {"do": "remember", "value": "latest"}, tenant="blue")
    version = server.call(name, {"do": "remember", "value": "version"}, tenant="blue", Qualifier="1")
    assert latest["instance"] != version["instance"]
    assert version["globals"] == ["version"] and "latest" not in version["tmp"]


def test_a_failed_environment_is_never_given_to_another(server, make):
    name = make("probe", tenants=True)
    server.call(name, {"do": "remember", "value": "secret"}, tenant="blue")
    assert server.invoke(name, {"do": "exit", "status": 1}, "blue")["FunctionError"]
    green = server.call(name, {"do": "remember", "value": "green"}, tenant="green")
    assert green["globals"] == ["green"] and "secret" not in green["tmp"]


def test_limit_of_tenant_environments(level):
    """2,500 environments for 1,000 of concurrency, so 10 for 4."""
    server = Server(level, "--concurrency", "4")
    try:
        server.start()
        server.create("limited", "probe", tenants=True, MemorySize=128)
        for number in range(10):
            server.call("limited", tenant=f"t{number}")
        for tenant in ("t0", "t9"):
            server.call("limited", tenant=tenant)
        with pytest.raises(server.lambda_.exceptions.TooManyRequestsException) as error:
            server.invoke("limited", tenant="t10")
        response = error.value.response
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 429
        assert response["Error"]["Message"] == "Rate exceeded"
    finally:
        server.destroy()
