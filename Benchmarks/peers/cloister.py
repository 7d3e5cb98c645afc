"""Cloister at one isolation level: a server of its own, one tenant-isolated function, one tenant a connection."""

import io
import json
import os
import re
import subprocess
import zipfile

from .common import HANDLER, PAYLOAD, Failure, free_port, start, stop, tail, wait_for_port

FUNCTION = "bench"
# The cold starts' functions: what they import, by name.
COLD_FUNCTIONS = {"hello": "", "boto3": "import boto3\n"}
COLD_CODE = """import time
began = time.time()
{imports}
ready = time.time()

def handler(event, context):
    return {{"began": began, "ready": ready, "called": time.time()}}
"""
# 1,769 MiB earn one whole CPU, on Lambda and here: the peers aren't limited either.
MEMORY_MIB = 1769
ROLE = "arn:aws:iam::000000000000:role/bench"


class Cloister:
    concurrency_max = 32

    def __init__(self, setup, level, is_prebooted=True):
        self.setup = setup
        self.level = level
        self.is_prebooted = is_prebooted
        self.name = level if is_prebooted else f"{level}, plain"
        self.title = f"Cloister, {self.name}"
        self.process = None
        self.tenants = 0

    def start(self):
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        data = self.setup.work / f"data-{self.port}"
        log = self.setup.work / f"cloister-{self.name}.log"
        server = str(self.setup.server)
        self.process = start(
            [server, "serve", "--data", str(data), "--listen", f"127.0.0.1:{self.port}", "--isolation", self.level]
            + ([] if self.is_prebooted else ["--preboot-memory", "0"]), log)
        wait_for_port(self.port, self.process, log=log)
        result = subprocess.run(
            [server, "env", "--data", str(data), "--endpoint", self.endpoint], capture_output=True, text=True)
        if result.returncode != 0:
            raise Failure(f"cloister env failed: {result.stderr}{tail(log)}")
        self.variables = dict(re.findall(r"^export (\w+)=['\"]?(.*?)['\"]?$", result.stdout, re.M))
        self.deploy()

    def deploy(self):
        import boto3

        client = boto3.client(
            "lambda", endpoint_url=self.endpoint, region_name=self.region,
            aws_access_key_id=self.variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.variables["AWS_SECRET_ACCESS_KEY"])
        self.create(client, FUNCTION, HANDLER.read_text())
        for name, imports in COLD_FUNCTIONS.items():
            self.create(client, f"cold-{name}", COLD_CODE.format(imports=imports))

    def create(self, client, name, code):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as package:
            package.writestr("app.py", code)
        client.create_function(
            FunctionName=name, Runtime="python3.13", Handler="app.handler", Role=ROLE, Timeout=30,
            MemorySize=MEMORY_MIB, Code={"ZipFile": archive.getvalue()}, TenancyConfig={"TenantIsolationMode": "PER_TENANT"})
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})

    @property
    def region(self):
        return self.variables.get("AWS_REGION") or self.variables.get("AWS_DEFAULT_REGION") or "us-east-1"

    def requests(self, concurrency):
        return [self.signed(f"tenant-{index}") for index in range(concurrency)]

    def new_tenant(self, function):
        self.tenants += 1
        return self.signed(f"cold-{os.getpid()}-{self.tenants}", f"cold-{function}")

    def environments(self):
        """What `cloister environments` says."""
        result = subprocess.run(
            [str(self.setup.server), "environments", "--json", "--endpoint", self.endpoint], capture_output=True,
            text=True, env={**os.environ, **self.variables})
        if result.returncode != 0:
            raise Failure(f"cloister environments failed: {result.stderr}")
        found = json.loads(result.stdout)
        return found["environments"] if isinstance(found, dict) else found

    def signed(self, tenant, function=FUNCTION):
        """The bytes of one signed request; good for five minutes, as often as one likes."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        path = f"/2015-03-31/functions/{function}/invocations"
        headers = {"Host": f"127.0.0.1:{self.port}", "X-Amz-Tenant-Id": tenant}
        request = AWSRequest("POST", self.endpoint + path, headers=headers, data=PAYLOAD)
        credentials = Credentials(self.variables["AWS_ACCESS_KEY_ID"], self.variables["AWS_SECRET_ACCESS_KEY"])
        SigV4Auth(credentials, "lambda", self.region).add_auth(request)
        lines = [f"POST {path} HTTP/1.1"] + [f"{name}: {value}" for name, value in request.headers.items()]
        if "content-length" not in {name.lower() for name in request.headers.keys()}:
            lines.append(f"Content-Length: {len(PAYLOAD)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + PAYLOAD

    def stop(self):
        stop(self.process, grace=30)
        self.process = None
