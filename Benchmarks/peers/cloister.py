"""Cloister at one isolation level: a server of its own, one tenant-isolated function, one tenant a connection."""

import base64
import io
import os
import re
import subprocess
import zipfile

from .common import HANDLER, PAYLOAD, Failure, free_port, start, stop, tail, wait_for_port

FUNCTION = "bench"
# 1,769 MiB earn one whole CPU, on Lambda and here: the peers aren't limited either.
MEMORY_MIB = 1769
ROLE = "arn:aws:iam::000000000000:role/bench"


class Cloister:
    concurrency_max = 32

    def __init__(self, setup, level):
        self.setup = setup
        self.level = level
        self.name = level
        self.title = f"Cloister, {level}"
        self.process = None
        self.tenants = 0

    def start(self):
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        data = self.setup.work / f"data-{self.level}"
        log = self.setup.work / f"cloister-{self.level}.log"
        server = str(self.setup.server)
        self.process = start(
            [server, "serve", "--data", str(data), "--listen", f"127.0.0.1:{self.port}", "--isolation", self.level], log)
        wait_for_port(self.port, self.process, log=log)
        result = subprocess.run(
            [server, "env", "--data", str(data), "--endpoint", self.endpoint], capture_output=True, text=True)
        if result.returncode != 0:
            raise Failure(f"cloister env failed: {result.stderr}{tail(log)}")
        self.variables = dict(re.findall(r"^export (\w+)=['\"]?(.*?)['\"]?$", result.stdout, re.M))
        self.deploy()

    def deploy(self):
        import boto3

        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as package:
            package.writestr("app.py", HANDLER.read_text())
        client = boto3.client(
            "lambda", endpoint_url=self.endpoint, region_name=self.region,
            aws_access_key_id=self.variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.variables["AWS_SECRET_ACCESS_KEY"])
        client.create_function(
            FunctionName=FUNCTION, Runtime="python3.13", Handler="app.handler", Role=ROLE, Timeout=30,
            MemorySize=MEMORY_MIB, Code={"ZipFile": archive.getvalue()}, TenancyConfig={"TenantIsolationMode": "PER_TENANT"})
        client.get_waiter("function_active_v2").wait(FunctionName=FUNCTION, WaiterConfig={"Delay": 1, "MaxAttempts": 120})

    @property
    def region(self):
        return self.variables.get("AWS_REGION") or self.variables.get("AWS_DEFAULT_REGION") or "us-east-1"

    def requests(self, concurrency):
        return [self.signed(f"tenant-{index}") for index in range(concurrency)]

    def new_tenant(self):
        self.tenants += 1
        return self.signed(f"cold-{os.getpid()}-{self.tenants}", log_tail=True)

    def signed(self, tenant, log_tail=False):
        """The bytes of one signed request; good for five minutes, as often as one likes."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        path = f"/2015-03-31/functions/{FUNCTION}/invocations"
        headers = {"Host": f"127.0.0.1:{self.port}", "X-Amz-Tenant-Id": tenant}
        if log_tail:
            headers["X-Amz-Log-Type"] = "Tail"
        request = AWSRequest("POST", self.endpoint + path, headers=headers, data=PAYLOAD)
        credentials = Credentials(self.variables["AWS_ACCESS_KEY_ID"], self.variables["AWS_SECRET_ACCESS_KEY"])
        SigV4Auth(credentials, "lambda", self.region).add_auth(request)
        lines = [f"POST {path} HTTP/1.1"] + [f"{name}: {value}" for name, value in request.headers.items()]
        if "content-length" not in {name.lower() for name in request.headers.keys()}:
            lines.append(f"Content-Length: {len(PAYLOAD)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + PAYLOAD

    @staticmethod
    def parts(headers):
        """What the server says of a cold start, in milliseconds, out of the REPORT line."""
        text = base64.b64decode(headers.get("x-amz-log-result", "")).decode(errors="replace")
        init = re.search(r"Init Duration: ([0-9.]+) ms", text)
        handler = re.search(r"(?<!Billed )(?<!Init )Duration: ([0-9.]+) ms", text)
        found = {"init": init, "handler": handler}
        return {name: float(match.group(1)) for name, match in found.items() if match}

    def stop(self):
        stop(self.process, grace=30)
        self.process = None
