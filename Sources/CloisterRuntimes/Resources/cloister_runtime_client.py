"""The transport below the official runtime client: the module `runtime_client` that it calls, over one plain socket.

The official one is libcurl, which makes some sixteen system calls for each invocation where four do. In a sandbox whose
system calls are dear that is most of an invocation's time. The functions, what they return and what they raise are
those of the official module.
"""

# The C module: importing the library around it would cost every start.
from _socket import AF_INET, IPPROTO_TCP, SOCK_STREAM, TCP_NODELAY, socket
from posix import environ

API = "/2018-06-01/runtime/invocation/"
HEAD_BYTES_MAX = 1 << 20
RECEIVE_BYTES = 1 << 16
JOINED_BYTES_MAX = 1 << 14

# What the official module hands on, by the lower-case name in the answer.
NAMES = {
    name.lower().encode(): name
    for name in (
        "Content-Type",
        "Lambda-Runtime-Aws-Request-Id",
        "Lambda-Runtime-Aws-Tenant-Id",
        "Lambda-Runtime-Client-Context",
        "Lambda-Runtime-Cognito-Identity",
        "Lambda-Runtime-Deadline-Ms",
        "Lambda-Runtime-Invocation-Id",
        "Lambda-Runtime-Invoked-Function-Arn",
        "Lambda-Runtime-Trace-Id",
    )
}
NOTHING = dict.fromkeys(NAMES.values())


class Connection:
    """One kept-alive connection to the Runtime API."""

    def __init__(self, user_agent):
        host, _, port = environ[b"AWS_LAMBDA_RUNTIME_API"].decode().partition(":")
        self.address = (host, int(port or 80))
        self.fields = (" HTTP/1.1\r\nHost: %s:%d\r\nUser-Agent: %s\r\n" % (host, self.address[1], user_agent)).encode()
        self.next_request = self.get_request(API + "next")
        self.socket = None

    def get_request(self, path):
        return b"GET " + path.encode() + self.fields + b"\r\n"

    def get(self, path):
        """The status, the fields and the body of the answer."""
        self.send(self.get_request(path))
        return self.receive()

    def get_next(self):
        try:
            self.send(self.next_request)
            return self.receive()
        except OSError:
            # The connection has ended while nothing was under way: as good as none.
            self.close()
            self.send(self.next_request)
            return self.receive()

    def post(self, path, fields, body):
        head = b"POST " + (API + path).encode() + self.fields
        head += fields + b"Content-Length: %d\r\n\r\n" % len(body)
        if len(body) <= JOINED_BYTES_MAX:
            self.send(head + body)
        else:
            self.send(head)
            self.socket.sendall(body)
        return self.receive()

    def send(self, data):
        if self.socket is None:
            connection = socket(AF_INET, SOCK_STREAM)
            connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
            connection.connect(self.address)
            self.socket = connection
        self.socket.sendall(data)

    def receive(self):
        data = self.socket.recv(RECEIVE_BYTES)
        end = data.find(b"\r\n\r\n")
        while end < 0:
            more = self.socket.recv(RECEIVE_BYTES)
            if not more or len(data) > HEAD_BYTES_MAX:
                raise ConnectionResetError("the Runtime API hung up")
            data += more
            end = data.find(b"\r\n\r\n")
        status, *lines = data[:end].split(b"\r\n")
        fields = NOTHING.copy()
        length = 0
        for line in lines:
            name, _, value = line.partition(b":")
            name = name.lower()
            if name in NAMES:
                fields[NAMES[name]] = value.strip().decode("utf-8", "replace")
            elif name == b"content-length":
                length = int(value)
        return int(status[9:12]), fields, self.body(data[end + 4 :], length)

    def body(self, start, length):
        if len(start) >= length:
            return start
        body = bytearray(length)
        body[: len(start)] = start
        rest = memoryview(body)[len(start) :]
        while rest:
            count = self.socket.recv_into(rest)
            if not count:
                raise ConnectionResetError("the Runtime API hung up")
            rest = rest[count:]
        return bytes(body)

    def close(self):
        if self.socket is not None:
            self.socket.close()
        self.socket = None


user_agent = ""
connection = None


def initialize_client(agent):
    global user_agent
    user_agent = agent


def connected():
    """The connection, made with the first call: where the Runtime API is may not be known before."""
    global connection
    if connection is None:
        connection = Connection(user_agent)
    return connection


def next():
    try:
        status, fields, body = connected().get_next()
    except (OSError, ValueError) as error:
        raise RuntimeError("Failed to get next") from error
    if status != 200:
        raise RuntimeError("Failed to get next")
    deadline = fields["Lambda-Runtime-Deadline-Ms"]
    fields["Lambda-Runtime-Deadline-Ms"] = int(deadline) if deadline else 0
    return body, fields


def post_invocation_result(invoke_id, response_data, content_type, invocation_id=None):
    post(invoke_id + "/response", content_type, invocation_id, b"", response_data, "Failed to post invocation response")


def post_error(invoke_id, error_response_data, xray_fault, invocation_id=None):
    cause = b"lambda-runtime-function-xray-error-cause: " + one_line(xray_fault) + b"\r\n" if xray_fault else b""
    data = error_response_data.encode() if isinstance(error_response_data, str) else error_response_data
    post(invoke_id + "/error", "application/json", invocation_id, cause, data, "Failed to post invocation error")


def post(path, content_type, invocation_id, fields, data, failure):
    fields += b"Content-Type: " + one_line(content_type or "text/html") + b"\r\n"
    if invocation_id:
        fields += b"Lambda-Runtime-Invocation-Id: " + one_line(invocation_id) + b"\r\n"
    try:
        status, _, _ = connected().post(path, fields, data)
    except (OSError, ValueError) as error:
        raise RuntimeError(failure) from error
    if not 200 <= status < 300:
        raise RuntimeError(failure)


def one_line(text):
    """A field's value; whatever a function puts into it adds no field."""
    return text.encode("utf-8", "replace").translate(None, b"\r\n")
