"""One measurement each: warm load through the C client, cold starts one by one."""

import concurrent.futures
import json
import pathlib
import socket
import subprocess
import time

from .common import Failure


def load(setup, peer, concurrency, warmup, requests):
    """One round of one peer; the load program's JSON."""
    paths = []
    for index, request in enumerate(peer.requests(concurrency)):
        path = setup.work / f"{peer.name}-{index}.http"
        path.write_bytes(request)
        paths.append(str(path))
    command = [str(setup.load), str(peer.port), str(concurrency), str(warmup), str(requests)] + paths
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise Failure(f"{peer.title} at concurrency {concurrency}: {result.stderr.strip()} {result.stdout.strip()}")
    return json.loads(result.stdout)


def exchange(port, request):
    """Milliseconds from the request's first byte to the answer's last, and the answer's body."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = time.perf_counter()
        connection.sendall(request)
        answer = b""
        while True:
            part = connection.recv(65536)
            answer += part
            head, found, body = answer.partition(b"\r\n\r\n")
            if not part:
                raise Failure(f"the connection ended within an answer: {answer[:300]!r}")
            if found:
                lines = head.decode("latin-1").split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
                if len(body) >= int(headers.get("content-length", "0")):
                    break
        took = (time.perf_counter() - began) * 1000
    if " 200 " not in lines[0] or "x-amz-function-error" in headers:
        raise Failure(f"a cold start failed: {lines[0]} {body[:300]!r}")
    return took, body


def cold_start(peer, function):
    """One new tenant's first invocation: milliseconds in all, and of its parts by the function's own clock."""
    request = peer.new_tenant(function)
    sent = time.time()
    took, body = exchange(peer.port, request)
    told = json.loads(body)
    parts = {
        "start": (told["began"] - sent) * 1000, "import": (told["ready"] - told["began"]) * 1000,
        "rest": took - (told["ready"] - sent) * 1000,
    }
    return took, parts


def burst(peer, count):
    """`count` new tenants within one second: the milliseconds of those that were answered."""
    requests = [peer.new_tenant("hello") for _ in range(count)]

    def one(index):
        time.sleep(index / count)
        try:
            return exchange(peer.port, requests[index])[0]
        except Failure:
            return None

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return [took for took in pool.map(one, range(count)) if took is not None]


def idle_memory(peer):
    """MiB (proportional set size) of each environment that waits, with all of its processes."""
    found = []
    for environment in peer.environments():
        if environment["state"] not in ("idle", "frozen"):
            continue
        total = sum(pss(pid) for pid in family(environment["processId"]))
        if total:
            found.append(total / 1024)
    return found


def family(pid):
    """A sandbox's processes, those of the same session or below its outermost one."""
    children = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        children.setdefault(int(text.rsplit(")", 1)[1].split()[1]), []).append(int(path.parent.name))
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += children.get(one, [])
    return found


def pss(pid):
    try:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0
