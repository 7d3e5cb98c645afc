"""The control plane as boto3 sees it."""

import base64
import hashlib
import io
import json
import urllib.request
import zipfile

import pytest
from botocore.exceptions import ClientError

from support import packages
from support.server import ROLE, wait_until

HELLO = {"app.py": "def handler(event, context):\n    return 'one'\n"}
TWO = {"app.py": "def handler(event, context):\n    return 'two'\n"}


def arn(name, suffix=""):
    return f"arn:aws:lambda:us-east-1:000000000000:function:{name}{suffix}"


def refused(error, code, status):
    response = error.value.response
    assert response["Error"]["Code"] == code, response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status, response
    assert response["Error"]["Message"], response
    assert response["ResponseMetadata"]["RequestId"], response
    return response["Error"]["Message"]


# Create, get, list

def test_create_and_get(server, make, name):
    code = packages.zip_files(HELLO)
    created = server.create(
        name, code, wait=False, Description="d", Timeout=7, MemorySize=192,
        Environment={"Variables": {"AA": "1"}}, Tags={"team": "x"}, Architectures=["x86_64"],
        EphemeralStorage={"Size": 600}, LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG"},
        TracingConfig={"Mode": "Active"})
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert created["State"] == "Pending" or created["State"] == "Active"
    server.lambda_.get_waiter("function_active_v2").wait(FunctionName=name)
    server.lambda_.get_waiter("function_exists").wait(FunctionName=name)
    got = server.lambda_.get_function(FunctionName=name)
    configuration = got["Configuration"]
    expected = {
        "FunctionName": name, "FunctionArn": arn(name), "Runtime": "python3.13", "Role": ROLE, "Handler": "app.handler",
        "CodeSize": len(code), "Description": "d", "Timeout": 7, "MemorySize": 192, "Version": "$LATEST",
        "CodeSha256": base64.b64encode(hashlib.sha256(code).digest()).decode(),
        "Environment": {"Variables": {"AA": "1"}}, "TracingConfig": {"Mode": "Active"}, "State": "Active",
        "LastUpdateStatus": "Successful", "PackageType": "Zip", "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 600},
    }
    assert {key: configuration.get(key) for key in expected} == expected
    assert configuration["LoggingConfig"]["LogFormat"] == "JSON"
    assert configuration["LoggingConfig"]["LogGroup"] == f"/aws/lambda/{name}"
    assert len(configuration["RevisionId"]) == 36
    assert configuration["LastModified"].endswith("+0000")
    assert "TenancyConfig" not in configuration
    assert got["Tags"] == {"team": "x"} and got["Code"]["RepositoryType"] == "S3"
    alone = server.lambda_.get_function_configuration(FunctionName=arn(name))
    alone.pop("ResponseMetadata")
    assert alone == configuration
    server.delete(name)


def test_code_location(server, make):
    name = make(HELLO)
    location = server.lambda_.get_function(FunctionName=name)["Code"]["Location"]
    with urllib.request.urlopen(location) as answer:
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    assert archive.read("app.py").decode() == HELLO["app.py"]


def test_defaults(server, name):
    server.lambda_.create_function(
        FunctionName=name, Runtime="python3.13", Role=ROLE, Handler="app.handler",
        Code={"ZipFile": packages.zip_files(HELLO)})
    server.wait_active(name)
    got = server.lambda_.get_function_configuration(FunctionName=name)
    assert (got["Timeout"], got["MemorySize"], got["EphemeralStorage"], got["TracingConfig"]) == (
        3, 128, {"Size": 512}, {"Mode": "PassThrough"})
    server.delete(name)


@pytest.mark.parametrize("settings", [
    {"MemorySize": 127}, {"MemorySize": 10241}, {"Timeout": 0}, {"Timeout": 901}, {"Handler": "a b"},
    {"Role": "me"}, {"EphemeralStorage": {"Size": 511}}, {"Environment": {"Variables": {"A": "1"}}},
    {"Environment": {"Variables": {"BIG": "x" * 5000}}}, {"Architectures": ["sparc"]}, {"Runtime": "python3.12"},
    {"Runtime": "cobol1"}, {"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:none:1"]},
    {"TenancyConfig": {"TenantIsolationMode": "SOMETIMES"}}, {"Description": "x" * 300}, {"Code": {"ZipFile": b"no zip"}},
    {"FunctionName": "a" * 65}, {"FunctionName": "a b"}, {"Runtime": None}, {"Handler": None},
    {"TracingConfig": {"Mode": "Maybe"}}, {"Code": {"S3Bucket": "bucket", "S3Key": "key"}},
])
def test_create_refuses(server, name, settings):
    request = {
        "FunctionName": name, "Runtime": "python3.13", "Role": ROLE, "Handler": "app.handler",
        "Code": {"ZipFile": packages.zip_files(HELLO)}, **settings}
    request = {key: value for key, value in request.items() if value is not None}
    with pytest.raises(ClientError) as error:
        server.client(parameter_validation=False).create_function(**request)
    response = error.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] in (400, 501), response
    assert response["Error"]["Code"] in (
        "InvalidParameterValueException", "ValidationException", "NotImplementedException"), response
    with pytest.raises(server.lambda_.exceptions.ResourceNotFoundException):
        server.lambda_.get_function(FunctionName=name)


def test_reserved_variables(server, name):
    with pytest.raises(server.lambda_.exceptions.InvalidParameterValueException) as error:
        server.create(name, HELLO, Environment={"Variables": {"AWS_REGION": "x"}})
    assert "Reserved keys used in this request: AWS_REGION" in str(error.value)


def test_unknown_runtime_is_refused_with_the_list(server, name):
    with pytest.raises(server.lambda_.exceptions.InvalidParameterValueException) as error:
        server.create(name, HELLO, runtime="python3.12")
    message = refused(error, "InvalidParameterValueException", 400)
    assert "python3.12" in message and "python3.13" in message


def test_native_architecture(server, make, name):
    make(HELLO, name, Architectures=["arm64"])
    assert server.call(name) == "one"


def test_create_twice(server, make):
    name = make(HELLO)
    with pytest.raises(server.lambda_.exceptions.ResourceConflictException) as error:
        server.create(name, HELLO)
    assert f"Function already exist: {name}" in refused(error, "ResourceConflictException", 409)


def test_list_is_paged(server, make):
    names = sorted(make(HELLO) for _ in range(5))
    pages = list(server.lambda_.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2}))
    listed = [one["FunctionName"] for page in pages for one in page["Functions"]]
    assert len(listed) == len(set(listed)) and set(names) <= set(listed)
    assert all(len(page["Functions"]) <= 2 for page in pages)


def test_regions_are_apart(server, make):
    name = make(HELLO)
    other = server.client(region="ap-southeast-2")
    assert name not in [one["FunctionName"] for one in other.list_functions()["Functions"]]
    with pytest.raises(other.exceptions.ResourceNotFoundException):
        other.get_function(FunctionName=name)


def test_delete(server, make):
    name = make(HELLO)
    server.call(name)
    server.delete(name)
    for call in (server.lambda_.get_function, server.lambda_.delete_function, server.lambda_.invoke):
        with pytest.raises(server.lambda_.exceptions.ResourceNotFoundException) as error:
            call(FunctionName=name)
        refused(error, "ResourceNotFoundException", 404)
    wait_until(
        lambda: not [one for one in server.environments() if one["function"] == name], "its environments are gone", 30)


# Updates

def test_update_code(server, make):
    name = make(HELLO)
    assert server.call(name) == "one"
    answer = server.lambda_.update_function_code(FunctionName=name, ZipFile=packages.zip_files(TWO))
    assert answer["LastUpdateStatus"] in ("InProgress", "Successful")
    server.lambda_.get_waiter("function_updated_v2").wait(FunctionName=name)
    assert server.call(name) == "two"


def test_update_code_dry_run(server, make):
    name = make(HELLO)
    before = server.lambda_.get_function_configuration(FunctionName=name)
    answer = server.lambda_.update_function_code(FunctionName=name, ZipFile=packages.zip_files(TWO), DryRun=True)
    assert answer["CodeSha256"] != before["CodeSha256"]
    after = server.lambda_.get_function_configuration(FunctionName=name)
    assert (after["CodeSha256"], after["RevisionId"]) == (before["CodeSha256"], before["RevisionId"])


def test_update_configuration(server, make):
    name = make("probe")
    server.call(name)
    server.lambda_.update_function_configuration(
        FunctionName=name, Timeout=11, Environment={"Variables": {"NEW_ONE": "set"}}, Description="changed")
    server.lambda_.get_waiter("function_updated_v2").wait(FunctionName=name)
    got = server.lambda_.get_function_configuration(FunctionName=name)
    assert (got["Timeout"], got["Description"], got["MemorySize"]) == (11, "changed", 256)
    assert server.call(name, {"do": "variables"})["NEW_ONE"] == "set"


def test_revision_id(server, make):
    name = make(HELLO)
    revision = server.lambda_.get_function_configuration(FunctionName=name)["RevisionId"]
    updated = server.lambda_.update_function_configuration(FunctionName=name, Timeout=4, RevisionId=revision)
    assert updated["RevisionId"] != revision
    server.wait_active(name)
    for call in (
        lambda: server.lambda_.update_function_configuration(FunctionName=name, Timeout=5, RevisionId=revision),
        lambda: server.lambda_.update_function_code(
            FunctionName=name, ZipFile=packages.zip_files(TWO), RevisionId=revision),
        lambda: server.lambda_.publish_version(FunctionName=name, RevisionId=revision),
    ):
        with pytest.raises(server.lambda_.exceptions.PreconditionFailedException) as error:
            call()
        refused(error, "PreconditionFailedException", 412)


def test_tenancy_stays(server, make):
    name = make(HELLO, tenants=True)
    got = server.lambda_.get_function_configuration(FunctionName=name)
    assert got["TenancyConfig"] == {"TenantIsolationMode": "PER_TENANT"}
    server.lambda_.update_function_configuration(FunctionName=name, Timeout=9)
    server.wait_active(name)
    listed = [one for page in server.lambda_.get_paginator("list_functions").paginate()
              for one in page["Functions"] if one["FunctionName"] == name]
    assert listed[0]["TenancyConfig"] == {"TenantIsolationMode": "PER_TENANT"}


# Versions and aliases

def test_versions(server, make):
    name = make(HELLO)
    sha = server.lambda_.get_function_configuration(FunctionName=name)["CodeSha256"]
    one = server.lambda_.publish_version(FunctionName=name, Description="first", CodeSha256=sha)
    assert one["Version"] == "1" and one["FunctionArn"] == arn(name, ":1") and one["Description"] == "first"
    assert server.lambda_.publish_version(FunctionName=name)["Version"] == "1", "nothing has changed"
    with pytest.raises(server.lambda_.exceptions.InvalidParameterValueException):
        server.lambda_.publish_version(FunctionName=name, CodeSha256="x" * 44)
    server.lambda_.update_function_code(FunctionName=name, ZipFile=packages.zip_files(TWO))
    server.wait_active(name)
    assert server.lambda_.publish_version(FunctionName=name)["Version"] == "2"
    assert server.call(name, Qualifier="1") == "one" and server.call(name, Qualifier="2") == "two"
    listed = server.lambda_.list_versions_by_function(FunctionName=name)["Versions"]
    assert [version["Version"] for version in listed] == ["$LATEST", "1", "2"]
    with pytest.raises(ClientError):
        server.lambda_.update_function_configuration(FunctionName=name + ":1", Timeout=5)
    server.lambda_.delete_function(FunctionName=name, Qualifier="1")
    with pytest.raises(server.lambda_.exceptions.ResourceNotFoundException):
        server.invoke(name, Qualifier="1")
    with pytest.raises(ClientError):
        server.lambda_.delete_function(FunctionName=name, Qualifier="$LATEST")


def test_publish_at_once(server, make):
    name = make(HELLO, Publish=True)
    assert server.lambda_.get_function(FunctionName=name, Qualifier="1")["Configuration"]["Version"] == "1"
    server.lambda_.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1")


def test_aliases(server, make):
    name = make(HELLO, Publish=True)
    made = server.lambda_.create_alias(FunctionName=name, Name="prod", FunctionVersion="1", Description="d")
    assert made["AliasArn"] == arn(name, ":prod") and made["FunctionVersion"] == "1"
    with pytest.raises(server.lambda_.exceptions.ResourceConflictException):
        server.lambda_.create_alias(FunctionName=name, Name="prod", FunctionVersion="1")
    with pytest.raises(ClientError):
        server.lambda_.create_alias(FunctionName=name, Name="123", FunctionVersion="1")
    with pytest.raises(server.lambda_.exceptions.ResourceNotFoundException):
        server.lambda_.create_alias(FunctionName=name, Name="late", FunctionVersion="9")
    server.lambda_.create_alias(FunctionName=name, Name="beta", FunctionVersion="$LATEST")
    listed = server.lambda_.list_aliases(FunctionName=name)["Aliases"]
    assert sorted(alias["Name"] for alias in listed) == ["beta", "prod"]
    assert [alias["Name"] for alias in server.lambda_.list_aliases(FunctionName=name, FunctionVersion="1")["Aliases"]] == ["prod"]
    with pytest.raises(ClientError) as error:
        server.lambda_.delete_function(FunctionName=name, Qualifier="1")
    refused(error, "ResourceConflictException", 409)
    with pytest.raises(server.lambda_.exceptions.PreconditionFailedException):
        server.lambda_.update_alias(FunctionName=name, Name="prod", Description="x", RevisionId="0" * 36)
    server.lambda_.delete_alias(FunctionName=name, Name="prod")
    with pytest.raises(server.lambda_.exceptions.ResourceNotFoundException):
        server.lambda_.get_alias(FunctionName=name, Name="prod")


def test_weighted_alias(server, make):
    name = make(HELLO, Publish=True)
    server.lambda_.update_function_code(FunctionName=name, ZipFile=packages.zip_files(TWO), Publish=True)
    server.wait_active(name)
    server.lambda_.create_alias(FunctionName=name, Name="prod", FunctionVersion="1")
    assert {server.call(name, Qualifier="prod") for _ in range(5)} == {"one"}
    server.lambda_.update_alias(
        FunctionName=name, Name="prod", RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}})
    got = server.lambda_.get_alias(FunctionName=name, Name="prod")
    assert got["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.5}}
    answers = [server.invoke(name, Qualifier="prod") for _ in range(40)]
    assert {answer["Body"] for answer in answers} == {"one", "two"}
    assert all(answer["ExecutedVersion"] == {"one": "1", "two": "2"}[answer["Body"]] for answer in answers)
    server.lambda_.update_alias(
        FunctionName=name, Name="prod", FunctionVersion="2", RoutingConfig={"AdditionalVersionWeights": {}})
    assert {server.call(name, Qualifier="prod") for _ in range(5)} == {"two"}
    with pytest.raises(ClientError):
        server.lambda_.update_alias(
            FunctionName=name, Name="prod", RoutingConfig={"AdditionalVersionWeights": {"1": 1.5}})


# Layers

def test_layers(server, make, name):
    layer = f"layer-{name}"
    first = server.lambda_.publish_layer_version(
        LayerName=layer, Content={"ZipFile": packages.zip_files({
            "python/from_layer.py": "NAME = 'first'\n", "data/hello.txt": "hello", "python/only_first.py": "X = 1\n"})},
        CompatibleRuntimes=["python3.13"], Description="d", LicenseInfo="MIT")
    assert first["Version"] == 1
    layer_arn = f"arn:aws:lambda:us-east-1:000000000000:layer:{layer}"
    assert (first["LayerArn"], first["LayerVersionArn"]) == (layer_arn, layer_arn + ":1")
    second = server.lambda_.publish_layer_version(
        LayerName=layer, Content={"ZipFile": packages.zip_files({"python/from_layer.py": "NAME = 'second'\n"})})
    assert second["Version"] == 2
    over = server.lambda_.publish_layer_version(
        LayerName=layer + "-over", Content={"ZipFile": packages.zip_files({"python/from_layer.py": "NAME = 'over'\n"})})
    layers = [layer_arn + ":1", over["LayerVersionArn"]]
    with pytest.raises(server.lambda_.exceptions.InvalidParameterValueException):
        server.create(name, "probe", Layers=[layer_arn + ":1", layer_arn + ":2"])
    make("probe", name, Layers=layers)
    assert server.call(name, {"do": "import", "module": "from_layer", "attribute": "NAME"}) == "over"
    assert server.call(name, {"do": "import", "module": "only_first"}) == "/opt/python/only_first.py"
    assert server.call(name, {"do": "read", "path": "/opt/data/hello.txt"}) == "hello"
    got = server.lambda_.get_function_configuration(FunctionName=name)
    assert [one["Arn"] for one in got["Layers"]] == layers
    versions = server.lambda_.list_layer_versions(LayerName=layer)["LayerVersions"]
    assert [one["Version"] for one in versions] == [2, 1]
    assert layer in [one["LayerName"] for one in server.lambda_.list_layers()["Layers"]]
    assert server.lambda_.get_layer_version_by_arn(Arn=layer_arn + ":1")["Description"] == "d"
    location = server.lambda_.get_layer_version(LayerName=layer, VersionNumber=1)["Content"]["Location"]
    with urllib.request.urlopen(location) as answer:
        assert "data/hello.txt" in zipfile.ZipFile(io.BytesIO(answer.read())).namelist()
    for version in (1, 2):
        server.lambda_.delete_layer_version(LayerName=layer, VersionNumber=version)
    with pytest.raises(server.lambda_.exceptions.ResourceNotFoundException):
        server.lambda_.get_layer_version(LayerName=layer, VersionNumber=1)
    assert server.call(name, {"do": "read", "path": "/opt/data/hello.txt"}) == "hello", "functions keep their layers"


# Tags, permissions, settings

def test_tags(server, make):
    name = make(HELLO)
    server.lambda_.tag_resource(Resource=arn(name), Tags={"a": "1", "b/ü": "2"})
    assert server.lambda_.list_tags(Resource=arn(name))["Tags"] == {"a": "1", "b/ü": "2"}
    server.lambda_.untag_resource(Resource=arn(name), TagKeys=["a", "none"])
    assert server.lambda_.list_tags(Resource=arn(name))["Tags"] == {"b/ü": "2"}
    with pytest.raises(server.lambda_.exceptions.ResourceNotFoundException):
        server.lambda_.list_tags(Resource=arn("no-such-function"))


def test_permissions(server, make):
    name = make(HELLO)
    with pytest.raises(server.lambda_.exceptions.ResourceNotFoundException):
        server.lambda_.get_policy(FunctionName=name)
    added = server.lambda_.add_permission(
        FunctionName=name, StatementId="one", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com",
        SourceArn="arn:aws:s3:::bucket", SourceAccount="111122223333")
    statement = json.loads(added["Statement"])
    assert statement["Sid"] == "one" and statement["Effect"] == "Allow" and statement["Resource"] == arn(name)
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    with pytest.raises(server.lambda_.exceptions.ResourceConflictException):
        server.lambda_.add_permission(
            FunctionName=name, StatementId="one", Action="lambda:InvokeFunction", Principal="*")
    policy = server.lambda_.get_policy(FunctionName=name)
    assert [one["Sid"] for one in json.loads(policy["Policy"])["Statement"]] == ["one"]
    server.lambda_.remove_permission(FunctionName=name, StatementId="one", RevisionId=policy["RevisionId"])
    with pytest.raises(server.lambda_.exceptions.ResourceNotFoundException):
        server.lambda_.remove_permission(FunctionName=name, StatementId="one")


def test_event_invoke_configuration(server, make):
    name = make(HELLO)
    other = make(HELLO)
    put = server.lambda_.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=1, MaximumEventAgeInSeconds=60,
        DestinationConfig={"OnFailure": {"Destination": arn(other)}})
    assert put["FunctionArn"] == arn(name, ":$LATEST") and put["MaximumRetryAttempts"] == 1
    server.lambda_.update_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    got = server.lambda_.get_function_event_invoke_config(FunctionName=name)
    assert (got["MaximumRetryAttempts"], got["MaximumEventAgeInSeconds"]) == (0, 60)
    assert got["DestinationConfig"]["OnFailure"]["Destination"] == arn(other)
    assert got["LastModified"].year > 2000
    listed = server.lambda_.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"]
    assert len(listed) == 1
    server.lambda_.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=2)
    replaced = server.lambda_.get_function_event_invoke_config(FunctionName=name)
    assert not replaced.get("DestinationConfig", {}).get("OnFailure")
    for settings in ({"MaximumRetryAttempts": 3}, {"MaximumEventAgeInSeconds": 59}):
        with pytest.raises(ClientError):
            server.client(parameter_validation=False).put_function_event_invoke_config(FunctionName=name, **settings)
    server.lambda_.delete_function_event_invoke_config(FunctionName=name)
    with pytest.raises(server.lambda_.exceptions.ResourceNotFoundException):
        server.lambda_.get_function_event_invoke_config(FunctionName=name)


def test_concurrency_and_account(server, make):
    name = make(HELLO)
    before = server.lambda_.get_account_settings()
    assert before["AccountLimit"]["ConcurrentExecutions"] == 1000
    assert before["AccountUsage"]["FunctionCount"] >= 1 and before["AccountUsage"]["TotalCodeSize"] > 0
    assert "ReservedConcurrentExecutions" not in server.lambda_.get_function_concurrency(FunctionName=name)
    put = server.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=100)
    assert put["ReservedConcurrentExecutions"] == 100
    assert server.lambda_.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 100
    assert server.lambda_.get_function(FunctionName=name)["Concurrency"] == {"ReservedConcurrentExecutions": 100}
    after = server.lambda_.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    assert after == before["AccountLimit"]["UnreservedConcurrentExecutions"] - 100
    with pytest.raises(server.lambda_.exceptions.InvalidParameterValueException):
        server.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1000)
    server.lambda_.delete_function_concurrency(FunctionName=name)
    assert "ReservedConcurrentExecutions" not in server.lambda_.get_function_concurrency(FunctionName=name)


# What isn't built

@pytest.mark.parametrize("operation, parameters", [
    ("create_event_source_mapping", {"FunctionName": "f", "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:q"}),
    ("list_event_source_mappings", {}),
    ("create_function_url_config", {"FunctionName": "f", "AuthType": "NONE"}),
    ("get_runtime_management_config", {"FunctionName": "f"}),
    ("list_code_signing_configs", {}),
    ("add_layer_version_permission",
     {"LayerName": "l", "VersionNumber": 1, "StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "*"}),
])
def test_unbuilt_operation(server, operation, parameters):
    with pytest.raises(ClientError) as error:
        getattr(server.lambda_, operation)(**parameters)
    response = error.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 501, response
    assert "".join(part.capitalize() for part in operation.split("_")) in response["Error"]["Message"], response
