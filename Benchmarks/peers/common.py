"""What every peer needs: processes that surely end, free ports, waiting, and ready-made HTTP requests."""

import os
import pathlib
import signal
import socket
import subprocess
import time

HANDLER = pathlib.Path(__file__).resolve().parent.parent / "handler" / "app.py"
PAYLOAD = b'{"key": "value"}'


class Failure(Exception):
    """Ends the benchmark with a text for the user."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process, seconds=30, log=None):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Failure(f"{process.args[0]} ended with {process.returncode}{tail(log)}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.001)
    raise Failure(f"nothing listens on port {port} after {seconds} s{tail(log)}")


def tail(path):
    if not path or not os.path.exists(path):
        return ""
    with open(path, errors="replace") as file:
        return "; its last words:\n" + "".join(file.readlines()[-10:])


def start(command, log, **options):
    """Starts a process in a session of its own, so that `stop` reaches its children too."""
    with open(log, "ab") as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, **options)


def stop(process, grace=10):
    if process is None:
        return
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


# Prepares a throw-away copy of the image in a mount namespace of its own, which goes with the process.
ENTER_IMAGE = r"""
set -e
scratch=$1 image=$2 handler=$3 extra=$4
shift 4
mount --make-rprivate /
mount -t tmpfs -o size=256m tmpfs "$scratch"
mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
mount -t overlay -o "lowerdir=$image,upperdir=$scratch/upper,workdir=$scratch/work" overlay "$scratch/root"
mount --rbind /dev "$scratch/root/dev"
mount -t proc proc "$scratch/root/proc"
mkdir -p "$scratch/root/var/task"
cp "$handler" "$scratch/root/var/task/app.py"
if [ -n "$extra" ]; then cp "$extra" "$scratch/root/peer"; fi
exec chroot "$scratch/root" /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 \
    LAMBDA_TASK_ROOT=/var/task PYTHONPATH=/var/runtime:/var/task AWS_REGION=us-east-1 \
    AWS_LAMBDA_FUNCTION_NAME=function AWS_LAMBDA_FUNCTION_VERSION='$LATEST' AWS_LAMBDA_FUNCTION_MEMORY_SIZE=1769 \
    AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/function AWS_LAMBDA_LOG_STREAM_NAME=stream _HANDLER=app.handler "$@"
"""


def in_image(image, scratch, command, extra=""):
    """The command line that runs `command` with the image as its root, `extra` there as /peer."""
    scratch = pathlib.Path(scratch)
    scratch.mkdir(parents=True, exist_ok=True)
    return ["unshare", "--mount", "sh", "-c", ENTER_IMAGE, "sh", str(scratch), str(image), str(HANDLER), str(extra)] + command


def client_command(setup, address):
    """The command line of a peer's runtime client: the stock one, or the image's own way of starting it."""
    if setup.client == "stock":
        return [f"AWS_LAMBDA_RUNTIME_API={address}"] * bool(address) + ["/usr/bin/python3.13", "-m", "awslambdaric", "app.handler"]
    variables = [f"AWS_LAMBDA_RUNTIME_API={address}"] * bool(address)
    return ["/usr/bin/env"] + variables + ["_HANDLER=app.handler", "/var/runtime/bootstrap"]


def plain_request(port, function, headers=()):
    lines = [
        f"POST /2015-03-31/functions/{function}/invocations HTTP/1.1", f"Host: 127.0.0.1:{port}",
        f"Content-Length: {len(PAYLOAD)}",
    ] + [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + PAYLOAD
