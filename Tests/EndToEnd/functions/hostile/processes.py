"""Other processes: the agent, the neighbours, oneself as somebody else."""

import ctypes
import os
import resource
import signal
import socket
import struct
import subprocess
import time

import syscalls


def others():
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]


def try_see_other_processes(event, findings):
    for pid in others():
        for name in ("cmdline", "environ", "comm", "status", "cgroup", "mountinfo", "maps", "stack", "wchan"):
            try:
                with open(f"/proc/{pid}/{name}", "rb") as file:
                    findings.take(file.read(65536))
            except OSError:
                pass
    if len(others()) > 20:
        findings.breach(f"{len(others())} processes are seen")


def try_memory_of_the_agent(event, findings):
    for name in ("mem", "maps", "pagemap", "syscall", "auxv"):
        try:
            with open(f"/proc/1/{name}", "rb", buffering=0) as file:
                data = file.read(64) if name != "mem" else b"opened"
            if data and not (event["level"] == "gvisor" and name != "mem"):
                findings.breach(f"/proc/1/{name} of the agent")
        except OSError as error:
            findings.note(f"{name}: {error.strerror}")
    for call, arguments in (("ptrace", (16, 1, 0, 0)), ("ptrace", (0x4206, 1, 0, 0)),
                            ("process_vm_readv", (1, None, 0, None, 0, 0))):
        result, error = syscalls.call(call, *arguments)
        if error is None and not (call == "process_vm_readv" and event["level"] == "gvisor"):
            findings.breach(f"{call} of the agent")
            syscalls.call("ptrace", 17, 1, 0, 0)


def try_socket_of_the_agent(event, findings):
    # 1 and 2 are the output that everything inside shares.
    for name in (0, 3, 4, 5):
        try:
            descriptor = os.open(f"/proc/1/fd/{name}", os.O_RDWR)
            os.write(descriptor, b"\x81\0\0\0\0")
            findings.breach(f"/proc/1/fd/{name} was opened and written to")
        except OSError as error:
            findings.note(f"fd {name}: {error.strerror}")
    handle, _ = syscalls.call("pidfd_open", 1, 0)
    if handle >= 0:
        for name in range(6):
            result, error = syscalls.call("pidfd_getfd", handle, name, 0)
            if error is None:
                findings.breach(f"pidfd_getfd took descriptor {name} of the agent")
    for own in os.listdir("/proc/self/fd"):
        try:
            if "socket" in os.readlink(f"/proc/self/fd/{own}"):
                peer = socket.socket(fileno=os.dup(int(own)))
                if peer.family != socket.AF_UNIX:
                    continue
                peer_pid = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
                # Libraries make pairs of their own.
                if peer_pid != os.getpid():
                    findings.breach(f"a unix socket of somebody else: fd {own}, peer {peer_pid}")
        except OSError:
            pass


def try_kill_the_agent(event, findings):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGSEGV, signal.SIGSTOP, signal.SIGKILL):
        try:
            os.kill(1, number)
        except OSError as error:
            findings.note(error)
    time.sleep(0.2)
    if not os.path.exists("/proc/1"):
        findings.note("the agent is gone")


def try_kill_everything(event, findings):
    try:
        os.kill(-1, signal.SIGKILL)
    except OSError as error:
        findings.note(error)


def try_become_somebody_else(event, findings):
    for call in (lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setgroups([0]), lambda: os.setresuid(0, 0, 0),
                 lambda: os.seteuid(0), lambda: os.setuid(1)):
        try:
            call()
        except OSError:
            pass
    if 0 in (os.getuid(), os.geteuid(), os.getgid(), os.getegid()) or 0 in os.getgroups():
        findings.breach(f"user {os.getresuid()} group {os.getresgid()} {os.getgroups()}")
    header = ctypes.create_string_buffer((0x20080522).to_bytes(4, "little") + bytes(4), 8)
    data = ctypes.create_string_buffer(b"\xff" * 24, 24)
    if syscalls.library.capset(header, data) == 0:
        findings.breach("capset took all capabilities")
    with open("/proc/self/status") as file:
        status = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        if int(status[name], 16) != 0:
            findings.breach(f"{name} is {status[name]}")
    if event["level"] == "container":
        if status.get("NoNewPrivs") != "1":
            findings.breach("NoNewPrivs is not set")
        if status.get("Seccomp") != "2":
            findings.breach("no seccomp filter")


def try_raise_limits_and_priority(event, findings):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit, name in ((resource.RLIMIT_NOFILE, "NOFILE"), (resource.RLIMIT_CORE, "CORE")):
        try:
            resource.setrlimit(limit, (1 << 20, 1 << 20))
            findings.breach(f"RLIMIT_{name} was raised")
        except (OSError, ValueError):
            pass
    for policy in (os.SCHED_FIFO, os.SCHED_RR):
        try:
            os.sched_setscheduler(0, policy, os.sched_param(1))
            findings.breach("real-time scheduling")
        except OSError:
            pass
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -20)
        if event["level"] == "container":
            findings.breach("priority -20")
    except OSError:
        pass


def try_core_dump(event, findings):
    os.chdir("/tmp")
    subprocess.run(["sh", "-c", "ulimit -c unlimited; kill -SEGV $$"], capture_output=True)
    os.chdir("/var/task")
    cores = [name for name in os.listdir("/tmp") if name.startswith("core")]
    if cores:
        findings.note(f"own core dump in own /tmp: {cores}")


def try_outlive_the_invocation(event, findings):
    """A child in a session of its own that ignores signals and goes on after the runtime was reset."""
    if os.fork() == 0:
        os.setsid()
        for number in range(1, 32):
            if number not in (signal.SIGKILL, signal.SIGSTOP):
                signal.signal(number, signal.SIG_IGN)
        if os.fork() == 0:
            while True:
                with open("/tmp/heartbeat", "w") as file:
                    file.write(str(time.time()))
                time.sleep(0.05)
        os._exit(0)
    os._exit(9)


def try_stop_the_runtime(event, findings):
    """A child stops its parent, so that it never answers."""
    parent = os.getpid()
    if os.fork() == 0:
        while True:
            os.kill(parent, signal.SIGSTOP)
            time.sleep(0.01)
    time.sleep(60)


def try_send_descriptors(event, findings):
    root = os.open("/", os.O_RDONLY)
    for family, address in ((socket.AF_INET, ("127.0.0.1", 9001)), (socket.AF_UNIX, event["hostAbstract"])):
        with socket.socket(family) as connection:
            try:
                connection.settimeout(2)
                connection.connect(address)
                socket.send_fds(connection, [b"x"], [root] * 10)
                if family == socket.AF_UNIX:
                    findings.breach("descriptors were sent to the host")
            except OSError as error:
                findings.note(error)
    os.close(root)
