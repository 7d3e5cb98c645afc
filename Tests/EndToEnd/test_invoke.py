"""Invoke and InvokeWithResponseStream as boto3 makes them."""

import base64
import concurrent.futures
import json
import re
import time

import pytest
from botocore.exceptions import ClientError

from support.server import ROOT, wait_until


def tail(answer):
    return base64.b64decode(answer["LogResult"]).decode()


def error_of(answer):
    assert answer["StatusCode"] == 200
    assert answer["FunctionError"] == "Unhandled"
    return answer["Body"]


def test_answer_and_context(server, probe):
    answer = server.invoke(probe, {"do": "describe", "text": "é ☃ \U0001f600"})
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer and "LogResult" not in answer
    body = answer["Body"]
    assert body["event"]["text"] == "é ☃ \U0001f600"
    assert body["tenant"] is None and body["context"] is None
    assert body["requestId"] == answer["ResponseMetadata"]["RequestId"]
    assert body["arn"] == f"arn:aws:lambda:us-east-1:000000000000:function:{probe}"
    assert body["version"] == "$LATEST" and body["memory"] in (256, "256")
    assert 0 < body["remaining"] <= 30_000
    assert body["group"] == f"/aws/lambda/{probe}"
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", body["stream"])


@pytest.mark.parametrize("value", [None, True, 1.5, "text", [1, [2]], {"a": None}])
def test_answers_are_json(server, probe, value):
    assert server.call(probe, {"do": "echo", "value": value}) == value


def test_no_return_value(server, probe):
    answer = server.lambda_.invoke(FunctionName=probe, Payload=b'{"do": "nothing"}')
    assert answer["Payload"].read() == b"null"


def test_no_payload_is_an_empty_event(server, probe):
    assert json.loads(server.lambda_.invoke(FunctionName=probe)["Payload"].read())["event"] == {}


def test_environment_is_used_again(server, probe):
    first = server.call(probe)
    second = server.call(probe)
    assert second["instance"] == first["instance"] and second["count"] == first["count"] + 1


def test_environment_variables(server, make):
    name = make("probe", Environment={"Variables": {"GREETING": "hi there", "TZ": "Europe/Vienna"}}, MemorySize=192)
    variables = server.call(name, {"do": "variables"})
    expected = {
        "GREETING": "hi there", "TZ": "Europe/Vienna", "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "192",
        "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}", "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime", "_HANDLER": "app.handler",
    }
    assert {key: variables.get(key) for key in expected} == expected
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "_X_AMZN_TRACE_ID"):
        assert variables.get(key), key
    administrator = server.credentials
    assert administrator["accessKeyId"] not in variables.values()
    assert administrator["secretAccessKey"] not in variables.values()
    assert "AWS_LAMBDA_MAX_CONCURRENCY" not in variables


# Types of invocation

def test_dry_run_runs_nothing(server, make):
    name = make("probe")
    answer = server.lambda_.invoke(FunctionName=name, InvocationType="DryRun", Payload=b"{}")
    assert answer["StatusCode"] == 204
    assert server.log_events(name) == []
    assert not [one for one in server.environments() if one["function"] == name]


def test_event_is_accepted_and_runs(server, make):
    name = make("probe")
    answer = server.lambda_.invoke(
        FunctionName=name, InvocationType="Event", Payload=b'{"do": "print", "text": "from an event"}')
    assert answer["StatusCode"] == 202 and answer["Payload"].read() == b""
    request = answer["ResponseMetadata"]["RequestId"]
    server.wait_for_log(name, "from an event")
    assert server.wait_for_log(name, f"START RequestId: {request}")


@pytest.mark.parametrize("parameters", [
    {"InvocationType": "Sometimes"}, {"LogType": "Head"}, {"ClientContext": "%%%"},
    {"ClientContext": base64.b64encode(b"[1]").decode()}, {"ClientContext": base64.b64encode(b"x").decode()},
    {"ClientContext": base64.b64encode(b'{"a":"' + b"x" * 2700 + b'"}').decode()}, {"Qualifier": "a b"},
])
def test_bad_parameters(server, probe, parameters):
    with pytest.raises(ClientError) as error:
        server.lambda_.invoke(FunctionName=probe, Payload=b"{}", **parameters)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert error.value.response["Error"]["Code"] in (
        "InvalidParameterValueException", "ValidationException", "InvalidRequestContentException")


# Names

def test_names_and_arns(server, make):
    name = make("probe")
    version = server.lambda_.publish_version(FunctionName=name)["Version"]
    server.lambda_.create_alias(FunctionName=name, Name="prod", FunctionVersion=version)
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    for spelling in (name, arn, f"000000000000:function:{name}"):
        assert server.invoke(spelling)["ExecutedVersion"] == "$LATEST"
    for spelling in (f"{name}:prod", f"{arn}:prod", f"{name}:{version}"):
        assert server.invoke(spelling)["ExecutedVersion"] == version
    assert server.invoke(name, Qualifier="prod")["Body"]["arn"] == f"{arn}:prod"
    with pytest.raises(server.lambda_.exceptions.ResourceNotFoundException):
        server.invoke(name, Qualifier="stage")
    with pytest.raises(server.lambda_.exceptions.InvalidParameterValueException):
        server.invoke(f"{name}:prod", Qualifier=version)


def test_unknown_function(server):
    with pytest.raises(server.lambda_.exceptions.ResourceNotFoundException) as error:
        server.invoke("no-such-function")
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert "Function not found: arn:aws:lambda:us-east-1:000000000000:function:no-such-function" in str(error.value)


def test_function_of_another_region(server, probe):
    with pytest.raises(ClientError) as error:
        server.invoke(probe, client=server.client(region="eu-central-1"))
    assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"


# Log tail and client context

def test_log_tail(server, probe):
    text = tail(server.invoke(probe, {"do": "print", "text": "hello tail"}, LogType="Tail"))
    assert "hello tail 0" in text and "hello tail on stderr" in text
    lines = text.strip().splitlines()
    assert lines[0].startswith("START RequestId: ") and lines[-1].startswith("REPORT RequestId: ")


def test_log_tail_is_the_last_4_kib(server, probe):
    text = tail(server.invoke(probe, {"do": "print", "text": "y" * 100, "lines": 200}, LogType="Tail"))
    assert len(text) <= 4096 and "REPORT" in text and " 199" in text and " 0\n" not in text


def test_client_context(server, probe):
    context = {"custom": {"color": "blue"}, "env": {"locale": "de"}, "client": {"app_title": "x"}}
    encoded = base64.b64encode(json.dumps(context).encode()).decode()
    body = server.call(probe, ClientContext=encoded)
    assert body["context"]["custom"] == {"color": "blue"} and body["context"]["env"] == {"locale": "de"}


# Sizes

def test_large_event(server, probe):
    event = {"do": "length", "data": "x" * (6_291_456 - 100)}
    assert server.call(probe, event) > 6_291_000


def test_event_of_more_than_6_mib(server, probe):
    with pytest.raises(server.lambda_.exceptions.RequestTooLargeException) as error:
        server.lambda_.invoke(FunctionName=probe, Payload=b'"' + b"x" * 6_291_456 + b'"')
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_asynchronous_event_of_more_than_1_mib(server, probe):
    with pytest.raises(server.lambda_.exceptions.RequestTooLargeException):
        server.lambda_.invoke(
            FunctionName=probe, InvocationType="Event", Payload=b'"' + b"x" * 1_048_576 + b'"')


def test_large_answer(server, probe):
    assert len(server.call(probe, {"do": "large", "bytes": 6_291_000})) == 6_291_000


def test_answer_of_more_than_6_mib(server, probe):
    error = error_of(server.invoke(probe, {"do": "large", "bytes": 7_000_000}))
    assert error == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes)."}
    assert server.call(probe, {"do": "echo", "value": 1}) == 1


@pytest.mark.parametrize("payload", [b"{", b"nul", b"{'a': 1}", b'{"a": 1} x', b'"\xff"', b"[1,]", b"{}{}"])
def test_payload_that_is_no_json(server, probe, payload):
    with pytest.raises(server.lambda_.exceptions.InvalidRequestContentException) as error:
        server.lambda_.invoke(FunctionName=probe, Payload=payload)
    assert "Could not parse request body into json: " in str(error.value)


# Failures of the function

def test_exception(server, probe):
    error = error_of(server.invoke(probe, {"do": "raise", "message": "for a test"}))
    assert error["errorType"] == "ValueError" and error["errorMessage"] == "for a test"
    assert any("do_raise" in line for line in error["stackTrace"])


def test_answer_that_is_no_json(server, make):
    name = make({"app.py": "def handler(event, context):\n    return {1, 2}\n"})
    assert error_of(server.invoke(name))["errorType"] == "Runtime.MarshalError"


@pytest.mark.parametrize("event, text", [
    ({"do": "exit", "status": 3}, "Runtime exited with error: exit status 3"),
    ({"do": "exit", "status": 0}, "Runtime exited without providing a reason"),
    ({"do": "signal", "number": 11}, "Runtime exited with error: signal: segmentation fault"),
    ({"do": "signal", "number": 9}, "Runtime exited with error: signal: killed"),
])
def test_end_of_the_process(server, probe, event, text):
    answer = server.invoke(probe, event)
    request = answer["ResponseMetadata"]["RequestId"]
    assert error_of(answer) == {
        "errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {request} Error: {text}"}
    assert server.call(probe, {"do": "echo", "value": "alive"}) == "alive"


def test_timeout(server, make):
    name = make("probe", Timeout=1)
    before = server.call(name, {"do": "remember", "value": "kept"})
    answer = server.invoke(name, {"do": "sleep", "seconds": 30}, LogType="Tail")
    request = answer["ResponseMetadata"]["RequestId"]
    assert error_of(answer) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {request} Error: Task timed out after 1.00 seconds"}
    assert "Task timed out after 1.00 seconds" in tail(answer) and "Status: timeout" in tail(answer)
    after = server.call(name, {"do": "remember", "value": "new"})
    assert after["instance"] != before["instance"] and after["globals"] == ["new"]
    assert "kept" in after["tmp"], "/tmp outlives the reset"


def test_memory(server, make):
    name = make("probe", MemorySize=128)
    error = error_of(server.invoke(name, {"do": "allocate", "bytes": 400 << 20}))
    assert error["errorType"] in ("Runtime.OutOfMemory", "Runtime.ExitError")
    assert error["errorMessage"].endswith("signal: killed")
    assert server.call(name, {"do": "allocate", "bytes": 10 << 20}) == 10 << 20


@pytest.mark.parametrize("files, handler, kind, text", [
    ({"app.py": "raise KeyError('at import')\n"}, "app.handler", "KeyError", "at import"),
    ({"app.py": "import no_such_module\n"}, "app.handler", "Runtime.ImportModuleError",
     "Unable to import module 'app': No module named 'no_such_module'"),
    ({"app.py": "x = 1\n"}, "app.handler", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
    ({"app.py": "def handler(:\n"}, "app.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
    ({"app.py": "x = 1\n"}, "app", "Runtime.MalformedHandlerName", "Bad handler 'app'"),
    ({"app.py": "import os\nos._exit(7)\n"}, "app.handler", "Runtime.ExitError",
     "Runtime exited with error: exit status 7"),
])
def test_init_errors(server, make, files, handler, kind, text):
    name = make(files, handler=handler)
    for _ in range(2):
        error = error_of(server.invoke(name))
        assert error["errorType"] == kind and text in error["errorMessage"]


def test_init_that_takes_too_long(server, make):
    name = make({"app.py": "import time\ntime.sleep(60)\n"}, Timeout=1)
    error = error_of(server.invoke(name))
    assert "timed out" in error["errorMessage"]


# Streams

def stream(server, name, event, **options):
    answer = server.lambda_.invoke_with_response_stream(FunctionName=name, Payload=json.dumps(event), **options)
    chunks, complete = [], None
    for part in answer["EventStream"]:
        if "PayloadChunk" in part:
            chunks.append(part["PayloadChunk"]["Payload"])
        else:
            complete = part["InvokeComplete"]
    assert complete is not None
    return answer, chunks, complete


def test_stream_of_a_buffered_answer(server, probe):
    answer, chunks, complete = stream(server, probe, {"do": "echo", "value": "all at once"})
    assert answer["StatusCode"] == 200 and answer["ExecutedVersion"] == "$LATEST"
    assert b"".join(chunks) == b'"all at once"' and "ErrorCode" not in complete


def test_stream_of_a_failure(server, probe):
    _, _, complete = stream(server, probe, {"do": "raise"})
    assert complete["ErrorCode"] == "ValueError" or "Unhandled" in complete["ErrorCode"]
    assert "asked for" in complete["ErrorDetails"]


def test_streamed_answer_comes_in_parts(server, make):
    name = make("node", handler="index.stream", runtime="nodejs20.x")
    answer = server.lambda_.invoke_with_response_stream(
        FunctionName=name, Payload=json.dumps({"parts": 5, "pause": 50}))
    parts = list(answer["EventStream"])
    chunks = [part["PayloadChunk"]["Payload"] for part in parts if "PayloadChunk" in part]
    assert b"".join(chunks) == b"".join(b"part %d\n" % number for number in range(5))
    assert len(chunks) > 1, "the parts were held back"
    assert "InvokeComplete" in parts[-1]


def test_streamed_answer_may_be_larger_than_a_buffered_one(server, make):
    name = make("node", handler="index.large", runtime="nodejs20.x", MemorySize=512)
    _, chunks, complete = stream(server, name, {"bytes": 10 << 20})
    assert sum(map(len, chunks)) == 10 << 20 and "ErrorCode" not in complete


def test_node(server, make):
    name = make("node", handler="index.handler", runtime="nodejs20.x")
    body = server.call(name, {"a": 1})
    assert body["event"] == {"a": 1} and body["version"].startswith("v")
    error = error_of(server.invoke(name, {"fail": "now"}))
    assert error["errorType"] == "Error" and error["errorMessage"] == "now"


def test_provided(server, make):
    bootstrap = (ROOT / "Examples/hello-provided/bootstrap").read_bytes()
    name = make({"bootstrap": bootstrap}, runtime="provided.al2023", handler="any")
    assert server.invoke(name, {"name": "x"})["StatusCode"] == 200
    assert "FunctionError" not in server.invoke(name, {"name": "x"})


def test_provided_without_a_bootstrap(server, make):
    name = make({"nothing.txt": "x"}, runtime="provided.al2023", handler="any")
    assert error_of(server.invoke(name))["errorType"] == "Runtime.InvalidEntrypoint"


# Concurrency

def test_parallel_invocations_have_environments_of_their_own(server, make):
    name = make("probe")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: server.call(name, {"do": "sleep", "seconds": 1}), range(4)))
    assert len({answer["instance"] for answer in answers}) == 4
    assert len({answer["stream"] for answer in answers}) == 4


def test_reserved_concurrency(server, make):
    name = make("probe")
    server.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(server.call, name, {"do": "sleep", "seconds": 3})
        server.wait_for_log(name, "sleeping")
        with pytest.raises(server.lambda_.exceptions.TooManyRequestsException) as error:
            server.invoke(name)
        running.result()
    assert error.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert "Rate Exceeded" in str(error.value)
    server.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(server.lambda_.exceptions.TooManyRequestsException):
        server.invoke(name)
    server.lambda_.delete_function_concurrency(FunctionName=name)
    assert server.call(name, {"do": "echo", "value": 1}) == 1


def test_background_work_stands_still_between_invocations(server, make):
    name = make("probe")
    server.call(name, {"do": "background"})
    wait_until(
        lambda: [one for one in server.environments() if one["function"] == name and one["state"] == "frozen"],
        "the environment is frozen", 30)
    first = server.call(name, {"do": "background"})
    wait_until(
        lambda: [one for one in server.environments() if one["function"] == name and one["state"] == "frozen"],
        "the environment is frozen", 30)
    time.sleep(1)
    second = server.call(name, {"do": "background"})
    assert second - first < 60, "100 ticks a second went by while it should have been frozen"
