"""What a server keeps in the kernel while it runs, so that a test can see that it is gone afterwards."""

import os
import pathlib


def _read(path):
    try:
        return pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""


def _link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def is_alive(pid):
    state = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return bool(state) and state[0] not in "ZX"


def descendants(root):
    children = {}
    for pid in processes():
        fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        if len(fields) > 1:
            children.setdefault(int(fields[1]), []).append(pid)
    found, open_ends = set(), [root]
    while open_ends:
        for child in children.get(open_ends.pop(), []):
            if child not in found:
                found.add(child)
                open_ends.append(child)
    return found


class Traces:
    """Collects processes, network namespaces and cgroups of a server's sandboxes as they are seen."""

    def __init__(self):
        # Process number to start time: numbers are used again.
        self.started = {}
        self.cgroups = set()

    def look(self, server_pid):
        namespaces = set()
        own = _link("/proc/self/ns/net")
        for pid in descendants(server_pid):
            self.started[pid] = _start(pid)
            namespaces.add(_link(f"/proc/{pid}/ns/net"))
            for line in _read(f"/proc/{pid}/cgroup").splitlines():
                path = line.split(":", 2)[2]
                if "cloister" in path:
                    self.cgroups.add(path)
        # Whoever is in a sandbox's network, also if it is nobody's child any more.
        for pid in processes():
            if _link(f"/proc/{pid}/ns/net") in namespaces - {own, ""}:
                self.started[pid] = _start(pid)

    def remaining(self, data_directory):
        """Everything that is still there, as lines for a person."""
        found = []
        for pid, start in self.started.items():
            if start and _start(pid) == start and is_alive(pid):
                found.append(f"process {pid}: {_read(f'/proc/{pid}/cmdline')!r}")
        for pid in processes():
            if str(data_directory) in _read(f"/proc/{pid}/cmdline") and pid != os.getpid() and is_alive(pid):
                found.append(f"process {pid} of the data directory: {_read(f'/proc/{pid}/cmdline')!r}")
            # Another process's private view may still hold a mount that ours no longer has.
            for line in _read(f"/proc/{pid}/mountinfo").splitlines():
                if str(data_directory) in line:
                    found.append(f"mount in process {pid}: {line}")
        for line in _read("/proc/self/mountinfo").splitlines():
            if " nsfs " in line and "cloister" in line:
                found.append(f"network namespace that is kept by a mount: {line}")
        for path in self.cgroups:
            for hierarchy in [pathlib.Path("/sys/fs/cgroup"), *pathlib.Path("/sys/fs/cgroup").glob("*/")]:
                if (hierarchy / path.lstrip("/")).is_dir():
                    found.append(f"cgroup {hierarchy}{path}")
        return sorted(set(found))


def _start(pid):
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else None
