import CloisterCore
import CloisterIsolation
import CloisterOCI
import Foundation
import Glibc
import Testing

@testable import CloisterMicroVM

extension MachineTests {
    @Suite struct SnapshotTests {
        /// A runtime at rest, as Lambda's: it has drawn random numbers, written a file, and asked for what comes next; what it
        /// is answered, it runs.
        private static let runtime = """
            import os, random, socket, time
            random.seed(); mine = os.urandom(8)
            open('/tmp/mine', 'w').write('of the snapshot')
            s = socket.create_connection(('127.0.0.1', 9001))
            while True:
                s.sendall(b'next\\n')
                line = s.makefile().readline()
                if not line: break
                exec(line); print('', end='', flush=True)
            """

        @Test func clonesAreAlikeButForTimeAndChance() async throws {
            try await MachineBench.with { bench in
                let snapshot = try await SnapshotTests.take(bench)
                #expect(snapshot.memoryBytes > 16 << 20)
                var clones: [Clone] = []
                for _ in 0..<2 {
                    clones.append(try await Clone(bench, try await bench.backend.restore(snapshot, as: MachineBench.identifier())))
                }
                // What it had asked arrives anew, and what it knew is there.
                for clone in clones {
                    #expect(try await clone.run("print(open('/tmp/mine').read())") == "of the snapshot\n")
                }
                // Frozen in the snapshot: what a library drew before. The kernel's random numbers are each one's own, and so
                // is the library's once the runtime's hook has seeded it.
                let mine = try await clones.asyncMap { try await $0.run("print(mine)") }
                #expect(mine[0] == mine[1])
                let drawn = try await clones.asyncMap { try await $0.run("print(os.urandom(16).hex())") }
                #expect(drawn[0] != drawn[1])
                for clone in clones { _ = try await clone.run("random.seed(); print('seeded')") }
                let seeded = try await clones.asyncMap { try await $0.run("print(random.random())") }
                #expect(seeded[0] != seeded[1])
                for clone in clones {
                    let text = try await clone.run("print(time.time())").trimmingCharacters(in: .whitespacesAndNewlines)
                    let behind = Date.now.timeIntervalSince1970 - (Double(text) ?? 0)
                    #expect(abs(behind) < 10, "the clock is \(behind) s behind")
                }
                // What one writes, to memory or to its disk, the other never sees, nor a later clone.
                _ = try await clones[0].run("mine = b'changed'; open('/tmp/mine', 'w').write('changed'); print('done')")
                let later = try await Clone(bench, try await bench.backend.restore(snapshot, as: MachineBench.identifier()))
                for clone in [clones[1], later] {
                    #expect(try await clone.run("print(open('/tmp/mine').read(), mine)") == "of the snapshot \(mine[0])")
                }
                #expect(try await clones[0].run("print(open('/tmp/mine').read(), mine)") == "changed b'changed'\n")
            }
        }

        @Test func noCloneCanWriteTheSharedMemory() async throws {
            try await MachineBench.with { bench in
                let snapshot = try await SnapshotTests.take(bench)
                let byte: [UInt8] = [1]
                #expect(pwrite(snapshot.memory, byte, 1, 0) == -1 && errno == EPERM)
                #expect(mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, snapshot.memory, 0) == MAP_FAILED)
                #expect(ftruncate(snapshot.memory, 0) == -1)
            }
        }

        @Test func aCloneIsASandboxLikeAnyOther() async throws {
            try await MachineBench.with { bench in
                let snapshot = try await SnapshotTests.take(bench)
                let probe = bench.adopt(try await bench.backend.restore(snapshot, as: MachineBench.identifier()))
                try probe.tell(.stop)
                try await probe.expect(.stopped)
                try await probe.expectOutput("alive\n", of: "echo alive")
                let other = bench.configuration()
                let plain = bench.adopt(try await bench.backend.start(other))
                await #expect(throws: IsolationError.self) { _ = try await bench.backend.snapshot(plain.sandbox) }
            }
        }

        /// Boots a machine, starts the runtime, and takes a snapshot when it has asked for what comes next.
        private static func take(_ bench: MachineBench) async throws -> MicroVMSnapshot {
            try Data(runtime.utf8).write(to: URL(fileURLWithPath: bench.scratch + "/code/runtime.py"))
            let probe = bench.adopt(try await bench.backend.startForSnapshot(bench.configuration()))
            try await probe.expect(.ready)
            try probe.startShell("exec python3.13 /var/task/runtime.py")
            let connection = try await IsolationContract.accept(probe)
            defer { close(connection) }
            _ = try await Clone.line(connection)
            return try await bench.backend.snapshot(probe.sandbox)
        }
    }
}

/// A restored machine whose runtime has asked anew.
private final class Clone {
    private let probe: SandboxProbe
    private let connection: Int32

    init(_ bench: MachineBench, _ sandbox: any Sandbox) async throws {
        probe = bench.adopt(sandbox)
        connection = try await IsolationContract.accept(probe)
        let asked = try await Clone.line(connection)
        #expect(asked == "next\n")
    }

    deinit { close(connection) }

    /// What the runtime prints when it runs the line.
    func run(_ line: String) async throws -> String {
        let bytes = Array((line + "\n").utf8)
        _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        let printed = try await probe.text()
        _ = try await Clone.line(connection)
        return printed
    }

    static func line(_ connection: Int32) async throws -> String {
        var bytes = [UInt8](repeating: 0, count: 256)
        for _ in 0..<24_000 {
            let count = recv(connection, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            if count > 0 { return String(decoding: bytes[..<count], as: UTF8.self) }
            if count == 0 { break }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw SandboxProbe.Silence(description: "the runtime asked nothing")
    }
}

extension Array {
    fileprivate func asyncMap<Value>(_ body: (Element) async throws -> Value) async throws -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}
