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
        self.started = {}
        self.namespaces = set()
        self.cgroups = set()

    def look(self, server_pid):
        own_namespace = _link("/proc/self/ns/net")
        for pid in descendants(server_pid):
            stat = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
            if not stat:
                continue
            self.started[pid] = stat[19]
            namespace = _link(f"/proc/{pid}/ns/net")
            if namespace and namespace != own_namespace:
                self.namespaces.add(namespace)
            for line in _read(f"/proc/{pid}/cgroup").splitlines():
                _, controllers, path = line.split(":", 2)
                if "cloister" in path:
                    self.cgroups.add(path.split("/..")[0])

    def remaining(self, data_directory):
        """Everything that is still there, as lines for a person."""
        found = []
        for pid, start in self.started.items():
            stat = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
            if stat and stat[19] == start and is_alive(pid):
                found.append(f"process {pid}: {_read(f'/proc/{pid}/cmdline')!r}")
        for pid in processes():
            if str(data_directory) in _read(f"/proc/{pid}/cmdline") and pid != os.getpid() and is_alive(pid):
                found.append(f"process {pid} of the data directory: {_read(f'/proc/{pid}/cmdline')!r}")
            if _link(f"/proc/{pid}/ns/net") in self.namespaces and is_alive(pid):
                found.append(f"network namespace of process {pid}")
        # Another process's private view may still hold a mount that ours no longer has.
        for pid in processes():
            for line in _read(f"/proc/{pid}/mountinfo").splitlines():
                if str(data_directory) in line or any(name in line for name in self.namespaces):
                    found.append(f"mount in process {pid}: {line}")
        for path in self.cgroups:
            for hierarchy in [pathlib.Path("/sys/fs/cgroup"), *pathlib.Path("/sys/fs/cgroup").glob("*/")]:
                if (hierarchy / path.lstrip("/")).is_dir():
                    found.append(f"cgroup {hierarchy}{path}")
        return sorted(set(found))
