"""Lies and floods on the environment's own channel to the platform."""

import socket
import threading
import time
import uuid

BASE = "/2018-06-01/runtime"


def connect():
    connection = socket.create_connection(("127.0.0.1", 9001), timeout=2)
    connection.settimeout(0.3)
    return connection


def exchange(raw, parts=()):
    """The status of the answer, its text; 0 if there is none."""
    try:
        with connect() as connection:
            connection.sendall(raw)
            for part in parts:
                connection.sendall(part)
            answer = b""
            while len(answer) < 65536:
                part = connection.recv(65536)
                if not part:
                    break
                answer += part
                if b"\r\n\r\n" in answer:
                    break
    except OSError as error:
        return 0, str(error)
    if not answer.startswith(b"HTTP/1.1 "):
        return 0, answer[:100].decode(errors="replace")
    return int(answer.split(b" ", 2)[1]), answer.decode(errors="replace")


def post(path, body=b"{}", headers=""):
    return exchange(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)


def refused(findings, what, answer):
    findings.note(f"{what}: {answer[0]}")
    findings.take(answer[1])
    if 200 <= answer[0] < 300:
        findings.breach(f"{what} was accepted")


def try_answer_requests_of_others(event, findings):
    for request in [str(uuid.uuid4()), event["previousRequestId"] or "x", event["neighbourRequestId"], "0", "*", "..",
                    "%2e%2e", "a" * 100, event["requestId"].upper() + "0", "'", "\u00e9"]:
        for end in ("response", "error"):
            refused(findings, f"{end} of {request[:40]}", post(f"{BASE}/invocation/{request}/{end}", b'"forged"'))


def try_ask_for_a_second_invocation(event, findings):
    refused(findings, "next while busy", exchange(f"GET {BASE}/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n".encode()))


def try_report_an_init_error_late(event, findings):
    answer = post(f"{BASE}/init/error", b'{"errorType":"Forged.Late","errorMessage":"x"}')
    findings.note(answer[0])


def try_answer_twice(event, findings):
    first = post(f"{BASE}/invocation/{event['requestId']}/response", b'{"breaches": [], "loot": [], "notes": ["first"]}')
    findings.note(f"first: {first[0]}")
    for _ in range(3):
        refused(findings, "a second answer", post(f"{BASE}/invocation/{event['requestId']}/response", b'"second"'))
        refused(findings, "an error after it", post(f"{BASE}/invocation/{event['requestId']}/error", b"{}"))


def try_other_apis_of_the_platform(event, findings):
    for method, path in (("GET", "/2015-03-31/functions"), ("POST", "/2015-03-31/functions/x/invocations"),
                         ("GET", "/_cloister/environments"), ("GET", "/_cloister/logs?function=x"), ("GET", "/"),
                         ("GET", "/2018-06-01/runtime/invocation/../../../_cloister/environments"),
                         ("GET", "http://127.0.0.1/_cloister/environments"), ("CONNECT", "127.0.0.1:80"),
                         ("GET", "/2018-06-01/runtime/restore/next"), ("OPTIONS", "*")):
        refused(findings, f"{method} {path}", exchange(
            f"{method} {path} HTTP/1.1\r\nHost: x\r\nX-Amz-Tenant-Id: neighbour\r\nContent-Length: 0\r\n\r\n".encode()))


def try_flood_of_connections(event, findings):
    held = []
    for _ in range(100):
        try:
            connection = connect()
            connection.sendall(f"GET {BASE}/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            held.append(connection)
        except OSError:
            break
    time.sleep(0.5)
    for connection in held:
        connection.settimeout(0.05)
        try:
            answer = connection.recv(4096)
            if answer.startswith(b"HTTP/1.1 200"):
                findings.breach("an invocation was given out while one runs")
        except OSError:
            pass
        connection.close()
    findings.note(f"{len(held)} connections")


def try_flood_of_requests(event, findings):
    request = f"GET {BASE}/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 200
    end = time.time() + 2

    def send():
        while time.time() < end:
            try:
                with connect() as connection:
                    connection.sendall(request)
            except OSError:
                pass

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def try_pipelining_without_reading(event, findings):
    """Answers that are never read must not pile up without end."""
    request = f"POST {BASE}/invocation/x/response HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode() * 1000
    try:
        with connect() as connection:
            connection.settimeout(0.5)
            end = time.time() + 3
            sent = 0
            while time.time() < end:
                sent += connection.send(request)
    except OSError:
        pass
    findings.note(f"{sent >> 20} MiB sent ahead")


def try_slow_requests(event, findings):
    """Left open on purpose: they end with the environment or when the platform is tired of them."""
    import sys
    held = sys.modules[__name__].__dict__.setdefault("slow", [])
    for start in (b"G", b"GET ", f"GET {BASE}/invocation/next HTTP/1.1\r\nHost:".encode(),
                  f"POST {BASE}/invocation/x/response HTTP/1.1\r\nContent-Length: 100000\r\n\r\n{{".encode(),
                  f"POST {BASE}/invocation/{event['requestId']}/error HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab".encode()):
        try:
            connection = connect()
            connection.sendall(start)
            held.append(connection)
        except OSError as error:
            findings.note(error)
    time.sleep(0.3)


def try_oversized_requests(event, findings):
    big = b"a" * (1 << 20)
    for what, head in (("request line", b"GET /" + big * 3), ("field", b"GET / HTTP/1.1\r\nx: " + big * 3),
                       ("fields", b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 400_000)):
        answer = exchange(head + b"\r\n\r\n")
        refused(findings, f"oversized {what}", answer)
    length = 100 << 20
    try:
        with connect() as connection:
            connection.sendall(
                f"POST {BASE}/invocation/x/response HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
            for _ in range(100):
                connection.sendall(big)
    except OSError as error:
        findings.note(error)
    refused(findings, "announced exabytes", exchange(
        f"POST {BASE}/invocation/x/response HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775807\r\n\r\n".encode()))


MALFORMED = [
    b"\r\n\r\n", b"\0" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\n : x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost\r\n\r\n", b"GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", b"GET / HTTP/1.1\nHost: x\n\n",
    b"\x16\x03\x01\x02\x00\x01\x00", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: 1e3\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: +5\r\n\r\nhello", b"G\0T / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nx: \0\r\n\r\n",
    b"GET  /  HTTP/1.1\r\n\r\n", b"a" * 65536,
]
SMUGGLED = b"POST " + BASE.encode() + b"/invocation/SMUGGLED/response HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
SMUGGLING = [
    b"Content-Length: 5\r\nContent-Length: 6\r\n", b"Content-Length: 5, 6\r\n",
    b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    b"Transfer-Encoding: xchunked\r\n", b"Transfer-Encoding : chunked\r\n", b"Transfer-Encoding:\x0bchunked\r\n",
    b"Transfer-Encoding: chunked, identity\r\n", b"Content-Length: 0\r\n Transfer-Encoding: chunked\r\n",
    b"Content_Length: 5\r\n", b"Content-Length: 00000000000000000005\r\n", b"Content-Length: 0x5\r\n",
]
CHUNKS = [b"zz\r\n", b"-1\r\n\r\n", b"ffffffffffffffff\r\nx", b"10000000000000000\r\nx", b"5;" + b"e" * 100_000, b"5\r\nhello6\r\n",
          b"1 \r\nx\r\n0\r\n\r\n", b"0\r\nTrailer: " + b"t" * 2_000_000]


def try_malformed_requests(event, findings):
    for raw in MALFORMED:
        refused(findings, repr(raw[:40]), exchange(raw))
    for chunk in CHUNKS:
        refused(findings, f"chunk {chunk[:20]!r}", exchange(
            f"POST {BASE}/invocation/x/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + chunk))


def try_smuggled_requests(event, findings):
    for fields in SMUGGLING:
        head = f"POST {BASE}/invocation/x/response HTTP/1.1\r\nHost: x\r\n".encode() + fields + b"\r\n"
        refused(findings, repr(fields), exchange(head + b"0\r\n\r\n" + SMUGGLED.replace(b"SMUGGLED", event["requestId"].encode())))


def try_hang_up_in_mid_answer(event, findings):
    for _ in range(20):
        connection = connect()
        connection.sendall(
            f"POST {BASE}/invocation/{uuid.uuid4()}/response HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc".encode())
        connection.close()


def try_cut_off_own_answer(event, findings):
    """The answer begins and ends early; the invoker must not get half of it as a whole."""
    connection = connect()
    connection.sendall(
        f"POST {BASE}/invocation/{event['requestId']}/response HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
        '{"breaches": [], "loot": [], "notes": []}'.encode())
    connection.close()
    time.sleep(0.2)


def try_false_error_fields(event, findings):
    post(f"{BASE}/invocation/{event['requestId']}/error", b'{"errorType":"x\\ny","errorMessage":"\\u0000"}',
         "Lambda-Runtime-Function-Error-Type: a\x01b\r\nLambda-Runtime-Function-XRay-Error-Cause: " + "z" * 300_000 + "\r\n")


def try_header_injection_by_streaming_mode(event, findings):
    for mode in ("streaming\r\nX-Injected: 1", "nonsense", ""):
        answer = post(f"{BASE}/invocation/x/response", b"{}", f"Lambda-Runtime-Function-Response-Mode: {mode}\r\n")
        refused(findings, repr(mode), answer)
        if "X-Injected" in answer[1]:
            findings.breach("a field was injected")
