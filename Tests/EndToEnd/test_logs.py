"""What functions write, with the platform's records around it."""

import json
import re
import subprocess

import pytest

from support.server import binary, wait_until

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def test_text_records(server, make):
    name = make("probe", tenants=True)
    request = server.invoke(name, {"do": "print", "text": "hello"}, "blue")["ResponseMetadata"]["RequestId"]
    server.wait_for_log(name, "REPORT")
    messages = [event["message"].rstrip("\n") for event in server.log_events(name)]
    assert messages.index(f"START RequestId: {request} Version: $LATEST") < messages.index("hello 0")
    assert messages.index("hello 0") < messages.index(f"END RequestId: {request}")
    assert "hello on stderr" in messages
    report = [message for message in messages if message.startswith("REPORT")][0]
    assert re.fullmatch(
        rf"REPORT RequestId: {UUID}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\t"
        r"Max Memory Used: \d+ MB\tInit Duration: \d+\.\d\d ms\tTenant Id: blue\t?", report), report
    server.call(name, {"do": "nothing"}, tenant="blue")
    wait_until(lambda: len([event for event in server.log_events(name) if "REPORT" in event["message"]]) == 2, "REPORT")
    second = [event["message"] for event in server.log_events(name) if event["message"].startswith("REPORT")][1]
    assert "Init Duration" not in second


def test_json_records(server, make):
    name = make(
        {"app.py": "import logging\n\n\ndef handler(event, context):\n"
                   "    logging.getLogger().info('from %s', 'logging', extra={'colour': 'red'})\n"
                   "    logging.getLogger().debug('too low')\n    print('plain')\n    raise ValueError('failed')\n"},
        tenants=True, LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "INFO"})
    answer = server.invoke(name, tenant="blue")
    request = answer["ResponseMetadata"]["RequestId"]
    server.wait_for_log(name, "platform.report")
    records = []
    for event in server.log_events(name):
        try:
            records.append(json.loads(event["message"]))
        except ValueError:
            records.append(event["message"].rstrip("\n"))
    assert "plain" in records
    by_type = {record["type"]: record["record"] for record in records if isinstance(record, dict) and "type" in record}
    assert by_type["platform.start"]["requestId"] == request and by_type["platform.start"]["tenantId"] == "blue"
    report = by_type["platform.report"]
    assert report["tenantId"] == "blue" and report["status"] == "error"
    assert report["metrics"]["memorySizeMB"] == 256 and report["metrics"]["billedDurationMs"] >= 1
    logged = [record for record in records if isinstance(record, dict) and record.get("message") == "from logging"]
    assert logged[0]["level"] == "INFO" and logged[0]["tenantId"] == "blue" and logged[0]["requestId"] == request
    assert logged[0]["colour"] == "red"
    assert not [record for record in records if isinstance(record, dict) and record.get("message") == "too low"]
    failed = [record for record in records if isinstance(record, dict) and record.get("errorType") == "ValueError"]
    assert failed and failed[0]["requestId"] == request


def test_system_log_level_warn_leaves_only_failures(server, make):
    name = make({"app.py": "def handler(event, context):\n    if event.get('fail'):\n        raise ValueError('x')\n"},
                LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "WARN"})
    server.invoke(name)
    server.invoke(name, {"fail": True})
    events = server.logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    records = [json.loads(event["message"]) for event in events if '"platform.' in event["message"]]
    assert [(record["type"], record["record"]["status"]) for record in records] == [("platform.report", "error")]


def test_groups_streams_and_events(server, make):
    name = make("probe", tenants=True)
    streams = {}
    for tenant in ("blue", "green"):
        server.call(name, {"do": "print", "text": f"for {tenant}"}, tenant=tenant)
        streams[tenant] = server.call(name, tenant=tenant)["stream"]
    server.wait_for_log(name, "for green")
    group = f"/aws/lambda/{name}"
    groups = server.logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert [one["logGroupName"] for one in groups] == [group]
    assert groups[0]["arn"].startswith("arn:aws:logs:us-east-1:000000000000:log-group:")
    listed = server.logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert {one["logStreamName"] for one in listed} == set(streams.values())
    for tenant, other in (("blue", "green"), ("green", "blue")):
        text = " ".join(event["message"] for event in server.logs.get_log_events(
            logGroupName=group, logStreamName=streams[tenant], startFromHead=True)["events"])
        assert f"for {tenant} 0" in text and f"for {other}" not in text
    found = server.logs.filter_log_events(logGroupName=group, filterPattern='"for blue"')["events"]
    assert found and all("for blue" in event["message"] for event in found)
    assert {event["logStreamName"] for event in found} == {streams["blue"]}
    with pytest.raises(server.logs.exceptions.ResourceNotFoundException):
        server.logs.get_log_events(logGroupName="/aws/lambda/none", logStreamName="x")


def test_get_log_events_by_pages(server, make):
    name = make("probe")
    server.call(name, {"do": "print", "text": "line", "lines": 50})
    server.wait_for_log(name, "REPORT")
    group = f"/aws/lambda/{name}"
    stream = server.logs.describe_log_streams(logGroupName=group)["logStreams"][0]["logStreamName"]
    seen, token = [], None
    for _ in range(30):
        page = server.logs.get_log_events(
            logGroupName=group, logStreamName=stream, startFromHead=True, limit=7,
            **({"nextToken": token} if token else {}))
        seen += page["events"]
        if page["nextForwardToken"] == token:
            break
        token = page["nextForwardToken"]
    messages = [event["message"].rstrip("\n") for event in seen]
    assert [message for message in messages if message.startswith("line ") and "stderr" not in message] == [
        f"line {number}" for number in range(50)]


def test_tenant_on_every_record(server, make):
    name = make("probe", tenants=True)
    for tenant in ("blue", "green"):
        server.call(name, {"do": "print", "text": "said"}, tenant=tenant)
    server.wait_for_log(name, "REPORT")
    for tenant in ("blue", "green"):
        def lines():
            shown = server.cloister("logs", name, "--tenant-id", tenant, "--json").stdout.splitlines()
            records = [json.loads(line) for line in shown]
            return records if any("REPORT" in record["message"] for record in records) else None
        records = wait_until(lines, f"the log of {tenant}", 30, 0.3)
        assert {record["tenantId"] for record in records} == {tenant}
        assert any("said 0" in record["message"] for record in records)


def test_followed_live(server, make):
    """A line arrives while the function that wrote it still runs."""
    name = make(
        {"app.py": "import time\n\n\ndef handler(event, context):\n    print('now', flush=True)\n"
                   "    time.sleep(60)\n"}, tenants=True, Timeout=3)
    with subprocess.Popen(
            [binary(), "logs", name, "--follow", "--tenant-id", "blue", "--json"], env=server.environment(),
            stdout=subprocess.PIPE, text=True) as follower:
        try:
            server.lambda_.invoke(FunctionName=name, InvocationType="Event", TenantId="blue", Payload=b"{}")
            seen = []
            for line in follower.stdout:
                seen.append(json.loads(line)["message"].rstrip("\n"))
                if seen[-1] == "now":
                    break
            running = [one["state"] for one in server.environments() if one["function"] == name]
            assert "busy" in running, (running, seen)
            assert not [message for message in seen if message.startswith("REPORT")]
        finally:
            follower.kill()


def test_init_failure_is_in_the_log(server, make):
    name = make({"app.py": "print('importing')\nraise KeyError('broken')\n"})
    assert server.invoke(name)["FunctionError"]
    assert server.wait_for_log(name, "importing") and server.wait_for_log(name, "broken")


def test_binary_output(server, make):
    name = make({"app.py": "import os\n\n\ndef handler(event, context):\n"
                           "    os.write(1, bytes(range(256)) + b'\\n' + b'\\xff' * 10 + b'\\nafter\\n')\n"})
    server.call(name)
    server.wait_for_log(name, "after")


def test_platform_records_cannot_be_forged(server, make):
    """A function may print what it likes, but only the platform's REPORT carries the platform's numbers."""
    name = make({"app.py": "def handler(event, context):\n    print('START RequestId: fake Version: 9')\n"}, tenants=True)
    server.call(name, tenant="blue")
    server.wait_for_log(name, "REPORT")
    shown = server.cloister("logs", name, "--json").stdout.splitlines()
    assert all(json.loads(line)["tenantId"] == "blue" for line in shown if "fake" in line)
