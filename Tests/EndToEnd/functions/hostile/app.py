"""Code of a hostile tenant. Each attempt answers with what it managed (`breaches`) and what it could read (`loot`)."""

import importlib
import os
import threading

INSTANCE = os.urandom(8).hex()
MODULES = ("files", "kernel", "processes", "network", "resources", "runtime_api")
kept = {}
previous_request = None


class Findings:
    """What an attempt found. A breach is something that must not have worked."""

    def __init__(self):
        self.breaches = []
        self.loot = []
        self.notes = []

    def breach(self, text):
        self.breaches.append(text)

    def take(self, data):
        """Keeps what was read, so that the test can look for secrets in it."""
        if isinstance(data, bytes):
            data = data.decode("utf-8", "replace")
        if sum(map(len, self.loot)) < 1 << 20:
            self.loot.append(data[:65536])

    def note(self, text):
        self.notes.append(str(text)[:500])


def attempts():
    found = {}
    for module in MODULES:
        loaded = importlib.import_module(module)
        found.update({name[4:]: value for name, value in vars(loaded).items() if name.startswith("try_")})
    return found


def handler(event, context):
    global previous_request
    try:
        if "keep" in event:
            return keep(event, context)
        if "attempt" not in event:
            return {"instance": INSTANCE, "kept": kept, "tenant": context.tenant_id, "threads": threading.active_count()}
        findings = Findings()
        event["requestId"] = context.aws_request_id
        event["previousRequestId"] = previous_request
        attempts()[event["attempt"]](event, findings)
        return {"breaches": findings.breaches, "loot": findings.loot, "notes": findings.notes}
    finally:
        previous_request = context.aws_request_id


def keep(event, context):
    """The neighbour: has a secret in its memory, its /tmp, shared memory, and an open socket."""
    import ctypes
    import socket

    secret = event["keep"]
    kept["secret"] = secret
    for folder in ("/tmp", "/dev/shm"):
        with open(f"{folder}/secret.txt", "w") as file:
            file.write(secret)
    library = ctypes.CDLL(None, use_errno=True)
    segment = library.shmget(0x5ec4e7, 4096, 0o1666)
    if segment >= 0:
        library.shmat.restype = ctypes.c_void_p
        address = library.shmat(segment, None, 0)
        if address not in (None, ctypes.c_void_p(-1).value):
            ctypes.memmove(address, secret.encode(), len(secret))
    for family, address in ((socket.AF_UNIX, "\0neighbour"), (socket.AF_INET, ("127.0.0.1", 7001))):
        listener = socket.socket(family)
        listener.bind(address)
        listener.listen()
        threading.Thread(target=serve, args=(listener, secret), daemon=True).start()
    return {"instance": INSTANCE, "stream": context.log_stream_name}


def serve(listener, secret):
    while True:
        connection, _ = listener.accept()
        connection.sendall(secret.encode())
        connection.close()
