"""The kernel's interfaces."""

import ctypes
import os

import syscalls

# Calls that must not even be looked at by the host's kernel. With these arguments none does anything.
REFUSED = {
    "ptrace": (16, 1, 0, 0), "syslog": (2, None, 0), "uselib": (b"/tmp/x",), "vhangup": (), "pivot_root": (b"/", b"/"),
    "chroot": (b"/",), "acct": (b"/tmp/acct",), "mount": (b"none", b"/tmp", b"tmpfs", 0, None), "umount2": (b"/proc", 2),
    "swapon": (b"/tmp/swap", 0), "swapoff": (b"/tmp/swap",), "reboot": (0, 0, 0, 0), "iopl": (3,), "ioperm": (0, 1, 1),
    "init_module": (None, 0, b""), "delete_module": (b"x", 0), "finit_module": (-1, b"", 0),
    "quotactl": (0, None, 0, None), "kexec_load": (0, 0, None, 0), "kexec_file_load": (-1, -1, 0, b"", 0),
    "add_key": (b"user", b"x", b"y", 1, -3), "request_key": (b"user", b"x", None, -3), "keyctl": (0, -3, 1),
    "migrate_pages": (0, 0, None, None), "move_pages": (0, 0, None, None, None, 0), "mbind": (0, 0, 0, None, 0, 0),
    "perf_event_open": (None, 0, -1, -1, 0), "fanotify_init": (0, 0), "open_by_handle_at": (-1, None, 0),
    "name_to_handle_at": (-100, b"/", None, None, 0), "setns": (-1, 0), "process_vm_readv": (1, None, 0, None, 0, 0),
    "process_vm_writev": (1, None, 0, None, 0, 0), "kcmp": (1, 1, 0, 0, 0), "bpf": (0, None, 0),
    "userfaultfd": (0,), "io_uring_setup": (4, None), "open_tree": (-100, b"/", 1), "move_mount": (-1, b"", -1, b"", 0),
    "fsopen": (b"tmpfs", 0), "fsmount": (-1, 0, 0), "fspick": (-100, b"/", 0), "mount_setattr": (-1, b"", 0, None, 0),
    "lookup_dcookie": (0, None, 0), "modify_ldt": (1, None, 0), "sethostname": (b"evil", 4),
    "setdomainname": (b"evil", 4), "settimeofday": (None, None), "clock_settime": (0, None),
}


# What gVisor's own kernel, which is the sandbox's alone, does for its processes among themselves.
EMULATED = {"keyctl", "mbind", "process_vm_readv", "process_vm_writev"}


def try_system_call(event, findings):
    name = event["call"]
    result, error = syscalls.call(name, *REFUSED[name])
    findings.note(f"{name}: {result} {error}")
    if event["level"] == "container" and error not in ("EPERM", "ENOSYS"):
        findings.breach(f"{name} got past the filter: {result} {error}")
    if error is None and not (event["level"] == "gvisor" and name in EMULATED):
        findings.breach(f"{name} worked")


def attempt_in_child(action):
    """Whether `action` worked, in a process that ends with it."""
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(1 if action() else 0)
        except BaseException:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1


def try_new_namespaces(event, findings):
    flags = {"mount": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000,
             "pid": 0x20000000, "net": 0x40000000, "time": 0x80}
    for name, flag in flags.items():
        if event["level"] == "container":
            if attempt_in_child(lambda: syscalls.call("unshare", flag)[1] is None):
                findings.breach(f"unshare of a {name} namespace")
            # In clone(2) that bit is part of the signal number.
            if name != "time" and attempt_in_child(lambda: syscalls.call("clone", flag | 17, 0, 0, 0, 0)[0] > 0):
                findings.breach(f"clone into a {name} namespace")
            if attempt_in_child(lambda: syscalls.call("unshare", 0x10000000 | flag)[1] is None):
                findings.breach(f"unshare of a user and a {name} namespace")

    def become_root_and_mount():
        syscalls.call("unshare", 0x10000000 | 0x20000)
        with open("/proc/self/setgroups", "w") as file:
            file.write("deny")
        with open("/proc/self/uid_map", "w") as file:
            file.write(f"0 {os.getuid()} 1")
        if syscalls.call("mount", event["hostFile"].encode(), b"/tmp", None, 4096, None)[1] is None:
            return True
        return os.path.exists(event["hostFile"])

    if attempt_in_child(become_root_and_mount):
        findings.breach("a user namespace led to the host's files")


def try_clone3_namespaces(event, findings):
    def clone3():
        arguments = ctypes.create_string_buffer(88)
        ctypes.memmove(arguments, (0x10000000).to_bytes(8, "little"), 8)
        ctypes.memmove(ctypes.addressof(arguments) + 32, (17).to_bytes(8, "little"), 8)
        result, error = syscalls.call("clone3", arguments, 88)
        if result == 0:
            os._exit(0)
        return result > 0

    if event["level"] == "container" and attempt_in_child(clone3):
        findings.breach("clone3 into a user namespace")


def try_enter_namespaces(event, findings):
    for pid in (1, os.getppid()):
        for name in ("mnt", "net", "pid", "user", "ipc", "uts", "cgroup"):
            try:
                descriptor = os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY)
            except OSError:
                continue
            if attempt_in_child(lambda: syscalls.call("setns", descriptor, 0)[1] is None):
                findings.breach(f"setns {pid} {name}")
            os.close(descriptor)
        handle, _ = syscalls.call("pidfd_open", pid, 0)
        if handle >= 0 and attempt_in_child(lambda: syscalls.call("setns", handle, 0x7E020000)[1] is None):
            findings.breach(f"setns by pidfd of {pid}")


def try_mounts(event, findings):
    os.makedirs("/tmp/mnt", exist_ok=True)
    for source, kind, flags, options in (
            (b"none", b"tmpfs", 0, None), (b"proc", b"proc", 0, None), (b"sysfs", b"sysfs", 0, None),
            (b"none", b"cgroup2", 0, None), (b"cgroup", b"cgroup", 0, b"memory"), (b"none", b"debugfs", 0, None),
            (b"/", None, 4096, None), (b"overlay", b"overlay", 0, b"lowerdir=/,upperdir=/tmp,workdir=/tmp"),
            (b"/dev/vda", b"ext4", 0, None), (b"none", b"devtmpfs", 0, None), (b"fuse", b"fuse", 0, b"fd=0")):
        if syscalls.call("mount", source, b"/tmp/mnt", kind, flags, options)[1] is None:
            findings.breach(f"mounted {source} {kind}")
    for target in (b"/", b"/var/task", b"/proc", b"/proc/sys"):
        if syscalls.call("mount", b"none", target, None, 32 | 4096, None)[1] is None:
            findings.breach(f"remounted {target}")
        if syscalls.call("umount2", target, 2)[1] is None:
            findings.breach(f"unmounted {target}")


def try_kernel_settings(event, findings):
    for path, value in (
            ("/proc/sys/kernel/core_pattern", "|/tmp/x"), ("/proc/sys/kernel/hostname", "evil"),
            ("/proc/sys/kernel/modprobe", "/tmp/x"), ("/proc/sys/vm/overcommit_memory", "1"),
            ("/proc/sys/net/ipv4/ip_forward", "1"), ("/proc/sys/fs/binfmt_misc/register", ":x:"),
            ("/proc/sysrq-trigger", "h"), ("/sys/kernel/uevent_helper", "/tmp/x"), ("/sys/power/state", "mem"),
            ("/proc/1/oom_score_adj", "-1000"), ("/proc/self/oom_score_adj", "-1000"),
            ("/proc/self/uid_map", "0 0 1"), ("/proc/self/setgroups", "allow"), ("/proc/self/attr/current", "unconfined"),
            ("/proc/self/timerslack_ns", None)):
        if value is None:
            continue
        try:
            with open(path, "w") as file:
                file.write(value)
            # gVisor's kernel kills no single process for want of memory, so there the score is but a number.
            if not (event["level"] == "gvisor" and path.endswith("oom_score_adj")):
                findings.breach(f"wrote {path}")
        except OSError as error:
            findings.note(f"{path}: {error.strerror}")


def try_read_kernel_secrets(event, findings):
    for path in ("/proc/kcore", "/proc/kmsg", "/proc/keys", "/proc/kallsyms", "/proc/slabinfo", "/proc/sched_debug",
                 "/proc/timer_list", "/proc/vmallocinfo", "/proc/modules", "/proc/config.gz", "/sys/firmware/dmi/tables/DMI",
                 "/sys/kernel/debug", "/sys/kernel/tracing/trace", "/dev/mem", "/dev/kmsg", "/proc/iomem"):
        try:
            if os.path.isdir(path):
                data = b"".join(name.encode() for name in os.listdir(path))
            else:
                with open(path, "rb", buffering=0) as file:
                    os.set_blocking(file.fileno(), False)
                    data = file.read(256) or b""
        except OSError:
            continue
        useful = data.replace(b"0", b"").strip(b"\0 \n")
        if event["level"] == "container" and path not in ("/proc/iomem",) and useful:
            findings.breach(f"{path}: {data[:40]!r}")
        findings.take(data)


def try_cgroups(event, findings):
    for parent, folders, names in os.walk("/sys/fs/cgroup"):
        for name in names:
            if name in ("release_agent", "notify_on_release", "cgroup.procs", "tasks", "memory.limit_in_bytes",
                        "memory.max", "cgroup.freeze", "freezer.state"):
                try:
                    with open(os.path.join(parent, name), "w") as file:
                        file.write("1")
                    findings.breach(f"wrote {parent}/{name}")
                except OSError:
                    pass
    with open("/proc/self/cgroup") as file:
        text = file.read()
    findings.take(text)


def try_clock(event, findings):
    import time
    before = time.time()
    for name in ("clock_settime", "settimeofday", "adjtimex", "clock_adjtime"):
        buffer = ctypes.create_string_buffer(256)
        ctypes.memmove(buffer, (1).to_bytes(8, "little"), 8)
        arguments = {
            "clock_settime": (0, buffer), "settimeofday": (buffer, None), "adjtimex": (buffer,),
            "clock_adjtime": (0, buffer)}[name]
        if syscalls.call(name, *arguments)[1] is None:
            findings.breach(f"{name} worked")
    if abs(time.time() - before) > 3600:
        findings.breach("the clock was set")


def try_host_name(event, findings):
    import socket
    before = socket.gethostname()
    for name in ("sethostname", "setdomainname"):
        if syscalls.call(name, b"evil", 4)[1] is None:
            findings.breach(f"{name} worked")
    if socket.gethostname() != before:
        findings.breach("the host name was changed")
    findings.take(before)
