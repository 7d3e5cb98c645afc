import CCloisterLinux
import CloisterCore
import CloisterIsolation
import CloisterOCI
import Foundation
import Glibc
import Testing

@testable import CloisterMicroVM

extension MachineTests {
    @Suite struct DestructionTests {
        @Test func destroyLeavesNothing() async throws {
            try await MachineBench.withTwo { bench, first, second in
                let mounts = KernelFile.read("/proc/self/mountinfo")
                let group = bench.backend.parent.group(first.sandbox.id.rawValue)
                let processes = group.processes()
                #expect(!processes.isEmpty)
                first.sandbox.freeze()
                let sandbox = first.sandbox
                async let once: Void = sandbox.destroy()
                async let twice: Void = sandbox.destroy()
                _ = await (once, twice)
                for pid in processes { #expect(!KernelFile.isDirectory("/proc/\(pid)"), "process \(pid) is left") }
                for directory in group.layout.directories(group.name) { #expect(!KernelFile.isDirectory(directory)) }
                #expect(KernelFile.names(in: bench.backend.directory + "/sandboxes") == [second.sandbox.id.rawValue])
                #expect(KernelFile.read("/proc/self/mountinfo") == mounts)
                try await first.waitForHangUp()
                first.sandbox.freeze()
                first.sandbox.thaw()
                try await second.expectOutput("alive\n", of: "echo alive")
            }
        }

        @Test func aDeathIsNoticedAndLeavesNoZombie() async throws {
            try await MachineBench.withTwo { bench, first, second in
                let processes = bench.backend.parent.group(first.sandbox.id.rawValue).processes()
                #expect(kill(first.sandbox.processID, SIGKILL) == 0)
                try await first.waitForHangUp()
                await first.sandbox.destroy()
                for pid in processes { #expect(!KernelFile.isDirectory("/proc/\(pid)"), "process \(pid) is left") }
                try await second.expectOutput("alive\n", of: "echo alive")
            }
        }

        @Test func aFailedStartLeavesNothing() async throws {
            try await MachineBench.with { bench in
                var broken = bench.configuration()
                broken.codeDirectory = "/nowhere"
                await #expect(throws: IsolationError.self) { try await bench.backend.start(broken) }
                var unfit = bench.configuration()
                unfit.id = .init("../x")
                await #expect(throws: IsolationError.self) { try await bench.backend.start(unfit) }
                #expect(bench.backend.parent.groups().isEmpty)
                #expect(KernelFile.names(in: bench.backend.directory + "/sandboxes").isEmpty)
            }
        }

        @Test func leftoversOfAKilledServerAreFoundAndDestroyed() async throws {
            let scratch = try MachineBench.makeScratch()
            let agent = try MachineBench.agent()
            let image = try MachineBench.image()
            // The killed server's machines go to the host's init process, as they would outside a test.
            _ = cloister_set_subreaper(0)
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [scratch = scratch as String, agent = agent as String, image = image as String] in
                let backend = try MicroVMBackend(
                    accelerator: .tcg, stateDirectory: scratch + "/state", agentProgram: agent)
                for _ in 0..<2 {
                    _ = try await backend.start(
                        SandboxConfiguration(
                            id: MachineBench.identifier(), imageDirectory: image, codeDirectory: scratch + "/code",
                            memoryMiB: 128, ephemeralStorageMiB: 16))
                }
                kill(getpid(), SIGKILL)
            }
            let backend = try MicroVMBackend(
                accelerator: .tcg, stateDirectory: scratch + "/state", agentProgram: agent)
            let groups = backend.parent.groups()
            #expect(groups.count == 2)
            let processes = groups.flatMap { backend.parent.group($0).processes() }
            let destroyed = try await backend.destroyLeftovers()
            #expect(destroyed == 2)
            for pid in processes { #expect(kill(pid, 0) != 0 || isZombie(pid), "process \(pid) is left") }
            #expect(backend.parent.groups().isEmpty)
            #expect(KernelFile.names(in: backend.directory + "/sandboxes").isEmpty)
            backend.parent.remove()
            KernelFile.removeDeepTree(scratch)
        }

        private func isZombie(_ pid: pid_t) -> Bool {
            let text = KernelFile.read("/proc/\(pid)/stat") ?? ""
            return text.lastIndex(of: ")").map { text[$0...].hasPrefix(") Z") } ?? true
        }
    }
}
