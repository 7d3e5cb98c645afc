import Glibc

/// Which system calls the filter lets through. The aim is what language runtimes and their libraries use; whatever
/// makes namespaces, touches other processes, keys, the kernel's own configuration, or is a young and large kernel
/// interface is refused even where the kernel would also want a capability for it.
enum SeccompPolicy {
    static func verdict(of name: String) -> SeccompVerdict {
        if allowed.contains(name) { return .allow }
        // glibc falls back to clone, whose flags the filter can read; clone3's lie in memory where it can't.
        return name == "clone3" || absent.contains(name) ? .fail(ENOSYS) : .fail(EPERM)
    }

    /// Calls that are decided by an argument.
    static let conditional: [(name: String, rule: ArgumentRule)] = [
        ("clone", .refuseBits(argument: 0, mask: namespaceFlags, errno: EPERM)),
        ("socket", .allowOnly(argument: 0, values: socketFamilies, errno: EAFNOSUPPORT)),
        ("socketpair", .allowOnly(argument: 0, values: [1], errno: EAFNOSUPPORT)),
        // Querying and the two harmless settings that runtimes use; no READ_IMPLIES_EXEC, no other ABI.
        ("personality", .allowOnly(argument: 0, values: [0, 0x0004_0000, 0xffff_ffff], errno: EPERM)),
        // TIOCSTI and TIOCLINUX put input into a terminal.
        ("ioctl", .refuseValues(argument: 1, values: [0x5412, 0x541c], errno: EPERM)),
        ("prctl", .refuseValues(argument: 0, values: prctlRefused, errno: EPERM)),
    ]

    /// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
    static let namespaceFlags: UInt32 = 0x7e02_0000
    /// AF_UNIX, AF_INET, AF_INET6.
    static let socketFamilies: [UInt32] = [1, 2, 10]
    /// PR_SET_MM and PR_SET_SYSCALL_USER_DISPATCH.
    static let prctlRefused: [UInt32] = [35, 59]

    /// Young calls whose users fall back only on ENOSYS.
    private static let absent: Set<String> = [
        "io_uring_setup", "io_uring_enter", "io_uring_register", "landlock_create_ruleset", "landlock_add_rule",
        "landlock_restrict_self", "memfd_secret", "pidfd_getfd", "process_madvise", "process_mrelease", "map_shadow_stack",
        "statmount", "listmount", "lsm_get_self_attr", "lsm_set_self_attr", "lsm_list_modules", "futex_waitv",
    ]

    private static let allowed = Set(
        (files + directories + memory + processes + signals + time + sockets + waiting + limits + ipc)
            .split(whereSeparator: \.isWhitespace).map(String.init))

    private static let files = """
        read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 open openat openat2 creat close
        close_range lseek dup dup2 dup3 fcntl flock fsync fdatasync sync sync_file_range syncfs truncate ftruncate
        fallocate fadvise64 readahead sendfile copy_file_range splice tee vmsplice pipe pipe2 stat fstat lstat
        newfstatat statx statfs fstatfs access faccessat faccessat2 utime utimes utimensat futimesat cachestat
        getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr setxattr lsetxattr fsetxattr removexattr
        lremovexattr fremovexattr memfd_create inotify_init inotify_init1 inotify_add_watch inotify_rm_watch

        """
    private static let directories = """
        getcwd chdir fchdir mkdir mkdirat rmdir rename renameat renameat2 link linkat unlink unlinkat symlink
        symlinkat readlink readlinkat chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat umask mknod mknodat
        getdents getdents64

        """
    private static let memory = """
        brk mmap munmap mprotect mremap madvise msync mincore mlock mlock2 mlockall munlock munlockall membarrier
        pkey_alloc pkey_free pkey_mprotect get_mempolicy mseal

        """
    private static let processes = """
        fork vfork execve execveat exit exit_group wait4 waitid getpid getppid gettid getpgid getpgrp setpgid getsid
        setsid getuid geteuid getgid getegid getresuid getresgid getgroups setuid setgid setreuid setregid setresuid
        setresgid setfsuid setfsgid setgroups capget capset set_tid_address set_robust_list get_robust_list
        set_thread_area get_thread_area arch_prctl rseq uname sysinfo getrandom getcpu pidfd_open pidfd_send_signal

        """
    private static let signals = """
        kill tkill tgkill rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigqueueinfo
        rt_tgsigqueueinfo rt_sigsuspend sigaltstack signalfd signalfd4 restart_syscall pause alarm

        """
    private static let time = """
        time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep getitimer setitimer times timer_create
        timer_settime timer_gettime timer_getoverrun timer_delete timerfd_create timerfd_settime timerfd_gettime

        """
    private static let sockets = """
        bind listen accept accept4 connect getsockname getpeername getsockopt setsockopt shutdown sendto recvfrom
        sendmsg recvmsg sendmmsg recvmmsg

        """
    private static let waiting = """
        poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait
        epoll_pwait epoll_pwait2 eventfd eventfd2 futex futex_wait futex_wake futex_requeue sched_yield io_setup
        io_destroy io_submit io_cancel io_getevents io_pgetevents

        """
    private static let limits = """
        getrlimit setrlimit prlimit64 getrusage getpriority setpriority sched_getaffinity sched_setaffinity
        sched_getparam sched_setparam sched_getscheduler sched_setscheduler sched_getattr sched_setattr
        sched_get_priority_max sched_get_priority_min sched_rr_get_interval ioprio_get ioprio_set

        """
    private static let ipc = """
        shmget shmat shmdt shmctl semget semop semctl semtimedop msgget msgsnd msgrcv msgctl mq_open mq_unlink
        mq_timedsend mq_timedreceive mq_notify mq_getsetattr

        """
}

/// A verdict that depends on the low word of one argument.
enum ArgumentRule: Sendable {
    case allowOnly(argument: UInt32, values: [UInt32], errno: Int32)
    case refuseValues(argument: UInt32, values: [UInt32], errno: Int32)
    case refuseBits(argument: UInt32, mask: UInt32, errno: Int32)

    /// Always ends with a verdict.
    var instructions: [BPFInstruction] {
        switch self {
        case .allowOnly(let argument, let values, let errno):
            return ArgumentRule.table(argument, values, found: .allow, otherwise: .fail(errno))
        case .refuseValues(let argument, let values, let errno):
            return ArgumentRule.table(argument, values, found: .fail(errno), otherwise: .allow)
        case .refuseBits(let argument, let mask, let errno):
            return [
                .load(SeccompData.argumentLow(argument)), .ifAnyBit(mask), .answer(.fail(errno)), .answer(.allow),
            ]
        }
    }

    private static func table(
        _ argument: UInt32, _ values: [UInt32], found: SeccompVerdict, otherwise: SeccompVerdict
    ) -> [BPFInstruction] {
        [.load(SeccompData.argumentLow(argument))]
            + values.flatMap { [BPFInstruction.ifEqual($0), .answer(found)] } + [.answer(otherwise)]
    }
}
