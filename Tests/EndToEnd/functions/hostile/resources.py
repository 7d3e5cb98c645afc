"""Using up what is shared: processes, memory, disk, output, processor, descriptors."""

import os
import socket
import threading
import time


def try_fork_bomb(event, findings):
    children = []
    try:
        while len(children) < 5000:
            pid = os.fork()
            if pid == 0:
                time.sleep(20)
                os._exit(0)
            children.append(pid)
        findings.breach(f"{len(children)} processes")
    except OSError as error:
        findings.note(f"{len(children)} processes, then {error.strerror}")


def try_exponential_fork_bomb(event, findings):
    end = time.time() + 2
    while time.time() < end:
        try:
            os.fork()
        except OSError:
            pass


def try_thread_bomb(event, findings):
    count = 0
    try:
        while count < 5000:
            threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
            count += 1
        findings.breach(f"{count} threads")
    except (RuntimeError, OSError, MemoryError):
        findings.note(f"{count} threads")


def try_memory_bomb(event, findings):
    blocks = []
    while True:
        blocks.append(bytearray(os.urandom(1 << 16)) * 160)
        if len(blocks) > 400:
            findings.breach("4 GiB of memory")
            return


def try_memory_bomb_in_children(event, findings):
    for _ in range(8):
        if os.fork() == 0:
            try_memory_bomb(event, findings)
            time.sleep(30)
            os._exit(0)
    time.sleep(3)


def try_memory_bomb_in_files(event, findings):
    """Memory files and shared memory count as memory."""
    written, files = 0, []
    part = os.urandom(1 << 20)
    while written < 4 << 30:
        descriptor = os.memfd_create("x")
        files.append(descriptor)
        for _ in range(64):
            written += os.write(descriptor, part)
    findings.breach(f"{written >> 20} MiB in memory files")


def try_fill_the_disk(event, findings):
    part = b"x" * (1 << 20)
    written = 0
    try:
        with open("/tmp/fill", "wb", buffering=0) as file:
            while written < 2 << 30:
                written += file.write(part)
        findings.breach(f"{written >> 20} MiB in /tmp")
    except OSError as error:
        findings.note(f"{written >> 20} MiB, then {error.strerror}")
        # A little more than was asked for is the file system's own need.
        if written > 528 << 20:
            findings.breach(f"{written >> 20} MiB in /tmp of 512")
    finally:
        if os.path.exists("/tmp/fill"):
            os.unlink("/tmp/fill")
    for folder in ("/dev/shm", "/dev", "/dev/mqueue", "/run", "/var/tmp"):
        written = 0
        try:
            with open(f"{folder}/fill", "wb", buffering=0) as file:
                while written < 128 << 20:
                    written += file.write(part)
            findings.breach(f"{written >> 20} MiB in {folder}")
        except OSError:
            findings.note(f"{folder}: {written >> 20} MiB")
        finally:
            if os.path.exists(f"{folder}/fill"):
                os.unlink(f"{folder}/fill")


def try_use_up_inodes(event, findings):
    count = 0
    end = time.time() + 2
    os.makedirs("/tmp/inodes", exist_ok=True)
    try:
        while time.time() < end:
            os.close(os.open(f"/tmp/inodes/{count}", os.O_CREAT | os.O_WRONLY))
            count += 1
    except OSError as error:
        findings.note(error)
    findings.note(f"{count} files")
    for number in range(count):
        os.unlink(f"/tmp/inodes/{number}")


def try_flood_the_log(event, findings):
    line = b"x" * 65535 + b"\n"
    end = time.time() + 2
    written = 0
    while time.time() < end and written < 4 << 30:
        written += os.write(1, line)
    findings.note(f"{written >> 20} MiB written")


def try_flood_the_log_with_short_lines(event, findings):
    block = b"\n" * 65536
    end = time.time() + 2
    written = 0
    while time.time() < end:
        written += os.write(1, block)
    findings.note(f"{written >> 20} Mi lines written")


def try_flood_the_log_with_one_line(event, findings):
    block = b"y" * (1 << 20)
    for _ in range(64):
        os.write(1, block)


def try_use_all_processors(event, findings):
    end = time.time() + 2
    for _ in range(16):
        if os.fork() == 0:
            while time.time() < end:
                pass
            os._exit(0)
    while time.time() < end:
        pass


def try_use_up_descriptors(event, findings):
    descriptors = []
    try:
        while len(descriptors) < 100_000:
            descriptors.append(os.open("/dev/null", os.O_RDONLY))
        findings.breach("100,000 descriptors")
    except OSError as error:
        findings.note(f"{len(descriptors)}: {error.strerror}")
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def try_use_up_socket_buffers(event, findings):
    pairs, sent = [], 0
    try:
        while len(pairs) < 400:
            left, right = socket.socketpair()
            left.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 << 20)
            left.setblocking(False)
            pairs.append((left, right))
            try:
                while True:
                    sent += left.send(b"z" * 65536)
            except BlockingIOError:
                pass
    except OSError as error:
        findings.note(error)
    findings.note(f"{sent >> 20} MiB in buffers")
    if sent > 2 << 30:
        findings.breach(f"{sent >> 20} MiB of kernel memory")
