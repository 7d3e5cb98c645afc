import CCloisterLinux
import CloisterCore
import CloisterIsolation
import Foundation
import Glibc
import Testing

@testable import CloisterOCI

extension SandboxTests {
    @Suite struct DestructionTests {
        @Test(arguments: OCIRuntime.allCases)
        func destroyLeavesNothing(_ runtime: OCIRuntime) async throws {
            try await SandboxBench.withTwo(runtime) { bench, first, second in
                let mounts = KernelFile.read("/proc/self/mountinfo")
                try first.startShell("sleep 1000 & sleep 1000 & echo up; exec sleep 1000")
                _ = try await first.text()
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

        @Test(arguments: OCIRuntime.allCases)
        func aDeathIsNoticedAndLeavesNoZombie(_ runtime: OCIRuntime) async throws {
            try await SandboxBench.withTwo(runtime) { bench, first, second in
                let processes = bench.backend.parent.group(first.sandbox.id.rawValue).processes()
                #expect(kill(first.sandbox.processID, SIGKILL) == 0)
                try await first.waitForHangUp()
                await first.sandbox.destroy()
                for pid in processes { #expect(!KernelFile.isDirectory("/proc/\(pid)"), "process \(pid) is left") }
                try await second.expectOutput("alive\n", of: "echo alive")
            }
        }

        @Test(arguments: OCIRuntime.allCases)
        func aFailedStartLeavesNothing(_ runtime: OCIRuntime) async throws {
            let bench = try SandboxBench(runtime)
            var broken = bench.configuration()
            broken.codeDirectory = "/nowhere"
            await #expect(throws: IsolationError.self) { try await bench.backend.start(broken) }
            var unfit = bench.configuration()
            unfit.id = .init("../x")
            await #expect(throws: IsolationError.self) { try await bench.backend.start(unfit) }
            #expect(bench.backend.parent.groups().isEmpty)
            #expect(KernelFile.names(in: bench.backend.directory + "/sandboxes").isEmpty)
            await bench.end()
        }

        @Test(arguments: OCIRuntime.allCases)
        func leftoversOfAKilledServerAreFoundAndDestroyed(_ runtime: OCIRuntime) async throws {
            let scratch = try TestHost.scratch()
            let name = runtime.rawValue
            let agent = try TestHost.agent()
            let image = try TestHost.image()
            // The killed server's sandboxes go to the machine's init process, as they would outside a test.
            _ = cloister_set_subreaper(0)
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [name = name as String, scratch = scratch as String, agent = agent as String, image = image as String] in
                let runtime = try #require(OCIRuntime(rawValue: name))
                let backend = try OCIBackend(runtime: runtime, stateDirectory: scratch + "/state", agentProgram: agent)
                for _ in 0..<2 {
                    let probe = SandboxProbe(
                        try await backend.start(
                            SandboxConfiguration(
                                id: SandboxBench.identifier(), imageDirectory: image, codeDirectory: scratch + "/code",
                                memoryMiB: 128, ephemeralStorageMiB: 16)))
                    try await probe.expect(.ready)
                    try probe.startShell("sleep 1000 & echo up; exec sleep 1000")
                    _ = try await probe.text()
                }
                kill(getpid(), SIGKILL)
            }
            let backend = try OCIBackend(runtime: runtime, stateDirectory: scratch + "/state", agentProgram: agent)
            let groups = backend.parent.groups()
            #expect(groups.count == 2)
            let processes = groups.flatMap { backend.parent.group($0).processes() }
            let destroyed = try await backend.destroyLeftovers()
            #expect(destroyed == 2)
            for pid in processes { #expect(!TestHost.isRunning(pid), "process \(pid) is left") }
            #expect(backend.parent.groups().isEmpty)
            #expect(KernelFile.names(in: backend.directory + "/sandboxes").isEmpty)
            #expect(TestHost.disks(in: backend.directory, mebibytes: 16) == 0)
            let destroyedAgain = try await backend.destroyLeftovers()
            #expect(destroyedAgain == 0)
            backend.parent.remove()
            KernelFile.removeTree(scratch)
        }

        @Test func twoServersCannotShareAStateDirectory() throws {
            let bench = try SandboxBench(.crun)
            defer { KernelFile.removeTree(bench.scratch) }
            #expect(throws: IsolationError.self) {
                try OCIBackend(runtime: .crun, stateDirectory: bench.scratch + "/state", agentProgram: try TestHost.agent())
            }
            bench.backend.parent.remove()
        }

        @Test(arguments: OCIRuntime.allCases)
        func theSelfTestPasses(_ runtime: OCIRuntime) async throws {
            let report = await OCISelfTest(runtime: runtime, agentProgram: try TestHost.agent()).run()
            #expect(report.works, "\(report.reason ?? "")")
            #expect(report.checks.map(\.name) == ["user", "program", "cgroups", "environment", "temporary files"])
        }

        @Test func theSelfTestSaysWhatToInstall() async throws {
            let report = await OCISelfTest(
                runtime: .crun, program: "/nowhere/crun", agentProgram: try TestHost.agent()
            ).run()
            #expect(!report.works)
            #expect(report.remedy?.contains("apt install crun") == true)
        }
    }
}
