"""The AWS CLI as it is, and Cloister's own commands."""

import base64
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time

import pytest

from support import packages
from support.server import ROLE, ROOT, WAIT_SECONDS, binary, wait_until

AWS = pathlib.Path(sys.executable).with_name("aws")


@pytest.fixture
def aws(server):
    def run(*arguments, check=True):
        done = subprocess.run(
            [AWS, *map(str, arguments)], env=server.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=WAIT_SECONDS)
        if check:
            assert done.returncode == 0, done.stderr
        return done
    return run


def test_aws_cli(server, aws, tmp_path, name):
    archive = tmp_path / "code.zip"
    archive.write_bytes(packages.function_zip("probe"))
    created = json.loads(aws(
        "lambda", "create-function", "--function-name", name, "--runtime", "python3.13", "--role", ROLE, "--handler",
        "app.handler", "--zip-file", f"fileb://{archive}", "--tenancy-config", "TenantIsolationMode=PER_TENANT").stdout)
    assert created["TenancyConfig"] == {"TenantIsolationMode": "PER_TENANT"}
    aws("lambda", "wait", "function-active-v2", "--function-name", name)
    out = tmp_path / "out.json"
    shown = json.loads(aws(
        "lambda", "invoke", "--function-name", name, "--tenant-id", "blue", "--payload", '{"do": "describe"}',
        "--log-type", "Tail", out).stdout)
    assert shown["StatusCode"] == 200 and "REPORT" in base64.b64decode(shown["LogResult"]).decode()
    assert json.loads(out.read_text())["tenant"] == "blue"
    refused = aws("lambda", "invoke", "--function-name", name, out, check=False)
    assert refused.returncode == 255 or refused.returncode == 254
    assert "InvalidParameterValueException" in refused.stderr and "TenantIdentifierRequired" in refused.stderr
    functions = json.loads(aws("lambda", "list-functions", "--max-items", "100").stdout)["Functions"]
    assert name in [one["FunctionName"] for one in functions]
    aws("lambda", "publish-version", "--function-name", name)
    aws("lambda", "create-alias", "--function-name", name, "--name", "prod", "--function-version", "1")
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    aws("lambda", "invoke", "--function-name", f"{arn}:prod", "--tenant-id", "blue", out)
    assert json.loads(out.read_text())["version"] == "1"
    server.wait_for_log(name, "REPORT")
    groups = json.loads(aws("logs", "describe-log-groups", "--log-group-name-prefix", f"/aws/lambda/{name}").stdout)
    assert [one["logGroupName"] for one in groups["logGroups"]] == [f"/aws/lambda/{name}"]
    events = json.loads(aws(
        "logs", "filter-log-events", "--log-group-name", f"/aws/lambda/{name}", "--filter-pattern", "REPORT").stdout)
    assert events["events"]
    aws("lambda", "delete-function", "--function-name", name)
    assert "ResourceNotFoundException" in aws("lambda", "get-function", "--function-name", name, check=False).stderr


# Deploy

@pytest.fixture
def tenants_example(server, tmp_path):
    """The example of the README, under names of its own."""
    folder = tmp_path / "tenants-example"
    shutil.copytree(ROOT / "Examples/tenants", folder)
    stack = f"stack-{time.time_ns()}"
    name = f"processor-{time.time_ns()}"
    template = folder / "template.yaml"
    template.write_text(template.read_text().replace("tenant-isolated-processor", name))
    yield folder, stack, name
    server.cloister("delete", stack, "--yes", check=False)


def deploy(server, folder, stack, *options, check=True):
    return server.cloister(
        "deploy", folder / "template.yaml", "--endpoint", server.endpoint, "--stack-name", stack, "--yes", *options,
        check=check)


def test_deploy_and_invoke(server, tenants_example):
    folder, stack, name = tenants_example
    report = json.loads(deploy(server, folder, stack, "--json").stdout)
    assert report["changed"] and [change["action"].lower() for change in report["changes"]] in (["add"], ["create"])
    got = server.lambda_.get_function_configuration(FunctionName=name)
    assert got["TenancyConfig"] == {"TenantIsolationMode": "PER_TENANT"}
    blue = json.loads(server.cloister("invoke", name, "--tenant-id", "blue", "--payload", '{"note": "b"}').stdout)
    green = json.loads(server.cloister("invoke", name, "--tenant-id", "green", "--payload", '{"note": "g"}').stdout)
    assert blue["tenantsSeen"] == ["blue"] and green["tenantsSeen"] == ["green"]
    assert "b" not in str(green["notes"]).replace("green", "") or "blue" not in str(green["notes"])
    assert blue["environment"]["logStream"] != green["environment"]["logStream"]


def test_deploy_again_changes_nothing(server, tenants_example):
    folder, stack, name = tenants_example
    deploy(server, folder, stack)
    before = server.lambda_.get_function_configuration(FunctionName=name)
    report = json.loads(deploy(server, folder, stack, "--json").stdout)
    assert report["changed"] is False and report["changes"] == []
    after = server.lambda_.get_function_configuration(FunctionName=name)
    assert after["RevisionId"] == before["RevisionId"]


def test_deploy_a_change(server, tenants_example):
    folder, stack, name = tenants_example
    deploy(server, folder, stack)
    (folder / "handler.py").write_text("def process(event, context):\n    return 'changed'\n")
    template = folder / "template.yaml"
    template.write_text(template.read_text().replace("Timeout: 30", "Timeout: 20"))
    report = json.loads(deploy(server, folder, stack, "--json").stdout)
    assert [change["resource"] for change in report["changes"]] == ["MultiTenantProcessor"]
    assert server.lambda_.get_function_configuration(FunctionName=name)["Timeout"] == 20
    assert server.call(name, tenant="blue") == "changed"


def test_deploy_rolls_back(server, tenants_example):
    folder, stack, name = tenants_example
    deploy(server, folder, stack)
    template = folder / "template.yaml"
    good = template.read_text()
    template.write_text(good.replace("Timeout: 30", "Timeout: 25") + """
  Broken:
    Type: AWS::Serverless::Function
    DependsOn: MultiTenantProcessor
    Properties:
      CodeUri: .
      Handler: handler.process
      Runtime: python3.13
      Layers: [arn:aws:lambda:us-east-1:000000000000:layer:no-such-layer:1]
""")
    failed = deploy(server, folder, stack, check=False)
    assert failed.returncode != 0 and "no-such-layer" in failed.stderr + failed.stdout
    assert server.lambda_.get_function_configuration(FunctionName=name)["Timeout"] == 30
    assert server.call(name, {"note": "x"}, tenant="blue")["tenant"] == "blue"


def test_template_as_in_the_article(server, tenants_example):
    """Architectures and memory of the article; code for another processor is Python's business, so it's a warning."""
    folder, stack, name = tenants_example
    template = folder / "template.yaml"
    template.write_text(template.read_text().replace(
        "MemorySize: 256", "MemorySize: 1024\n      Architectures: [arm64]"))
    done = deploy(server, folder, stack, "--json")
    assert any("arm64" in warning for warning in json.loads(done.stdout)["warnings"]), done.stdout
    assert server.call(name, tenant="blue")["tenant"] == "blue"


def test_both_spellings_of_tenant_isolation(server, tenants_example):
    folder, stack, name = tenants_example
    template = folder / "template.yaml"
    template.write_text(template.read_text().replace(
        "TenantIsolationConfig:\n        Mode: PerTenant", "TenancyConfig:\n        TenantIsolationMode: PER_TENANT"))
    deploy(server, folder, stack)
    got = server.lambda_.get_function_configuration(FunctionName=name)
    assert got["TenancyConfig"] == {"TenantIsolationMode": "PER_TENANT"}


@pytest.mark.parametrize("change, text", [
    (("Runtime: python3.13", "Runtime: python3.12"), "python3.12"),
    (("Handler: handler.process", "Handlr: handler.process"), "Handl"),
    (("Mode: PerTenant", "Mode: Sometimes"), "Sometimes"),
    (("CodeUri: .", "CodeUri: ./nowhere"), "nowhere"),
    (("Timeout: 30", "Timeout: !ImportValue x"), "ImportValue"),
    (("Timeout: 30", "Timeout: !Ref NoSuch"), "NoSuch"),
    (("Resources:", "Resources: [\n"), "template.yaml"),
])
def test_bad_templates(server, tenants_example, change, text):
    folder, stack, name = tenants_example
    template = folder / "template.yaml"
    template.write_text(template.read_text().replace(*change))
    failed = deploy(server, folder, stack, check=False)
    assert failed.returncode != 0 and text in failed.stderr, failed.stderr
    assert name not in [one["FunctionName"] for one in server.lambda_.list_functions()["Functions"]]


def test_unsupported_resources_are_named(server, tenants_example):
    folder, stack, name = tenants_example
    template = folder / "template.yaml"
    template.write_text(template.read_text() + "\n  Orders:\n    Type: AWS::DynamoDB::Table\n    Properties: {}\n")
    done = deploy(server, folder, stack, "--json")
    assert any("Orders" in warning and "AWS::DynamoDB::Table" in warning
               for warning in json.loads(done.stdout)["warnings"]), done.stdout


def test_watch(server, tenants_example):
    folder, stack, name = tenants_example
    watcher = subprocess.Popen(
        [binary(), "deploy", folder / "template.yaml", "--stack-name", stack, "--yes", "--watch"],
        env=server.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        def answer():
            try:
                return server.invoke(name, {}, "blue")["Body"]
            except server.lambda_.exceptions.ClientError:
                return None
        wait_until(lambda: isinstance(answer(), dict), "the first deployment", 30)
        (folder / "handler.py").write_text("def process(event, context):\n    return 'saved'\n")
        wait_until(lambda: answer() == "saved", "what was saved is deployed", 30, 0.3)
    finally:
        watcher.kill()
        watcher.wait()


def test_delete(server, tenants_example):
    folder, stack, name = tenants_example
    deploy(server, folder, stack)
    server.cloister("delete", stack, "--yes")
    with pytest.raises(server.lambda_.exceptions.ResourceNotFoundException):
        server.lambda_.get_function(FunctionName=name)


# The other commands

def test_env(server):
    text = server.cloister("env", "--data", server.data, "--endpoint", server.endpoint).stdout
    variables = dict(re.fullmatch(r"export (\w+)='?([^']*)'?", line).groups() for line in text.splitlines())
    assert variables["AWS_ACCESS_KEY_ID"] == server.credentials["accessKeyId"]
    assert variables["AWS_SECRET_ACCESS_KEY"] == server.credentials["secretAccessKey"]
    assert variables["AWS_ENDPOINT_URL"] == server.endpoint and variables["AWS_REGION"]


def test_invoke_shows_errors(server, probe):
    failed = server.cloister("invoke", probe, "--payload", '{"do": "raise", "message": "loud"}', check=False)
    assert failed.returncode == 1 and "loud" in failed.stderr and failed.stdout.strip() == ""
    unknown = server.cloister("invoke", "no-such-function", check=False)
    assert unknown.returncode != 0 and "no-such-function" in unknown.stderr
    shown = json.loads(server.cloister("invoke", probe, "--payload", '{"do": "echo", "value": 5}', "--json").stdout)
    assert shown["status"] == 200 and shown["payload"] == 5


def test_environments(server, tenant_probe):
    stream = server.call(tenant_probe, tenant="shown in a table")["stream"]
    listed = [one for one in server.environments() if one["function"] == tenant_probe]
    mine = [one for one in listed if one["tenantId"] == "shown in a table"]
    assert len(mine) == 1
    assert mine[0]["level"] == server.level and mine[0]["logStream"] == stream
    assert mine[0]["invocations"] == 1 and mine[0]["memoryBytes"] > 0 and mine[0]["processId"] > 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", mine[0]["since"])
    table = server.cloister("environments").stdout
    assert "shown in a table" in table and tenant_probe in table


def test_logs(server, probe):
    server.call(probe, {"do": "print", "text": "seen in logs"})
    wait_until(lambda: "seen in logs 0" in server.cloister("logs", probe).stdout, "the line", 30, 0.3)


def test_doctor(server, level):
    diagnosis = json.loads(server.cloister("doctor", "--json").stdout)
    levels = {one["level"]: one for one in diagnosis["levels"]}
    assert levels[level]["works"] is True
    assert levels["microvm"]["detail"]
    by_itself = [one["level"] for one in diagnosis["levels"] if one["works"] and one["isAutomatic"]]
    assert diagnosis["levelInForce"] == by_itself[0]
    assert level in server.cloister("doctor").stdout


def test_errors_are_friendly(server):
    away = subprocess.run(
        [binary(), "environments", "--endpoint", "http://127.0.0.1:9"], env=server.environment(), capture_output=True,
        text=True, timeout=WAIT_SECONDS)
    assert away.returncode == 69 and "127.0.0.1:9" in away.stderr
    second = subprocess.run(
        [binary(), "serve", "--data", server.data, "--listen", "127.0.0.1:0", "--isolation", server.level],
        capture_output=True, text=True, timeout=WAIT_SECONDS)
    assert second.returncode != 0 and "another server uses the data directory" in second.stderr
    refused = subprocess.run(
        [binary(), "serve", "--data", server.data, "--listen", "0.0.0.0:0", "--insecure-local"], capture_output=True,
        text=True, timeout=WAIT_SECONDS)
    assert refused.returncode == 64


def test_servers_side_by_side(server, level):
    from support.server import Server
    other = Server(level, "--account-id", "123456789012")
    try:
        other.start()
        other.create("mine", "probe")
        assert other.call("mine")["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:mine"
        assert "mine" not in [one["FunctionName"] for one in server.lambda_.list_functions()["Functions"]]
    finally:
        other.destroy()
    assert server.lambda_.get_account_settings()
