"""Provisioned concurrency, tiers and tenants: who finds an environment ready, who is limited, who is refused."""

import base64
import concurrent.futures
import json
import re
import time

import pytest
from botocore.exceptions import ClientError

from support.server import Server, wait_until

COUNT = 3


def publish(server, name, alias="prod"):
    version = server.lambda_.publish_version(FunctionName=name)["Version"]
    server.lambda_.create_alias(FunctionName=name, Name=alias, FunctionVersion=version)
    return version


def provision(server, name, count=COUNT, qualifier="prod"):
    answer = server.lambda_.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier=qualifier, ProvisionedConcurrentExecutions=count)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["RequestedProvisionedConcurrentExecutions"] == count
    return wait_ready(server, name, count, qualifier)


def wait_ready(server, name, count=COUNT, qualifier="prod"):
    def ready():
        state = server.lambda_.get_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier)
        assert state["Status"] != "FAILED", state
        if state["Status"] == "READY" and state["AvailableProvisionedConcurrentExecutions"] == count:
            return state
        return None
    return wait_until(ready, f"{count} environments of {name}:{qualifier}")


def environments(server, name, tenant=None):
    return [
        one for one in server.environments()
        if one["function"] == name and (tenant is None or one.get("tenantId") == tenant)]


def invoke_with_tail(server, name, event=None, tenant=None, qualifier="prod"):
    options = {"TenantId": tenant} if tenant else {}
    answer = server.lambda_.invoke(
        FunctionName=name, Qualifier=qualifier, LogType="Tail", Payload=json.dumps(event or {}), **options)
    assert "FunctionError" not in answer
    return json.loads(answer["Payload"].read()), base64.b64decode(answer["LogResult"]).decode()


def error_of(call, *arguments, **options):
    with pytest.raises(ClientError) as error:
        call(*arguments, **options)
    response = error.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response


# Provisioned concurrency

def test_first_invokes_of_two_tenants_find_an_environment(server, make):
    name = make("probe", tenants=True)
    publish(server, name)
    provision(server, name)
    seen = {}
    for tenant in ("blue", "green"):
        variables, log = invoke_with_tail(server, name, {"do": "variables"}, tenant)
        assert variables["AWS_LAMBDA_INITIALIZATION_TYPE"] == "provisioned-concurrency"
        assert "REPORT" in log and "Init Duration" not in log, "the first invocation waited for no initialisation"
        seen[tenant] = variables["AWS_LAMBDA_LOG_STREAM_NAME"]
    assert seen["blue"] != seen["green"]
    # Replaced at once: both are bound now, and there are as many without a tenant as before.
    state = wait_ready(server, name)
    assert state["AllocatedProvisionedConcurrentExecutions"] == COUNT
    found = wait_until(
        lambda: environments(server, name) if len(environments(server, name)) == COUNT + 2 else None, "replacements")
    assert sorted(one["tenantId"] for one in found if one.get("tenantId")) == ["blue", "green"]
    # Those that are bound stay their tenants'.
    for tenant in ("blue", "green"):
        body, _ = invoke_with_tail(server, name, tenant=tenant)
        assert body["tenant"] == tenant and body["stream"] == seen[tenant]


def test_without_provisioning_the_first_invoke_is_a_cold_start(server, make):
    name = make("probe", tenants=True)
    publish(server, name)
    variables, log = invoke_with_tail(server, name, {"do": "variables"}, "blue")
    assert variables["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
    assert "Init Duration" in log


def test_plain_function(server, make):
    name = make("probe")
    version = publish(server, name)
    provision(server, name, 2, version)
    variables, log = invoke_with_tail(server, name, {"do": "variables"}, qualifier=version)
    assert variables["AWS_LAMBDA_INITIALIZATION_TYPE"] == "provisioned-concurrency"
    assert "Init Duration" not in log
    state = server.lambda_.get_provisioned_concurrency_config(FunctionName=name, Qualifier=version)
    assert state["AvailableProvisionedConcurrentExecutions"] == 2, "it serves on and needs no replacement"


def test_list_errors_and_end(server, make):
    name = make("probe", tenants=True)
    version = publish(server, name)
    client = server.lambda_
    put = client.put_provisioned_concurrency_config
    get = client.get_provisioned_concurrency_config
    assert error_of(put, FunctionName=name, Qualifier="$LATEST", ProvisionedConcurrentExecutions=1)[:2] == (
        400, "InvalidParameterValueException")
    with pytest.raises(client.exceptions.ProvisionedConcurrencyConfigNotFoundException):
        get(FunctionName=name, Qualifier="prod")
    assert error_of(put, FunctionName=name, Qualifier="none", ProvisionedConcurrentExecutions=1)[:2] == (
        404, "ResourceNotFoundException")
    assert error_of(put, FunctionName=name, Qualifier="prod", ProvisionedConcurrentExecutions=100_000)[:2] == (
        400, "InvalidParameterValueException")
    provision(server, name, 1)
    with pytest.raises(client.exceptions.ResourceConflictException):
        put(FunctionName=name, Qualifier=version, ProvisionedConcurrentExecutions=1)
    listed = client.get_paginator("list_provisioned_concurrency_configs").paginate(FunctionName=name)
    configurations = [one for page in listed for one in page["ProvisionedConcurrencyConfigs"]]
    assert [one["FunctionArn"].split(":", 6)[6] for one in configurations] == [f"{name}:prod"]
    assert configurations[0]["Status"] == "READY"
    for _ in range(2):
        client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="prod")
    assert not client.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"]


def test_a_function_that_cant_start(server, make):
    name = make({"app.py": "raise RuntimeError('no')\n"})
    publish(server, name)
    server.lambda_.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier="prod", ProvisionedConcurrentExecutions=1)
    state = wait_until(
        lambda: next((one for one in [server.lambda_.get_provisioned_concurrency_config(
            FunctionName=name, Qualifier="prod")] if one["Status"] == "FAILED"), None), "FAILED")
    assert state["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"
    assert state["AvailableProvisionedConcurrentExecutions"] == 0


def test_alias_takes_it_to_another_version(server, make):
    name = make("probe", tenants=True)
    publish(server, name)
    provision(server, name, 1)
    server.lambda_.update_function_configuration(FunctionName=name, Environment={"Variables": {"WHICH": "2"}})
    server.wait_active(name)
    second = server.lambda_.publish_version(FunctionName=name)["Version"]
    server.lambda_.update_alias(FunctionName=name, Name="prod", FunctionVersion=second)
    wait_ready(server, name, 1)
    variables, log = invoke_with_tail(server, name, {"do": "variables"}, "blue")
    assert variables["WHICH"] == "2" and variables["AWS_LAMBDA_FUNCTION_VERSION"] == second
    assert "Init Duration" not in log


TIERS = {"enterprise": 20, "professional": 5, "starter": 0}


def sign_up(client, tier):
    """What a SaaS runs for a new tenant: by tier, on the function's alias."""
    if TIERS[tier] > 0:
        client.put_provisioned_concurrency_config(
            FunctionName="tenant-isolated-processor", Qualifier="prod", ProvisionedConcurrentExecutions=TIERS[tier])


def test_provisioning_by_tier(server, tmp_path):
    """A function deployed from a SAM template, then provisioned for the tier of whoever signs up."""
    (tmp_path / "handler.py").write_text("def process(event, context):\n    return context.tenant_id\n")
    (tmp_path / "template.yaml").write_text("""
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Resources:
  MultiTenantProcessor:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: tenant-isolated-processor
      CodeUri: .
      Handler: handler.process
      Runtime: python3.13
      Timeout: 30
      MemorySize: 1024
      TenantIsolationConfig:
        Mode: PerTenant
      AutoPublishAlias: prod
      ProvisionedConcurrencyConfig:
        ProvisionedConcurrentExecutions: 1
""")
    arguments = ("deploy", tmp_path / "template.yaml", "--endpoint", server.endpoint, "--stack-name", "tiers", "--yes")
    try:
        server.cloister(*arguments)
        state = server.lambda_.get_provisioned_concurrency_config(
            FunctionName="tenant-isolated-processor", Qualifier="prod")
        assert state["Status"] == "READY" and state["RequestedProvisionedConcurrentExecutions"] == 1
        assert json.loads(server.cloister(*arguments, "--json").stdout)["changed"] is False
        for tier in ("starter", "enterprise"):
            sign_up(server.lambda_, tier)
        wait_ready(server, "tenant-isolated-processor", 20)
        for tenant in ("acme", "globex"):
            body, log = invoke_with_tail(server, "tenant-isolated-processor", tenant=tenant)
            assert body == tenant and "Init Duration" not in log
        # Taken out of the template, it is gone.
        template = tmp_path / "template.yaml"
        template.write_text(re.sub(r"      ProvisionedConcurrencyConfig:\n.*\n", "", template.read_text()))
        server.cloister(*arguments)
        assert not server.lambda_.list_provisioned_concurrency_configs(
            FunctionName="tenant-isolated-processor")["ProvisionedConcurrencyConfigs"]
    finally:
        server.cloister("delete", "tiers", "--yes", check=False)


# Tenants and tiers

@pytest.fixture
def registry(server):
    """Runs `cloister`; what a test registers ends with it."""
    made = []

    def run(*arguments, check=True):
        if arguments[1] == "put":
            made.append((arguments[0], arguments[2]))
        done = server.cloister(*map(str, arguments), "--json", check=False)
        if check:
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout) if done.stdout else None
        return done

    yield run
    for kind, name in sorted(made):
        server.cloister(kind, "delete", name, check=False)


def test_suspension_takes_one_tenants_environments_at_once(server, make, registry):
    name = make("probe", tenants=True)
    tenants = [f"{color}-{name}" for color in ("blue", "green")]
    streams = {tenant: server.call(name, tenant=tenant)["stream"] for tenant in tenants}
    registry("tenants", "put", tenants[0])
    with concurrent.futures.ThreadPoolExecutor() as pool:
        running = pool.submit(server.invoke, name, {"do": "sleep", "seconds": 30}, tenants[0])
        server.wait_for_log(name, "sleeping")
        began = time.monotonic()
        assert registry("tenants", "suspend", tenants[0])["status"] == "suspended"
        # On return none of them serves any more, and what ran has ended.
        assert environments(server, name, tenants[0]) == []
        with pytest.raises(ClientError):
            running.result()
        assert time.monotonic() - began < 25, "the invocation was not waited for"
    for kind in ("RequestResponse", "Event", "DryRun"):
        status, code, response = error_of(
            server.lambda_.invoke, FunctionName=name, TenantId=tenants[0], InvocationType=kind)
        assert (status, code) == (403, "AccessDeniedException")
        assert response["Error"]["Message"] == "The tenant is suspended. TenantSuspended"
    assert environments(server, name, tenants[0]) == [], "nothing starts for a refused invocation"
    assert server.call(name, tenant=tenants[1])["stream"] == streams[tenants[1]], "the other tenant's is untouched"
    shown = server.cloister("invoke", name, "--tenant-id", tenants[0], check=False)
    assert shown.returncode == 77 and "cloister tenants resume" in shown.stderr
    assert registry("tenants", "resume", tenants[0])["status"] == "active"
    assert server.call(name, tenant=tenants[0])["stream"] != streams[tenants[0]]


def test_reservation_of_a_tier(server, make, registry):
    name = make("probe", tenants=True)
    publish(server, name)
    tier, tenants = f"e-{name}", [f"{color}-{name}" for color in ("blue", "green")]
    registry("tiers", "put", tier, "--reserve", 2, "--function", f"{name}:prod")
    registry("tenants", "put", tenants[0], "--tier", tier)

    def idle(count):
        found = environments(server, name, tenants[0])
        return len(found) == count and all(one["state"] in ("idle", "frozen") for one in found)

    wait_until(lambda: idle(2), "two environments of the tenant")
    assert environments(server, name, tenants[1]) == []
    variables, log = invoke_with_tail(server, name, {"do": "variables"}, tenants[0])
    assert variables["AWS_LAMBDA_INITIALIZATION_TYPE"] == "provisioned-concurrency"
    assert "Init Duration" not in log
    variables, log = invoke_with_tail(server, name, {"do": "variables"}, tenants[1])
    assert "Init Duration" in log, "it has no reservation"
    shown = registry("tenants", "show", tenants[0])
    assert shown["effective"]["reservation"] == 2 and shown["effective"]["functions"][0].endswith(f"{name}:prod")
    registry("tenants", "suspend", tenants[0])
    assert environments(server, name, tenants[0]) == []
    registry("tenants", "resume", tenants[0])
    wait_until(lambda: idle(2), "the reservation comes back")


def test_limits_of_a_tenant(server, make, registry):
    name = make("probe", tenants=True)
    tier, tenants = f"s-{name}", [f"{color}-{name}" for color in ("blue", "green")]
    registry("tiers", "put", tier, "--concurrency", 1)
    for tenant in tenants:
        registry("tenants", "put", tenant, "--tier", tier)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        running = [pool.submit(server.call, name, {"do": "sleep", "seconds": 15}, tenant) for tenant in tenants]
        wait_until(lambda: len(server.log_events(name, filterPattern="sleeping")) == 2, "both run", 60)
        status, code, response = error_of(server.lambda_.invoke, FunctionName=name, TenantId=tenants[0])
        assert (status, code) == (429, "TooManyRequestsException")
        assert response["Reason"] == "ConcurrentInvocationLimitExceeded"
        assert [one.result() is not None for one in running] == [True, True], "each has its own limit"
    registry("tenants", "put", tenants[0], "--tier", tier, "--concurrency", 10, "--rate", 0.001, "--burst", 2)
    server.call(name, tenant=tenants[0])
    server.call(name, tenant=tenants[0])
    status, code, response = error_of(server.lambda_.invoke, FunctionName=name, TenantId=tenants[0])
    assert (status, code) == (429, "TooManyRequestsException")
    assert response["Reason"] == "CallerRateLimitExceeded"
    server.call(name, tenant=tenants[1])
    registry("tenants", "put", tenants[0])
    server.call(name, tenant=tenants[0])
    # The function needs 256 MiB.
    other = make("probe", tenants=True)
    registry("tenants", "put", tenants[0], "--memory", 200)
    status, code, response = error_of(server.lambda_.invoke, FunctionName=other, TenantId=tenants[0])
    assert (status, code) == (429, "TooManyRequestsException")
    assert response["Reason"] == "ConcurrentInvocationLimitExceeded"
    server.call(other, tenant=tenants[1])


def test_registered_tenants_only(server, make, registry):
    name = make("probe", tenants=True, Tags={"cloister:tenants": "registered"})
    known, unknown = f"known-{name}", f"unknown-{name}"
    registry("tenants", "put", known)
    assert server.call(name, tenant=known)["tenant"] == known
    for kind in ("RequestResponse", "Event", "DryRun"):
        status, code, response = error_of(
            server.lambda_.invoke, FunctionName=name, TenantId=unknown, InvocationType=kind)
        assert (status, code) == (403, "AccessDeniedException")
        assert response["Error"]["Message"].endswith("TenantNotRegistered")
    assert environments(server, name, unknown) == []
    registry("tenants", "delete", known)
    assert environments(server, name, known) == []
    assert error_of(server.lambda_.invoke, FunctionName=name, TenantId=known)[0] == 403


def test_commands(server, registry, name):
    tier, tenant = f"tier-{name}", f"a/b:{name} c"
    registry("tiers", "put", tier, "--rate", 2.5, "--memory", 512)
    assert [one["limits"] for one in registry("tiers", "list") if one["name"] == tier] == [
        {"rate": 2.5, "memoryMiB": 512}]
    registry("tenants", "put", tenant, "--tier", tier, "--concurrency", 3)
    shown = registry("tenants", "show", tenant)
    assert shown["id"] == tenant and shown["effective"]["limits"] == {"rate": 2.5, "memoryMiB": 512, "concurrency": 3}
    assert tenant in [one["id"] for one in registry("tenants", "list")]
    table = server.cloister("tenants", "list").stdout
    assert tenant in table and tier in table
    held = registry("tiers", "delete", tier, check=False)
    assert held.returncode == 1 and tenant in held.stderr
    assert registry("tenants", "put", tenant, "--tier", "none", check=False).returncode == 1
    assert registry("tenants", "show", "nobody", check=False).returncode == 1
    assert registry("tenants", "delete", tenant) == {"deleted": tenant}
    assert registry("tiers", "delete", tier) == {"deleted": tier}


def test_all_of_it_survives_a_crash(level):
    server = Server(level)
    try:
        server.start()
        server.create("f", "probe", tenants=True)
        publish(server, "f")
        provision(server, "f", 1)
        server.cloister("tiers", "put", "enterprise", "--reserve", "1", "--function", "f:prod", "--concurrency", "1")
        server.cloister("tenants", "put", "blue", "--tier", "enterprise")
        server.cloister("tenants", "put", "green")
        server.cloister("tenants", "suspend", "green")
        server.kill()
        server.start()
        assert error_of(server.lambda_.invoke, FunctionName="f", Qualifier="prod", TenantId="green")[0] == 403
        wait_ready(server, "f", 1)
        wait_until(lambda: environments(server, "f", "blue"), "the reservation")
        for tenant in ("blue", "red"):
            body, log = invoke_with_tail(server, "f", tenant=tenant)
            assert body["tenant"] == tenant and "Init Duration" not in log
        assert environments(server, "f", "green") == []
    finally:
        server.destroy()
