import CloisterCore
import CloisterIsolation
import CloisterOCI
import Foundation
import Glibc
import Testing

@testable import CloisterMicroVM

extension MachineTests {
    /// What holds beyond the contract: inside the guest, around the monitor, and in time.
    @Suite struct GuestIsolationTests {
        @Test func whatRunsInsideHasNoPrivilege() async throws {
            try await MachineBench.withTwo { _, first, second in
                let script = """
                    grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr -s '\\t ' ' '
                    ls /dev | tr '\\n' ' '; echo
                    for file in /proc/kcore /proc/sysrq-trigger /dev/vda /proc/1/environ /proc/1/root/init
                    do head -c1 $file >/dev/null 2>&1 && echo "read $file"; done
                    ls /proc | grep -c '^[0-9]'; kill -0 1 2>/dev/null && echo reached; nproc
                    """
                let wanted = "CapBnd: 0000000000000000\nCapEff: 0000000000000000\nNoNewPrivs: 1\nSeccomp: 2\n"
                let output = try await first.runShell(script).output
                let lines = output.split(separator: "\n").map(String.init)
                #expect(Set(lines.prefix(4)) == Set(wanted.split(separator: "\n").map(String.init)))
                #expect(lines[4] == "fd full null random shm stderr stdin stdout tty urandom zero ")
                #expect(!output.contains("read ") && !output.contains("reached"))
                #expect(lines.last == "1")
                try await second.expectOutput("alive\n", of: "echo alive")
            }
        }

        @Test func theMonitorIsConfined() async throws {
            try await MachineBench.withTwo { _, first, second in
                for probe in [first, second] {
                    let pid = probe.sandbox.processID
                    let status = KernelFile.read("/proc/\(pid)/status") ?? ""
                    for line in ["CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
                        #expect(status.contains(line), "\(line) in \(status)")
                    }
                    for namespace in ["pid", "net", "ipc", "uts", "mnt"] {
                        let theirs = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/ns/\(namespace)")
                        let ours = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/\(namespace)")
                        #expect(theirs != ours)
                    }
                    let root = Set(KernelFile.names(in: "/proc/\(pid)/root"))
                    #expect(root == ["usr", "lib", "lib64", "kernel", "initrd", "root", "code", "own", "proc", "empty"])
                    #expect(KernelFile.names(in: "/proc/\(pid)/root/empty").isEmpty)
                }
                let users = [first, second].map { user(of: $0.sandbox.processID) }
                #expect(users[0] != users[1] && users.allSatisfy { $0 >= 100_000 })
            }
        }

        private func user(of pid: Int32) -> UInt32 {
            var status = stat()
            return stat("/proc/\(pid)", &status) == 0 ? status.st_uid : 0
        }

        @Test func theClockIsRightAtTheStartAndAfterAThaw() async throws {
            try await MachineBench.withTwo { _, first, second in
                for probe in [first, second] { try await expectRightClock(probe) }
                first.sandbox.freeze()
                try await Task.sleep(for: .seconds(2))
                first.sandbox.thaw()
                try await expectRightClock(first)
            }
        }

        /// Within what passes between the two looks at a clock.
        private func expectRightClock(_ probe: SandboxProbe) async throws {
            let before = Date.now.timeIntervalSince1970
            let text = try await probe.runShell("date +%s.%N").output
            let after = Date.now.timeIntervalSince1970
            let inside = try #require(Double(text.trimmingCharacters(in: .whitespacesAndNewlines)))
            #expect(inside >= before - 0.25 && inside <= after + 0.25, "\(inside) is not in \(before)...\(after)")
        }

        @Test func machinesDrawDifferentRandomBytes() async throws {
            try await MachineBench.withTwo { _, first, second in
                let script = "head -c16 /dev/urandom | od -An -tx1"
                let one = try await first.runShell(script).output
                let two = try await second.runShell(script).output
                #expect(one != two && one.count > 32)
            }
        }

        @Test func muchOutputComesWholeAndInOrder() async throws {
            try await MachineBench.withTwo { _, first, second in
                let output = try await first.runShell("seq 1 60000").output
                #expect(output == (1...60_000).map { "\($0)\n" }.joined())
                try await second.expectOutput("alive\n", of: "echo alive")
            }
        }

        @Test func temporaryFilesAreLimited() async throws {
            try await MachineBench.withTwo(storageMiB: 16) { _, first, second in
                let script = "head -c 15000000 /dev/zero > /tmp/a && echo fits; head -c 30000000 /dev/zero > /tmp/b || echo full"
                let output = try await first.runShell(script + " 2>/dev/null").output
                #expect(output.contains("fits\n") && output.contains("full\n"))
                try await second.expectOutput("0\n", of: "ls -A /tmp | wc -l")
            }
        }
    }
}
