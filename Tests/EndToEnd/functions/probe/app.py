"""Does what its event asks for, and shows what an invocation can see."""

import json
import os
import sys
import threading
import time

INSTANCE = os.urandom(8).hex()
count = 0
remembered = []


def handler(event, context):
    global count
    count += 1
    return globals()["do_" + event.get("do", "describe")](event, context)


def do_describe(event, context):
    client_context = context.client_context
    return {
        "instance": INSTANCE,
        "count": count,
        "event": event,
        "tenant": context.tenant_id,
        "context": None if client_context is None else {
            "custom": client_context.custom, "env": client_context.env},
        "mapping": client_context["custom"]["tenantId"]
        if client_context and "custom" in client_context and "tenantId" in client_context["custom"] else None,
        "requestId": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "version": context.function_version,
        "memory": context.memory_limit_in_mb,
        "remaining": context.get_remaining_time_in_millis(),
        "stream": context.log_stream_name,
        "group": context.log_group_name,
    }


def do_variables(event, context):
    return dict(os.environ)


def do_echo(event, context):
    return event.get("value")


def do_remember(event, context):
    """Leaves a value in a global and in /tmp; answers with all that is there."""
    remembered.append(event["value"])
    with open(f"/tmp/{event['value']}", "w") as file:
        file.write(event["value"])
    return {"instance": INSTANCE, "globals": remembered, "tmp": sorted(os.listdir("/tmp"))}


def do_sleep(event, context):
    print("sleeping", flush=True)
    time.sleep(event["seconds"])
    return {"instance": INSTANCE, "stream": context.log_stream_name}


def do_raise(event, context):
    raise ValueError(event.get("message", "asked for"))


def do_exit(event, context):
    os._exit(event["status"])


def do_signal(event, context):
    os.kill(os.getpid(), event["number"])
    time.sleep(60)


def do_allocate(event, context):
    block = bytearray(event["bytes"])
    for index in range(0, len(block), 4096):
        block[index] = 1
    return len(block)


def do_large(event, context):
    return "x" * event["bytes"]


def do_length(event, context):
    return len(json.dumps(event))


def do_print(event, context):
    for number in range(event.get("lines", 1)):
        print(f"{event['text']} {number}", flush=True)
    sys.stderr.write(event["text"] + " on stderr\n")
    return None


def do_nothing(event, context):
    return None


def do_processes(event, context):
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/cmdline") as file:
                    found[name] = file.read().replace("\0", " ").strip()
            except OSError:
                pass
    return found


def do_namespaces(event, context):
    found = {}
    for name in ("pid", "mnt", "net", "ipc", "uts", "user"):
        try:
            found[name] = os.readlink(f"/proc/self/ns/{name}")
        except OSError:
            found[name] = None
    return found


def do_read(event, context):
    try:
        with open(event["path"], "rb") as file:
            return file.read(4096).decode(errors="replace")
    except OSError as error:
        return {"error": error.strerror}


def do_list(event, context):
    try:
        return sorted(os.listdir(event["path"]))
    except OSError as error:
        return {"error": error.strerror}


def do_import(event, context):
    module = __import__(event["module"])
    return getattr(module, event["attribute"]) if "attribute" in event else module.__file__


def do_background(event, context):
    """A thread that counts on while the environment is thawed."""
    ticks = []

    def tick():
        while True:
            ticks.append(time.time())
            time.sleep(0.01)

    if not remembered:
        threading.Thread(target=tick, daemon=True).start()
        remembered.append(ticks)
    return len(remembered[0])
