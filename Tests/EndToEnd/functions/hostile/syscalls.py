"""System calls by number (x86-64), for calls that Python has no function for."""

import ctypes
import errno
import platform

NUMBERS = {
    "ptrace": 101, "syslog": 103, "personality": 135, "uselib": 134, "ustat": 136, "sysfs": 139, "vhangup": 153,
    "pivot_root": 155, "adjtimex": 159, "chroot": 161, "acct": 163, "settimeofday": 164, "mount": 165, "umount2": 166,
    "swapon": 167, "swapoff": 168, "reboot": 169, "sethostname": 170, "setdomainname": 171, "iopl": 172, "ioperm": 173,
    "init_module": 175, "delete_module": 176, "quotactl": 179, "lookup_dcookie": 212, "clock_settime": 227,
    "mbind": 237, "set_mempolicy": 238, "kexec_load": 246, "add_key": 248, "request_key": 249, "keyctl": 250,
    "migrate_pages": 256, "unshare": 272, "move_pages": 279, "perf_event_open": 298, "fanotify_init": 300,
    "name_to_handle_at": 303, "open_by_handle_at": 304, "clock_adjtime": 305, "setns": 308, "process_vm_readv": 310,
    "process_vm_writev": 311, "kcmp": 312, "finit_module": 313, "seccomp": 317, "kexec_file_load": 320, "bpf": 321,
    "userfaultfd": 323, "io_uring_setup": 425, "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsmount": 432,
    "fspick": 433, "clone3": 435, "pidfd_getfd": 438, "mount_setattr": 442, "quotactl_fd": 443, "clone": 56,
    "pidfd_open": 434, "modify_ldt": 154,
}
library = ctypes.CDLL(None, use_errno=True)


def call(name, *arguments):
    """Result, and the name of the error (None if there was none)."""
    assert platform.machine() == "x86_64", "the numbers are those of x86-64"
    ctypes.set_errno(0)
    words = [argument if isinstance(argument, (bytes, ctypes.Array)) or argument is None else ctypes.c_long(argument)
             for argument in arguments]
    result = library.syscall(NUMBERS[name], *words)
    if result == -1:
        return result, errno.errorcode.get(ctypes.get_errno(), "?")
    return result, None
