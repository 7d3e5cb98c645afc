"""The OCI runtimes alone: what `-c pass` in the same interpreter costs before any of our own work."""

import json
import os
import shutil
import subprocess
import time

from .common import Failure

NAMESPACES = ("pid", "network", "ipc", "uts", "mount")
# crun refuses hosts with both cgroup versions; out of its sight, the second one doesn't disturb.
CRUN = 'mount --make-rprivate /; umount /sys/fs/cgroup/unified 2>/dev/null; exec crun --root "$1" --cgroup-manager=disabled run --bundle "$2" "$3"'


def bundle(directory, image):
    directory.mkdir(parents=True, exist_ok=True)
    specification = {
        "ociVersion": "1.0.2",
        "process": {
            "cwd": "/", "args": ["/usr/bin/python3.13", "-c", "pass"], "env": ["PATH=/usr/bin:/bin"],
            "user": {"uid": 0, "gid": 0}, "noNewPrivileges": True,
        },
        "root": {"path": str(image), "readonly": True},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
        ],
        "linux": {"namespaces": [{"type": kind} for kind in NAMESPACES]},
    }
    (directory / "config.json").write_text(json.dumps(specification))


def measure(program, image, work, count):
    """Milliseconds of each of `count` whole runs; None where the program isn't installed."""
    if not shutil.which(program):
        return None
    directory, state = work / f"bare-{program}", work / f"bare-{program}-state"
    bundle(directory, image)
    state.mkdir(exist_ok=True)
    times = []
    for index in range(count + 1):
        name = f"bench-{os.getpid()}-{index}"
        if program == "crun":
            command = ["unshare", "--mount", "sh", "-c", CRUN, "sh", str(state), str(directory), name]
        else:
            command = [
                "runsc", "--root", str(state), "--platform=systrap", "--network=none", "--ignore-cgroups", "run",
                "--bundle", str(directory), name]
        began = time.perf_counter()
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        took = (time.perf_counter() - began) * 1000
        if result.returncode != 0:
            raise Failure(f"{program} run failed: {result.stderr.strip()}")
        if index > 0:  # The first one reads everything from the disk.
            times.append(took)
    return times
