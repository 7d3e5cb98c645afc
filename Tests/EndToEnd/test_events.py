"""Event invocations: retries, destinations, dead letters; and that a killed server loses nothing it had acknowledged."""

import concurrent.futures
import json
import os
import random
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from support.server import Server, wait_until

KILLS = int(os.environ.get("CLOISTER_TEST_KILLS", "100"))
SEED = int(os.environ.get("CLOISTER_TEST_SEED", str(random.randrange(1 << 32))))


def arn(name):
    return f"arn:aws:lambda:us-east-1:000000000000:function:{name}"


WORKER = {"app.py": """
def handler(event, context):
    if event.get("fail"):
        raise ValueError("as asked")
    return {"done": event["number"], "tenant": context.tenant_id}
"""}
RECORDER = {"app.py": """
import json
import os
import time


def handler(event, context):
    while "HOLD" in os.environ:
        time.sleep(1)
    print("RECORD " + json.dumps(event))
"""}


def send(server, name, event, **options):
    answer = server.lambda_.invoke(
        FunctionName=name, InvocationType="Event", Payload=json.dumps(event), **options)
    assert answer["StatusCode"] == 202
    return answer["ResponseMetadata"]["RequestId"]


def records(server, recorder):
    return [
        json.loads(event["message"].split("RECORD ", 1)[1])
        for event in server.log_events(recorder, filterPattern="RECORD") if event["message"].startswith("RECORD ")]


def wait_for_records(server, recorder, count=1, seconds=60):
    return wait_until(lambda: len(found := records(server, recorder)) >= count and found, "a record arrives", seconds, 0.3)


@pytest.fixture
def recorder(make):
    return make(RECORDER)


def test_on_success(server, make, recorder):
    name = make(WORKER)
    server.lambda_.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": arn(recorder)}})
    request = send(server, name, {"number": 7})
    record = wait_for_records(server, recorder)[0]
    assert record["version"] == "1.0" and record["timestamp"].endswith("Z")
    assert record["requestContext"]["requestId"] == request
    assert record["requestContext"]["functionArn"] == arn(name) + ":$LATEST"
    assert record["requestContext"]["condition"] == "Success"
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["requestPayload"] == {"number": 7}
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    assert record["responsePayload"] == {"done": 7, "tenant": None}


def test_on_failure_and_dead_letter(server, make, recorder):
    dead = make(RECORDER)
    name = make(WORKER, DeadLetterConfig={"TargetArn": arn(dead)})
    server.lambda_.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": arn(recorder)}})
    send(server, name, {"number": 1, "fail": True})
    record = wait_for_records(server, recorder)[0]
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["responseContext"] == {
        "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert record["responsePayload"]["errorType"] == "ValueError"
    assert wait_for_records(server, dead)[0] == {"number": 1, "fail": True}


def test_destination_is_called_for_the_same_tenant(server, make):
    recorder = make(RECORDER, tenants=True)
    name = make(WORKER, tenants=True)
    server.lambda_.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": arn(recorder)}})
    send(server, name, {"number": 1}, TenantId="blue")
    assert wait_for_records(server, recorder)[0]["responsePayload"]["tenant"] == "blue"
    assert {one.get("tenantId") for one in server.environments() if one["function"] == recorder} == {"blue"}


def test_reserved_concurrency_of_0_goes_straight_to_the_destination(server, make, recorder):
    name = make(WORKER)
    server.lambda_.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnFailure": {"Destination": arn(recorder)}})
    server.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    send(server, name, {"number": 1})
    assert wait_for_records(server, recorder)[0]["requestPayload"] == {"number": 1}
    assert server.log_events(name) == []


def test_throttled_events_wait_and_run(server, make, recorder):
    name = make("probe")
    server.lambda_.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": arn(recorder)}})
    server.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    for number in range(3):
        send(server, name, {"do": "sleep", "seconds": 0.5, "number": number})
    done = wait_for_records(server, recorder, 3)
    assert sorted(record["requestPayload"]["number"] for record in done) == [0, 1, 2]


def test_failed_event_is_tried_again_after_a_minute(server, make):
    """The first retry is due a minute later: it is waiting, not lost and not run at once."""
    name = make(WORKER)
    request = send(server, name, {"number": 1, "fail": True})
    server.wait_for_log(name, "REPORT")
    time.sleep(2)
    starts = [event for event in server.log_events(name) if event["message"].startswith(f"START RequestId: {request}")]
    assert len(starts) == 1


def test_alias_is_kept(server, make, recorder):
    name = make(WORKER, Publish=True)
    server.lambda_.create_alias(FunctionName=name, Name="prod", FunctionVersion="1")
    server.lambda_.put_function_event_invoke_config(
        FunctionName=name, Qualifier="prod", DestinationConfig={"OnSuccess": {"Destination": arn(recorder)}})
    send(server, name, {"number": 1}, Qualifier="prod")
    record = wait_for_records(server, recorder)[0]
    assert record["requestContext"]["functionArn"] == arn(name) + ":prod"
    assert record["responseContext"]["executedVersion"] == "1"


# kill -9

class Writer:
    """Sends events and changes as fast as it can, and remembers what was acknowledged."""

    def __init__(self, server, number):
        self.server = server
        self.number = number
        self.events = set()
        self.aliases = {}
        self.uncertain = {}
        self.stopped = threading.Event()

    def run(self):
        count = 0
        while not self.stopped.is_set():
            count += 1
            key = f"{self.number}.{count}"
            try:
                if count % 5:
                    send(self.server, "worker", {"number": key})
                    self.events.add(key)
                    time.sleep(0.005)
                else:
                    self.change(f"alias-{self.number}-{count % 4}", key)
            except (ClientError, BotoCoreError):
                time.sleep(0.01)

    def change(self, name, text):
        self.uncertain.setdefault(name, []).append(text)
        try:
            self.server.lambda_.update_alias(FunctionName="worker", Name=name, Description=text)
        except self.server.lambda_.exceptions.ResourceNotFoundException:
            self.server.lambda_.create_alias(
                FunctionName="worker", Name=name, FunctionVersion="1", Description=text)
        self.aliases[name] = text
        self.uncertain.pop(name)


def test_nothing_acknowledged_is_lost_by_kill(level):
    """What the worker did goes on, as an event, to a recorder, which is held until the kills are over: logs may lose
    what was written just before a kill, events may not."""
    print(f"seed {SEED}, {KILLS} kills (CLOISTER_TEST_SEED, CLOISTER_TEST_KILLS)")
    chance = random.Random(SEED)
    server = Server(level)
    try:
        server.start()
        server.create(
            "recorder", RECORDER, MemorySize=128, Timeout=900, Environment={"Variables": {"HOLD": "1"}})
        server.lambda_.put_function_concurrency(FunctionName="recorder", ReservedConcurrentExecutions=1)
        server.create("worker", WORKER, Publish=True, MemorySize=128)
        server.lambda_.put_function_event_invoke_config(
            FunctionName="worker", DestinationConfig={"OnSuccess": {"Destination": arn("recorder")}})
        writers = [Writer(server, number) for number in range(3)]
        with concurrent.futures.ThreadPoolExecutor(len(writers)) as pool:
            running = [pool.submit(writer.run) for writer in writers]
            try:
                for _ in range(KILLS):
                    time.sleep(chance.choice([0, 0.05, 0.3]) * chance.random())
                    server.kill()
                    server.start()
                time.sleep(0.5)
            finally:
                for writer in writers:
                    writer.stopped.set()
            for one in running:
                one.result()
        server.lambda_.update_function_configuration(FunctionName="recorder", Environment={"Variables": {}})
        server.wait_active("recorder")
        server.lambda_.delete_function_concurrency(FunctionName="recorder")
        server.kill()
        server.start()
        check_changes(server, writers)
        check_events(server, writers)
    finally:
        server.destroy()


def check_changes(server, writers):
    kept = {
        alias["Name"]: alias["Description"]
        for page in server.lambda_.get_paginator("list_aliases").paginate(FunctionName="worker")
        for alias in page["Aliases"]}
    for writer in writers:
        for name, text in writer.aliases.items():
            # Changes that were under way when the server died may have been made or not.
            assert kept.get(name) in [text, *writer.uncertain.get(name, [])], f"alias {name} lost {text}, seed {SEED}"


def check_events(server, writers):
    accepted = set().union(*(writer.events for writer in writers))
    assert len(accepted) > KILLS / 4, "too few events to prove anything"

    def missing():
        done = {record["requestPayload"]["number"] for record in records(server, "recorder")}
        return accepted - done

    try:
        wait_until(lambda: not missing(), "every accepted event was processed", 240, 1)
    except AssertionError:
        raise AssertionError(f"lost {sorted(missing())[:20]} of {len(accepted)}, seed {SEED}") from None
