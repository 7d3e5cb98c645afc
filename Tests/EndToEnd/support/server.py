"""A server under test: started, used with boto3, killed, started again, destroyed."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import boto3
from botocore.config import Config

from . import packages
from .leftovers import Traces

ROOT = pathlib.Path(__file__).resolve().parents[3]
ROLE = "arn:aws:iam::000000000000:role/test"
START_SECONDS = 120
WAIT_SECONDS = 120


def binary():
    path = pathlib.Path(os.environ.get("CLOISTER_BINARY", ROOT / ".build/release/cloister")).absolute()
    if not os.access(path, os.X_OK):
        raise AssertionError(f"{path} is missing: swift build -c release, or name a program in CLOISTER_BINARY")
    return path


def wait_until(condition, what, seconds=WAIT_SECONDS, pause=0.05):
    """The first true value of `condition()`; a failure that names `what` if none comes."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(pause)


def crash(log):
    """From the runtime's message to the frames of the thread that crashed."""
    start = log.rfind("Fatal error")
    start = start if start >= 0 else log.rfind("Crash")
    return log[start:start + 6000] if start >= 0 else log[-6000:]


class Server:
    """`cloister serve` on a data directory of its own."""

    def __init__(self, level, *options, data=None, environment=None):
        self.level = level
        self.options = options
        self.extra_environment = environment or {}
        self.data = pathlib.Path(data or tempfile.mkdtemp(prefix="cloister-test-", dir="/var/tmp"))
        self.log_path = self.data.with_name(self.data.name + ".log")
        self.process = None
        self.endpoint = None
        self.traces = Traces()
        self._clients = {}

    # Life

    def start(self):
        with open(self.log_path, "a") as log:
            position = log.tell()
            self.process = subprocess.Popen(
                [binary(), "serve", "--data", self.data, "--listen", "127.0.0.1:0", "--isolation", self.level,
                 *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **self.extra_environment})
        self.endpoint = wait_until(lambda: self._announced(position), f"{self.level} server listens", START_SECONDS, 0.01)
        self._clients = {}
        return self

    def _announced(self, position):
        text = self.log_path.read_text(errors="replace")[position:]
        found = re.search(r"listens on (http://\S+)", text)
        if found:
            return found[1]
        if self.process.poll() is not None:
            raise AssertionError(f"the server for level {self.level} ended with {self.process.returncode}:\n{text}")
        return None

    def kill(self):
        """SIGKILL, as by the kernel or a power cut for this process."""
        self.traces.look(self.process.pid)
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.traces.look(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the server did not end within 60 s of SIGTERM") from None

    def destroy(self):
        """Stops, says what is left behind, and removes the data directory."""
        try:
            crashed = self.process is not None and self.process.poll() not in (None, 0, -signal.SIGKILL)
            report = f"the server ended with {self.process.returncode}:\n{crash(self.log())}" if crashed else None
            if crashed:
                # The next start on the same data directory destroys what a crash left.
                self.start()
            self.stop()
            assert not report, report
            left = self.traces.remaining(self.data)
            for _ in range(50):
                if not left:
                    break
                time.sleep(0.1)
                left = self.traces.remaining(self.data)
            assert not left, "left behind:\n" + "\n".join(left)
        finally:
            shutil.rmtree(self.data, ignore_errors=True)
            self.log_path.unlink(missing_ok=True)

    def log(self):
        return self.log_path.read_text(errors="replace")

    # Clients

    @property
    def credentials(self):
        return json.loads((self.data / "credentials.json").read_text())

    def client(self, service="lambda", region="us-east-1", attempts=1, **config):
        key = (service, region, attempts, tuple(sorted(config.items())))
        if key not in self._clients:
            credentials = self.credentials
            self._clients[key] = boto3.client(
                service, endpoint_url=self.endpoint, region_name=region,
                aws_access_key_id=credentials["accessKeyId"], aws_secret_access_key=credentials["secretAccessKey"],
                config=Config(
                    retries={"total_max_attempts": attempts, "mode": "standard"}, read_timeout=120,
                    max_pool_connections=64, **config))
        return self._clients[key]

    @property
    def lambda_(self):
        return self.client("lambda")

    @property
    def logs(self):
        return self.client("logs")

    def environment(self, region="us-east-1"):
        """The variables that AWS's tools and `cloister` itself read."""
        credentials = self.credentials
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_ACCESS_KEY_ID": credentials["accessKeyId"],
            "AWS_SECRET_ACCESS_KEY": credentials["secretAccessKey"],
            "AWS_DEFAULT_REGION": region, "AWS_REGION": region, "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_PAGER": "", "AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        }

    def cloister(self, *arguments, check=True, **options):
        return subprocess.run(
            [binary(), *arguments], env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=WAIT_SECONDS, check=check, **options)

    def environments(self):
        return json.loads(self.cloister("environments", "--json").stdout)

    # Functions

    def create(self, name, code, handler="app.handler", runtime="python3.13", tenants=False, wait=True, **settings):
        """Creates a function; `code` is a name under functions/, files, or a zip."""
        if isinstance(code, str):
            code = packages.function_zip(code)
        elif isinstance(code, dict):
            code = packages.zip_files(code)
        if tenants:
            settings["TenancyConfig"] = {"TenantIsolationMode": "PER_TENANT"}
        settings = {"Timeout": 30, "MemorySize": 256, **settings}
        created = self.lambda_.create_function(
            FunctionName=name, Runtime=runtime, Role=ROLE, Handler=handler, Code={"ZipFile": code}, **settings)
        if wait:
            self.wait_active(name)
        return created

    def wait_active(self, name):
        def ready():
            configuration = self.lambda_.get_function(FunctionName=name)["Configuration"]
            assert configuration["State"] != "Failed", configuration
            return configuration["State"] == "Active" and configuration["LastUpdateStatus"] != "InProgress"
        wait_until(ready, f"{name} is active")

    def delete(self, name):
        self.lambda_.delete_function(FunctionName=name)

    def invoke(self, name, event=None, tenant=None, client=None, **options):
        """Payload and answer of one invocation."""
        if tenant is not None:
            options["TenantId"] = tenant
        answer = (client or self.lambda_).invoke(FunctionName=name, Payload=json.dumps(event or {}), **options)
        body = answer["Payload"].read()
        answer["Body"] = json.loads(body) if body else None
        return answer

    def call(self, name, event=None, tenant=None, **options):
        """The value that a function returned; its failure fails the test."""
        answer = self.invoke(name, event, tenant, **options)
        assert "FunctionError" not in answer, answer["Body"]
        return answer["Body"]

    def log_events(self, name, **filters):
        events = []
        pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}", **filters)
        try:
            for page in pages:
                events += page["events"]
        except self.logs.exceptions.ResourceNotFoundException:
            pass
        return events

    def wait_for_log(self, name, text, **filters):
        return wait_until(
            lambda: [event for event in self.log_events(name, **filters) if text in event["message"]],
            f"{text!r} in the log of {name}", 30, 0.2)
