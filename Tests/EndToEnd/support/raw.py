"""Requests that boto3 would not send: signed by hand, over a socket of their own."""

import datetime
import hashlib
import hmac
import http.client
import socket
import urllib.parse


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def sign(server, method, path, body=b"", headers=(), unsigned=(), query="", service="lambda", region="us-east-1",
         secret=None, at=None, access_key=None):
    """All header fields of a signed request, as (name, bytes)."""
    host = urllib.parse.urlsplit(server.endpoint).netloc
    at = at or datetime.datetime.now(datetime.timezone.utc)
    stamp, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    fields = [("host", host.encode()), ("x-amz-date", stamp.encode())]
    fields += [(name.lower(), value if isinstance(value, bytes) else value.encode()) for name, value in headers]
    merged = {}
    for name, value in fields:
        merged.setdefault(name, []).append(b" ".join(value.split()))
    names = ";".join(sorted(merged))
    canonical_headers = b"".join(name.encode() + b":" + b",".join(merged[name]) + b"\n" for name in sorted(merged))
    canonical_path = urllib.parse.quote(path, safe="/-_.~") if path else "/"
    canonical = b"\n".join([
        method.encode(), canonical_path.encode(), query.encode(), canonical_headers, names.encode(),
        hashlib.sha256(body).hexdigest().encode()])
    scope = f"{day}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical).hexdigest()}"
    credentials = server.credentials
    key = _hmac(("AWS4" + (secret or credentials["secretAccessKey"])).encode(), day)
    for part in (region, service, "aws4_request"):
        key = _hmac(key, part)
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={access_key or credentials['accessKeyId']}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}")
    fields.append(("authorization", authorization.encode()))
    return fields + [(name, value if isinstance(value, bytes) else value.encode()) for name, value in unsigned]


def connect(server):
    address = urllib.parse.urlsplit(server.endpoint)
    return socket.create_connection((address.hostname, address.port), timeout=30)


def send(server, method, path, fields, body=b"", query="", length=True):
    """Status, fields and body of the answer."""
    target = path + ("?" + query if query else "")
    head = f"{method} {target} HTTP/1.1\r\n".encode()
    head += b"".join(name.encode() + b": " + value + b"\r\n" for name, value in fields)
    if length:
        head += b"content-length: %d\r\n" % len(body)
    with connect(server) as connection:
        connection.sendall(head + b"connection: close\r\n\r\n" + body)
        answer = http.client.HTTPResponse(connection, method=method)
        answer.begin()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def request(server, method, path, body=b"", headers=(), unsigned=(), query="", **signing):
    return send(
        server, method, path, sign(server, method, path, body, headers, unsigned, query, **signing), body, query)


def invoke_path(name):
    return f"/2015-03-31/functions/{name}/invocations"
