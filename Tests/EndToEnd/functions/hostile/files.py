"""Reading what is another's, and writing where nothing may be written."""

import os
import stat
import subprocess

import syscalls

WRITABLE = ("/tmp", "/dev/shm", "/proc")


def read(path, limit=65536):
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return os.read(descriptor, limit)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def try_read_every_file_outside_the_image(event, findings):
    for folder in ("/tmp", "/dev", "/run", "/var/tmp", "/var/task", "/opt", "/mnt", "/media", "/srv", "/home", "/root",
                   "/var/lib", "/var/run", "/var/cache"):
        for parent, _, names in os.walk(folder):
            findings.take(parent)
            for name in names[:200]:
                findings.take(os.path.join(parent, name))
                findings.take(read(os.path.join(parent, name)))


def try_read_host_files_through_proc(event, findings):
    for pid in [name for name in os.listdir("/proc") if name.isdigit()] + ["self", "thread-self"]:
        for base in ("root", "cwd", "root/../../..", "root/proc/1/root"):
            for path in (event["hostFile"], "/etc/shadow", "/etc/machine-id"):
                findings.take(read(f"/proc/{pid}/{base}{path}"))
    for name in os.listdir("/proc/self/fd"):
        findings.take(read(f"/proc/self/fd/{name}/../../../../../..{event['hostFile']}"))


def try_climb_out_of_the_root(event, findings):
    up = "../" * 40
    findings.take(read(up + event["hostFile"]))
    os.makedirs("/tmp/climb", exist_ok=True)
    for link, target in (("/tmp/climb/up", up), ("/tmp/climb/proc", "/proc/1/root"), ("/tmp/climb/cwd", "/proc/1/cwd")):
        if not os.path.islink(link):
            os.symlink(target, link)
        findings.take(read(link + event["hostFile"]))
    root = os.open("/", os.O_RDONLY)
    try:
        os.fchdir(root)
        for _ in range(20):
            os.chdir("..")
        findings.take(read("." + event["hostFile"]))
        inside = os.stat("/")
        above = os.stat("..")
        if (inside.st_dev, inside.st_ino) != (above.st_dev, above.st_ino):
            findings.breach("'..' of the root is another folder")
    finally:
        os.close(root)
        os.chdir("/var/task")


def try_chroot_and_climb(event, findings):
    pid = os.fork()
    if pid == 0:
        try:
            os.chroot("/tmp")
            os._exit(1)
        except OSError:
            os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
        findings.breach("chroot worked")


def try_open_by_handle(event, findings):
    """As the container escape `shocker` did."""
    import ctypes
    for inode in (2, 128, 256):
        handle = (8).to_bytes(4, "little") + (1).to_bytes(4, "little") + inode.to_bytes(8, "little")
        for mount in ("/", "/var/task", "/tmp"):
            descriptor = os.open(mount, os.O_RDONLY)
            result, error = syscalls.call("open_by_handle_at", descriptor, ctypes.create_string_buffer(handle), os.O_RDONLY)
            os.close(descriptor)
            if result >= 0:
                findings.breach(f"open_by_handle_at on {mount}: {os.listdir(result)[:5]}")


def try_write_outside_tmp(event, findings):
    for parent, folders, names in os.walk("/"):
        if parent.startswith(WRITABLE):
            folders[:] = []
            continue
        if parent.count("/") > 4:
            folders[:] = []
        path = os.path.join(parent, ".written")
        try:
            with open(path, "w") as file:
                file.write("x")
            findings.breach(f"wrote into {parent}")
            os.unlink(path)
        except OSError:
            pass


def try_change_code_and_runtime(event, findings):
    targets = ["/var/task/app.py", "/var/task", "/var/runtime", "/opt", "/etc/passwd", "/usr/bin/env", "/bin"]
    targets += [f"/var/runtime/{name}" for name in os.listdir("/var/runtime")]
    for target in targets:
        for what, action in (
            ("append to", lambda: open(target, "ab").write(b"\n")),
            ("truncate", lambda: os.truncate(target, 0)),
            ("chmod", lambda: os.chmod(target, 0o777)),
            ("rename", lambda: os.rename(target, target + ".old")),
            ("unlink", lambda: os.unlink(target)),
            ("link over", lambda: os.link("/tmp", target + ".x")),
            ("touch", lambda: os.utime(target)),
            ("chown", lambda: os.chown(target, os.getuid(), os.getgid())),
            ("xattr", lambda: os.setxattr(target, "user.x", b"1")),
        ):
            try:
                action()
                findings.breach(f"{what} {target}")
            except (OSError, IsADirectoryError):
                pass


def try_write_through_proc_self_exe(event, findings):
    """As in CVE-2019-5736: writing to the program that starts sandboxes."""
    for pid in [name for name in os.listdir("/proc") if name.isdigit()] + ["self"]:
        try:
            os.close(os.open(f"/proc/{pid}/exe", os.O_WRONLY))
            findings.breach(f"/proc/{pid}/exe opened for writing")
        except OSError:
            pass


def try_set_user_id_programs(event, findings):
    for name in subprocess.run(
            ["find", "/", "-xdev", "-perm", "/6000", "-type", "f"], capture_output=True, text=True).stdout.split():
        findings.note(f"set-id program in the image: {name}")
    source = open("/usr/bin/id", "rb").read() if os.path.exists("/usr/bin/id") else b"#!/bin/sh\n"
    with open("/tmp/id", "wb") as file:
        file.write(source)
    os.chmod("/tmp/id", 0o6755)
    answer = subprocess.run(["/tmp/id"], capture_output=True, text=True).stdout
    if "uid=0" in answer or "euid=0" in answer:
        findings.breach(f"set-user-id worked: {answer}")


def try_device_files(event, findings):
    for name, major, minor, kind in (
            ("mem", 1, 1, stat.S_IFCHR), ("kmsg", 1, 11, stat.S_IFCHR), ("disk", 254, 0, stat.S_IFBLK),
            ("sda", 8, 0, stat.S_IFBLK), ("kvm", 10, 232, stat.S_IFCHR), ("fuse", 10, 229, stat.S_IFCHR)):
        path = f"/tmp/{name}"
        try:
            os.mknod(path, kind | 0o666, os.makedev(major, minor))
            os.close(os.open(path, os.O_RDWR))
            if not (event["level"] == "gvisor" and name == "fuse"):
                findings.breach(f"device {name} made and opened")
        except OSError as error:
            findings.note(f"{name}: {error}")
    allowed = {"null", "zero", "full", "random", "urandom", "tty", "fd", "stdin", "stdout", "stderr", "shm", "pts",
               "ptmx", "core", "mqueue", "console"}
    if event["level"] == "gvisor":
        # Its own kernel's, not the host's; of no use without mount(2).
        allowed.add("fuse")
    for name in os.listdir("/dev"):
        if name not in allowed:
            findings.breach(f"/dev/{name} is there")


def try_lost_descriptors(event, findings):
    """Descriptors of the platform that a child inherited."""
    for pid in ("self", "1"):
        try:
            names = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            continue
        for name in names:
            try:
                target = os.readlink(f"/proc/{pid}/fd/{name}")
            except OSError:
                continue
            findings.take(target)
            if target.startswith("/") and not target.startswith(("/dev/", "/proc", "/var/task", "/tmp", "/usr", "/")):
                findings.breach(f"fd {name} of {pid}: {target}")
            if pid == "self" and target.startswith("/") and os.path.isdir(f"/proc/self/fd/{name}"):
                if "/proc/" not in target and target not in ("/var/task", "/tmp"):
                    findings.breach(f"an open folder: {target}")


def try_shared_memory_of_the_neighbour(event, findings):
    import ctypes
    library = syscalls.library
    segment = library.shmget(0x5ec4e7, 4096, 0)
    if segment >= 0:
        library.shmat.restype = ctypes.c_void_p
        findings.take(ctypes.string_at(library.shmat(segment, None, 0), 4096))
        findings.breach("the neighbour's shared memory is there")
    for name in os.listdir("/dev/shm"):
        findings.take(read(f"/dev/shm/{name}"))
    for kind in ("msg", "sem", "shm"):
        text = read(f"/proc/sysvipc/{kind}").decode(errors="replace")
        if len(text.splitlines()) > 1:
            findings.breach(f"System V objects of somebody else: {text}")
