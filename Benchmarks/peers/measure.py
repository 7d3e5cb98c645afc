"""One measurement each: warm load through the C client, cold starts one by one."""

import json
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
    """Milliseconds from the request's first byte to the answer's last, and the answer's headers."""
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
    return took, headers
