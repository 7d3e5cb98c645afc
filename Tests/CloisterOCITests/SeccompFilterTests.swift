import CCloisterLinux
import Glibc
import Testing

@testable import CloisterOCI

@Suite struct SeccompFilterTests {
    private let interpreter = BPFInterpreter(program: SeccompFilter.standard.instructions)
    private let numbers = Dictionary(
        uniqueKeysWithValues: (0..<cloister_syscall_count).map {
            let entry = cloister_syscall_at($0)
            return (String(cString: entry.name), entry.number)
        })

    private func verdict(_ name: String, _ arguments: [UInt64] = []) throws -> SeccompVerdict {
        let number = try #require(numbers[name], "this architecture has no \(name)")
        return try interpreter.verdict(number: number, architecture: cloister_audit_architecture, arguments: arguments)
    }

    @Test(arguments: [
        "read", "write", "openat", "mmap", "execve", "exit_group", "futex", "epoll_wait", "accept4", "getrandom",
        "rt_sigreturn", "wait4", "rseq", "prlimit64", "clock_nanosleep", "memfd_create", "statx", "close_range",
    ])
    func runtimesMayCall(_ name: String) throws {
        #expect(try verdict(name) == .allow)
    }

    @Test(arguments: [
        "unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsconfig",
        "fsmount", "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "bpf", "perf_event_open", "userfaultfd",
        "keyctl", "add_key", "request_key", "kexec_load", "init_module", "finit_module", "delete_module", "reboot",
        "swapon", "swapoff", "sethostname", "setdomainname", "settimeofday", "clock_settime", "adjtimex", "syslog", "quotactl", "acct",
        "open_by_handle_at", "name_to_handle_at", "fanotify_init", "iopl", "ioperm", "seccomp", "mount_setattr",
        "move_pages", "migrate_pages", "mbind", "set_mempolicy", "vhangup", "nfsservctl", "lookup_dcookie",
    ])
    func refused(_ name: String) throws {
        guard numbers[name] != nil else { return }  // Not a call of this architecture, so it can't be made at all.
        #expect(try verdict(name) == .fail(EPERM))
    }

    @Test(arguments: ["clone3", "io_uring_setup", "io_uring_enter", "io_uring_register", "pidfd_getfd", "memfd_secret"])
    func absent(_ name: String) throws {
        #expect(try verdict(name) == .fail(ENOSYS))
    }

    @Test func cloneMakesThreadsAndProcessesButNoNamespaces() throws {
        let thread: UInt64 = 0x3d_0f00
        #expect(try verdict("clone", [thread]) == .allow)
        #expect(try verdict("clone", [UInt64(SIGCHLD)]) == .allow)
        for bit in [17, 25, 26, 27, 28, 29, 30] as [UInt64] {
            #expect(try verdict("clone", [thread | 1 << bit]) == .fail(EPERM))
            #expect(try verdict("clone", [1 << bit | 0xffff_ffff_0000_0000]) == .fail(EPERM))
        }
    }

    @Test func socketFamiliesAreThree() throws {
        for family in 0...50 as ClosedRange<UInt64> {
            let expected: SeccompVerdict = [1, 2, 10].contains(family) ? .allow : .fail(EAFNOSUPPORT)
            #expect(try verdict("socket", [family]) == expected)
            #expect(try verdict("socketpair", [family]) == (family == 1 ? .allow : .fail(EAFNOSUPPORT)))
        }
    }

    @Test func argumentsDecide() throws {
        #expect(try verdict("ioctl", [0, 0x5401]) == .allow)
        #expect(try verdict("ioctl", [0, 0x5412]) == .fail(EPERM))
        #expect(try verdict("ioctl", [0, 0xffff_ffff_0000_5412]) == .fail(EPERM))
        #expect(try verdict("personality", [0xffff_ffff]) == .allow)
        #expect(try verdict("personality", [0x0400_0000]) == .fail(EPERM))
        #expect(try verdict("prctl", [15]) == .allow)
        #expect(try verdict("prctl", [35]) == .fail(EPERM))
    }

    @Test func otherArchitecturesAreKilled() throws {
        for architecture in [0, 0x4000_0003, 0x4000_0028] as [UInt32] {
            #expect(try interpreter.verdict(number: 0, architecture: architecture) == .killProcess)
        }
    }

    @Test func unknownAndX32NumbersAreAbsent() throws {
        for number in [0x4000_0000, 0x4000_003b, 5000, 0x3fff_ffff, UInt32.max] {
            let verdict = try interpreter.verdict(number: number, architecture: cloister_audit_architecture)
            #expect(verdict == .fail(ENOSYS))
        }
    }

    @Test func everyNumberGetsWhatThePolicySays() throws {
        let conditional = Set(SeccompPolicy.conditional.map(\.name))
        for (name, number) in numbers where !conditional.contains(name) {
            let verdict = try interpreter.verdict(number: number, architecture: cloister_audit_architecture)
            #expect(verdict == SeccompPolicy.verdict(of: name), "\(name)")
        }
    }

    @Test func theProgramIsWellFormed() {
        let program = SeccompFilter.standard.instructions
        #expect(program.count <= 4096)
        #expect(program.last?.code == 0x06)
        #expect(SeccompFilter.standard.bytes.count == program.count * 8)
        for (index, instruction) in program.enumerated() where ![0x20, 0x06].contains(instruction.code) {
            let farthest = index + 1 + Int(max(instruction.jumpTrue, instruction.jumpFalse))
            #expect(farthest < program.count)
        }
    }
}
