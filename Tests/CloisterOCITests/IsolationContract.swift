import CloisterCore
import CloisterIsolation
import Foundation
import Glibc
import Testing

/// What every backend promises, always with two sandboxes side by side. Each driver's tests run all of it.
enum IsolationContract {
    static func runsAProgramAndReportsItsEnd(_ first: SandboxProbe, _ second: SandboxProbe) async throws {
        let one = try await first.runShell("id -u; pwd; read line; echo \"$line.\"; (exit 3)")
        #expect(one.output == "993\n/var/task\n.\n")
        #expect(one.status == 3 << 8)
        try await second.expectOutput("alive\n", of: "echo alive")
    }

    static func reportsASignalAndAProgramThatIsNotThere(_ first: SandboxProbe, _ second: SandboxProbe) async throws {
        try first.startShell("kill -KILL $$")
        try await first.expect(.exited(waitStatus: SIGKILL))
        try second.tell(.start(arguments: ["/nowhere"], environment: []))
        try await second.expect(.startFailed(errno: ENOENT))
        try await second.expectOutput("alive\n", of: "echo alive")
    }

    static func temporaryFilesAreOnesOwnAndOutliveAStop(_ first: SandboxProbe, _ second: SandboxProbe) async throws {
        try first.startShell("echo secret > /tmp/mine; sleep 1000 & echo started; sleep 1000")
        _ = try await first.text()
        try first.tell(.stop)
        try await first.expect(.stopped)
        let after = try await first.runShell("cat /tmp/mine; cat /proc/[0-9]*/comm | grep -c sleep; true")
        #expect(after.output == "secret\n0\n")
        try await second.expectOutput("", of: "ls -A /tmp; ls -A /dev/shm")
    }

    static func onlyTemporaryFilesCanBeWritten(_ first: SandboxProbe, _ second: SandboxProbe) async throws {
        let script = """
            for place in / /var/task /opt /etc /dev /proc /var/runtime /usr/bin
            do touch $place/mark 2>/dev/null && echo "wrote $place"; done
            (echo x >> /var/runtime/cloister-agent) 2>/dev/null && echo "changed the agent"
            touch /tmp/mark && echo tmp
            """
        for probe in [first, second] { try await probe.expectOutput("tmp\n", of: script) }
    }

    static func seesNoOtherProcessAndNoNetwork(_ first: SandboxProbe, _ second: SandboxProbe) async throws {
        try first.startShell("echo up; exec sleep 1000")
        _ = try await first.text()
        let script = "cat /proc/[0-9]*/comm | grep -c sleep; tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '; true"
        try await second.expectOutput("0\nlo\n", of: script)
    }

    static func theListenerIsInsideAndOnlyThere(_ first: SandboxProbe, _ second: SandboxProbe) async throws {
        let call = """
            import socket
            s = socket.create_connection(('127.0.0.1', 9001)); s.sendall(b'NAME'); print(s.recv(9).decode())
            """
        for (probe, name) in [(first, "first"), (second, "second")] {
            try probe.startShell("python3.13 -c \"\(call.replacing("NAME", with: name))\"")
            let connection = try await accept(probe)
            defer { close(connection) }
            var bytes = [UInt8](repeating: 0, count: 16)
            let count = read(connection, &bytes, bytes.count)
            #expect(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self) == name)
            _ = send(connection, Array("hello".utf8), 5, Int32(MSG_NOSIGNAL))
            let heard = try await probe.text()
        #expect(heard == "hello\n")
        }
    }

    static func accept(_ probe: SandboxProbe) async throws -> Int32 {
        for _ in 0..<12_000 {
            let connection = Glibc.accept(probe.sandbox.channels.runtimeListener, nil, nil)
            if connection >= 0 { return connection }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw SandboxProbe.Silence(description: "nobody connected: \(probe.drain())")
    }

    static func aFrozenSandboxStandsStill(_ first: SandboxProbe, _ second: SandboxProbe) async throws {
        for probe in [first, second] {
            try probe.startShell("while :; do echo tick; sleep 0.01; done")
            _ = try await probe.text()
        }
        first.sandbox.freeze()
        first.sandbox.freeze()
        try await Task.sleep(for: .milliseconds(200))
        while !first.drain().isEmpty {}
        for _ in 0..<20 { _ = try await second.text() }
        #expect(first.drain() == "")
        first.sandbox.thaw()
        let heard = try await first.text()
        #expect(heard.contains("tick"))
    }

    /// With 128 MiB of memory and 512 of temporary files, which give no memory: they are on a disk.
    static func tooMuchMemoryIsKilledAndCounted(_ first: SandboxProbe, _ second: SandboxProbe) async throws {
        #expect(first.sandbox.memory().outOfMemoryKills == 0)
        try first.startShell("exec python3.13 -c \"x=[]\nwhile True: x.append(b'1' * (1 << 20))\"")
        // Under gVisor the kernel may kill the application's memory or gVisor's own kernel.
        let status = try await first.exitOrHangUp()
        if first.sandbox.level != .gvisor { #expect(status == SIGKILL) }
        #expect(status != 0)
        #expect(first.sandbox.memory().outOfMemoryKills >= 1)
        let limit = (128 + (first.sandbox.level == .gvisor ? 64 : 16)) << 20
        // The kernel may go over it by a few pages.
        #expect((128 << 20...(limit + 1 << 20)).contains(first.sandbox.memory().peakBytes))
        #expect(second.sandbox.memory().outOfMemoryKills == 0)
        try await second.expectOutput("alive\n", of: "echo alive")
    }

    static func theCPULimitCanBeSetWhileItRuns(_ first: SandboxProbe, _ second: SandboxProbe) async throws {
        first.sandbox.applyCPULimit()
        first.sandbox.applyCPULimit()
        for probe in [first, second] { try await probe.expectOutput("alive\n", of: "echo alive") }
    }

    static func theChannelsAreNotInheritedAndDoNotBlock(_ first: SandboxProbe, _ second: SandboxProbe) async throws {
        for probe in [first, second] {
            let channels = probe.sandbox.channels
            for descriptor in [channels.agent, channels.output, channels.runtimeListener] {
                #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
                #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0)
            }
        }
    }
}
