"""What a hostile tenant tries against its neighbours, the host and the platform (the code is in functions/hostile).

After each attempt: nothing was breached, no secret was read, the neighbour and the server answer, the neighbour's
environment is the one it was, and the hostile tenant's own next call works.
"""

import ast
import concurrent.futures
import socket
import subprocess
import threading
import time
import urllib.parse
import uuid

import pytest
from botocore.exceptions import BotoCoreError

from support import packages
from support.server import Server, wait_until

HOSTILE = packages.FUNCTIONS / "hostile"


def attempts():
    """Every `try_…` of the hostile code."""
    for path in sorted(HOSTILE.glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("try_"):
                yield node.name[4:]


def refused_system_calls():
    for node in ast.parse((HOSTILE / "kernel.py").read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "REFUSED":
            return [key.value for key in node.value.keys]
    raise AssertionError("no list of system calls")


class Listener:
    """Something of the host's that nobody inside may reach."""

    def __init__(self, family, address):
        self.socket = socket.socket(family)
        self.socket.bind(address)
        self.socket.listen()
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.accepted += 1
            connection.close()


class Battlefield:
    """One hostile tenant, one neighbour, and secrets that must stay where they are."""

    def __init__(self, level):
        self.level = level
        self.secrets = {kind: f"{kind}-{uuid.uuid4().hex}" for kind in ("environment", "file", "neighbour")}
        self.server = Server(level, environment={"CLOISTER_TEST_CANARY": self.secrets["environment"]})
        self.server.start()
        self.host_file = self.server.data.with_name(self.server.data.name + ".secret")
        self.host_file.write_text(self.secrets["file"])
        self.secrets["administrator"] = self.server.credentials["secretAccessKey"]
        self.tcp = Listener(socket.AF_INET, ("127.0.0.1", 0))
        self.abstract_name = f"\0cloister-test-{uuid.uuid4().hex}"
        self.abstract = Listener(socket.AF_UNIX, self.abstract_name)
        self.server.create("hostile", "hostile", tenants=True, Timeout=5)
        self.plant()

    def plant(self):
        """Gives the neighbour its secret."""
        kept = self.server.invoke("hostile", {"keep": self.secrets["neighbour"]}, "neighbour")
        assert "FunctionError" not in kept, kept["Body"]
        self.neighbour_instance = kept["Body"]["instance"]
        self.neighbour_stream = kept["Body"]["stream"]
        self.neighbour_request = kept["ResponseMetadata"]["RequestId"]

    def neighbour_lives(self):
        return self.neighbour_stream in [one["logStream"] for one in self.server.environments()]

    def restore(self):
        if self.server.process.poll() is not None:
            self.server.start()
        if not self.neighbour_lives():
            self.plant()
        self.tcp.accepted = self.abstract.accepted = 0

    def close(self):
        self.restore()
        self.tcp.socket.close()
        self.abstract.socket.close()
        self.host_file.unlink(missing_ok=True)
        self.server.destroy()

    def event(self, attempt, **more):
        return {
            "attempt": attempt, "level": self.level, "hostFile": str(self.host_file),
            "hostAbstract": self.abstract_name,
            "hostPorts": [self.tcp.socket.getsockname()[1], urllib.parse.urlsplit(self.server.endpoint).port, 22],
            "hostAddresses": host_addresses(), "neighbourRequestId": self.neighbour_request, **more}

    def run(self, attempt, **more):
        """The attempt's own report, if it lived to make one, with the neighbour called all the while."""
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            running = pool.submit(self.server.invoke, "hostile", self.event(attempt, **more), "attacker")
            while True:
                self.neighbour_answers()
                try:
                    return running.result(timeout=0.3)
                except concurrent.futures.TimeoutError:
                    continue
                except BotoCoreError as error:
                    raise AssertionError(f"the invocation was not answered: {error}\n{self.server.log()[-4000:]}") from None

    def neighbour_answers(self):
        try:
            body = self.server.call("hostile", tenant="neighbour")
        except BotoCoreError as error:
            raise AssertionError(f"the server does not answer: {error}\n{self.server.log()[-4000:]}") from None
        assert body["tenant"] == "neighbour"
        if body["instance"] == self.neighbour_instance:
            assert body["kept"] == {"secret": self.secrets["neighbour"]}
        else:
            # A tenant may get a second environment while the first is about to ask for work; it must not lose one.
            assert body["kept"] == {}
            assert self.neighbour_lives(), "the neighbour's environment was lost"

    def check(self, answer):
        assert answer["StatusCode"] == 200
        text = str(answer["Body"])
        for kind, secret in self.secrets.items():
            assert secret not in text, f"read the secret: {kind}"
        if "FunctionError" not in answer and isinstance(answer["Body"], dict):
            assert answer["Body"]["breaches"] == [], answer["Body"]["notes"]
        assert self.tcp.accepted == 0 and self.abstract.accepted == 0, "a listener of the host was reached"
        self.neighbour_answers()
        assert self.server.process.poll() is None, f"the server died:\n{self.server.log()[-4000:]}"
        assert self.server.lambda_.get_function(FunctionName="hostile")["Configuration"]["State"] == "Active"
        own = wait_until(self.own_call, "the tenant's own next call works", 30)
        assert own["tenant"] == "attacker" and own["kept"] == {}

    def own_call(self):
        try:
            answer = self.server.invoke("hostile", {}, "attacker")
        except self.server.lambda_.exceptions.ServiceException:
            # The environment was lost before the function began; a client tries again.
            return None
        return None if "FunctionError" in answer else answer["Body"]


def host_addresses():
    shown = subprocess.run(["ip", "-4", "-o", "addr"], capture_output=True, text=True, check=True).stdout
    return [word.split("/")[0] for line in shown.splitlines() for word in line.split() if word.count(".") == 3 and "/" in word]


@pytest.fixture(scope="module")
def battlefield(level):
    field = Battlefield(level)
    try:
        yield field
    finally:
        field.close()


@pytest.fixture
def field(battlefield):
    """Put in order again if the test before this one has broken it, so that each fails for itself alone."""
    battlefield.restore()
    yield battlefield
    battlefield.server.traces.look(battlefield.server.process.pid)


@pytest.mark.parametrize("attempt", [name for name in attempts() if name != "system_call"])
def test_attempt(field, attempt):
    answer = field.run(attempt)
    field.check(answer)


@pytest.mark.parametrize("call", refused_system_calls())
def test_system_call(field, call):
    answer = field.server.invoke("hostile", field.event("system_call", call=call), "attacker")
    field.check(answer)


def test_what_was_started_ends_with_the_reset(field):
    """A process that outlived the runtime is gone when the next invocation runs."""
    field.run("outlive_the_invocation")
    wait_until(field.own_call, "the tenant's own next call works", 30)
    code = {"attempt": "read_every_file_outside_the_image", "level": field.level}
    # The tenant may have several environments by now, of which one holds the file: a heart that still beats shows as
    # ever new times, one that has stopped as the same one again and again.
    beats = set()
    for _ in range(8):
        loot = field.server.invoke("hostile", code, "attacker")["Body"]["loot"]
        beats |= {text for text in loot if text.replace(".", "").isdigit() and len(text) > 12}
        time.sleep(0.2)
    assert len(beats) <= 1, "the heartbeat goes on"


def test_log_store_is_bounded(field):
    field.run("flood_the_log")
    size = sum(path.stat().st_size for path in field.server.data.rglob("*") if path.is_file())
    assert size < 3 << 30, f"{size >> 20} MiB in the data directory"


def test_nothing_of_the_host_was_changed(field):
    assert field.host_file.read_text() == field.secrets["file"]
    assert socket.gethostname() not in ("evil", "sandbox")


CHANNELS = {"app.py": """
import ctypes
import fcntl
import os
import struct

PATHS = ("/var/task/app.py", "/etc/passwd")
held = []
library = ctypes.CDLL(None, use_errno=True)


def handler(event, context):
    return globals()[event["do"]]()


def lock():
    taken = []
    for path in PATHS:
        file = open(path, "rb")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held.append(file)
            taken.append(path)
        except OSError:
            pass
    return taken


def watch():
    descriptor = library.inotify_init1(os.O_NONBLOCK)
    for path in PATHS:
        library.inotify_add_watch(descriptor, path.encode(), 0xfff)
    held.append(descriptor)


def touch():
    for path in PATHS:
        with open(path, "rb") as file:
            file.read()


def noticed():
    try:
        return len(os.read(held[-1], 4096)) // struct.calcsize("iIII")
    except BlockingIOError:
        return 0
"""}


def test_shared_files_are_no_channel(field):
    """Code and image may be the same files for all tenants; locks and watches on them must not be."""
    server = field.server
    server.create("channels", CHANNELS, tenants=True)
    try:
        paths = server.call("channels", {"do": "lock"}, tenant="one")
        assert server.call("channels", {"do": "lock"}, tenant="two") == paths, "a neighbour's lock was noticed"
        server.call("channels", {"do": "watch"}, tenant="one")
        server.call("channels", {"do": "touch"}, tenant="two")
        assert server.call("channels", {"do": "noticed"}, tenant="one") == 0, "a neighbour's reading was noticed"
    finally:
        server.delete("channels")
