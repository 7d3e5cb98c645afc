"""A Runtime API for one runtime in an image: hands out the given invocations, prints what the runtime did, as JSON.

Standard input: {"rootfs", "files": {name: text}, "environment": {}, "invocations": [{"headers": {}, "body"}],
"layers": {name: text}}. The runtime ends when it asks for an invocation beyond the last, or by itself.
"""

import contextlib
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

LIMIT_SECONDS = 120

# What an interpreter that is booted in advance is started with.
BEFORE_FUNCTION = ("AWS_LAMBDA_RUNTIME_API", "PATH")


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *arguments):
        pass

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/2018-06-01/cloister/variables":
            variables = ["%s=%s" % pair for pair in self.server.variables.items()]
            return self.answer(200, {"Content-Type": "application/json"}, json.dumps(variables).encode())
        self.server.polls += 1
        if not self.server.waiting:
            self.server.finished.set()
            self.server.released.wait()
            return
        invocation = self.server.waiting.pop(0)
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": "request-%d" % self.server.polls,
            "Lambda-Runtime-Deadline-Ms": "4102444800000",
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:000000000000:function:f",
            **invocation.get("headers", {}),
        }
        self.answer(200, headers, invocation.get("body", "{}").encode())

    def do_POST(self):
        trailers = {}
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            while line := self.rfile.readline().strip():
                name, _, value = line.decode().partition(":")
                trailers[name.lower()] = value.strip()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.posts.append(
            {"path": self.path, "headers": headers, "body": body.decode("utf-8", "replace"), "trailers": trailers}
        )
        self.answer(202, {"Content-Type": "application/json"}, b'{"status":"OK"}\n')


def write(folder, files):
    for name, text in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o755)


def main():
    plan = json.load(sys.stdin)
    work = tempfile.mkdtemp()
    rootfs = plan["rootfs"]
    for name, files in (("task", plan.get("files", {})), ("opt", plan.get("layers", {}))):
        os.mkdir(os.path.join(work, name))
        write(os.path.join(work, name), files)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.daemon_threads = True
    server.waiting = plan.get("invocations", [])
    server.posts, server.polls = [], 0
    server.finished, server.released = threading.Event(), threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:%d" % server.server_address[1],
        "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "AWS_REGION": "eu-west-1",
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        **plan.get("environment", {}),
    }
    server.variables = environment
    if plan.get("isPrebooted"):
        common = {name: value for name, value in environment.items() if name in BEFORE_FUNCTION}
        common.update({"LANG": "en_US.UTF-8", "TZ": ":UTC"})
        environment = {**common, "CLOISTER_PREBOOT": "1"}
    # A mount namespace of its own: the image itself stays as it is.
    script = (
        'mount --bind -o ro "$1/task" "$2/var/task" && mount --bind -o ro "$1/opt" "$2/opt" && '
        'mount -t tmpfs tmpfs "$2/tmp" && mount --bind /dev "$2/dev" && shift && root=$1 && shift && '
        'change=$(command -v chroot) && exec env -i "$@" "$change" "$root" /bin/sh -c "cd /var/task && exec /var/runtime/bootstrap"'
    )
    pairs = ["%s=%s" % pair for pair in environment.items()]
    process = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", work, rootfs, *pairs],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
    )
    threading.Thread(target=lambda: (process.wait(), server.finished.set()), daemon=True).start()
    server.finished.wait(LIMIT_SECONDS)
    ended = process.poll()
    # With all that the runtime started: a program that still polls would keep the output open.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    output = process.stdout.read().decode("utf-8", "replace")
    process.wait()
    shutil.rmtree(work)
    print(json.dumps({"posts": server.posts, "status": ended, "output": output}))


main()
