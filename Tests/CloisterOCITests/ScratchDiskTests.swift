import CloisterCore
import CloisterIsolation
import Foundation
import Glibc
import Testing

@testable import CloisterOCI

extension SandboxTests {
    @Suite struct ScratchDiskTests {
        @Test(arguments: OCIRuntime.allCases)
        func allOfItsSizeIsForFilesAndTakesNoMemory(_ runtime: OCIRuntime) async throws {
            try await SandboxBench.withTwo(runtime, memoryMiB: 128, storageMiB: 512) { _, first, second in
                first.sandbox.applyCPULimit()
                let script = """
                    for part in 0 1 2 3
                    do head -c 134217728 /dev/zero | tr '\\0' "$part" > /tmp/$part || exit 1; done
                    for part in 0 1 2 3; do tr -d "$part" < /tmp/$part | wc -c; wc -c < /tmp/$part; done
                    rm /tmp/0 /tmp/1 /tmp/2; cp /tmp/3 /tmp/4 && echo again
                    """
                let part = "0\n134217728\n"
                let filled = try await first.runShell(script)
                #expect(filled.output == part + part + part + part + "again\n")
                #expect(filled.status == 0)
                #expect(first.sandbox.memory().outOfMemoryKills == 0)
                try await second.expectOutput("", of: "ls -A /tmp")
            }
        }

        @Test(arguments: OCIRuntime.allCases)
        func itHasAnEnd(_ runtime: OCIRuntime) async throws {
            try await SandboxBench.withTwo(runtime, memoryMiB: 128, storageMiB: 32) { _, first, second in
                let script = "head -c 60000000 /dev/zero > /tmp/a 2>/dev/null && echo fits; wc -c < /tmp/a"
                let written = try await first.runShell(script).output
                let bytes = try #require(Int(written.split(separator: "\n").joined()))
                #expect((32 << 20...40 << 20).contains(bytes))
                try await second.expectOutput("alive\n", of: "echo alive > /tmp/a; cat /tmp/a")
            }
        }

        @Test(arguments: OCIRuntime.allCases)
        func programsRunFromIt(_ runtime: OCIRuntime) async throws {
            try await SandboxBench.withTwo(runtime) { _, first, second in
                let script = """
                    stat -c '%a %U %F' /tmp | sed 's/directory/d/'; cp /bin/echo /tmp/e; /tmp/e run
                    mkdir /tmp/d; ln -s d /tmp/l; echo x > /tmp/l/f; mv /tmp/d/f /tmp/g; ls /tmp
                    (mknod /tmp/null c 1 3) 2>/dev/null && echo device; true
                    """
                for probe in [first, second] {
                    try await probe.expectOutput("1777 root d\nrun\nd\ne\ng\nl\n", of: script)
                }
            }
        }

        @Test(arguments: OCIRuntime.allCases)
        func nothingOfItIsLeft(_ runtime: OCIRuntime) async throws {
            let bench = try SandboxBench(runtime)
            let probe = try await bench.start(storageMiB: 517)
            let directory = bench.backend.directory
            #expect(TestHost.disks(in: directory, mebibytes: 517) >= 1)
            try await probe.expectOutput("done\n", of: "head -c 100000000 /dev/zero > /tmp/x; echo done")
            await probe.sandbox.destroy()
            probe.close()
            let disks = try #require(bench.backend.disks)
            // Others of this size may be made ready meanwhile.
            for _ in 0..<1000 where TestHost.disks(in: directory, mebibytes: 517) > 0 {
                disks.dropReady()
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(TestHost.disks(in: directory, mebibytes: 517) == 0)
            let scratch = bench.scratch
            await bench.end()
            #expect(!FileManager.default.fileExists(atPath: scratch))
        }

        @Test func templatesAndReadyDisksAreBounded() throws {
            let scratch = try TestHost.scratch()
            defer { KernelFile.removeTree(scratch) }
            let disks = try ScratchDisks(directory: scratch)
            for size in 1...(ScratchDisks.sizesMax + 2) {
                _ = try disks.take(size)
                disks.refill(size)
                disks.refill(size)
            }
            #expect(disks.readyCount == ScratchDisks.sizesMax * ScratchDisks.readyMax)
            let before = disks.readyCount
            _ = try disks.take(ScratchDisks.sizesMax + 2)
            #expect(disks.readyCount == before - 1)
        }

        @Test(arguments: OCIRuntime.allCases)
        func whereThereIsNoDiskTemporaryFilesAreMemory(_ runtime: OCIRuntime) async throws {
            let scratch = try TestHost.scratch()
            try #require(mount("tmpfs", scratch, "tmpfs", 0, "mode=700") == 0)
            defer {
                umount2(scratch, Int32(MNT_DETACH))
                KernelFile.removeTree(scratch)
            }
            try FileManager.default.createDirectory(atPath: scratch + "/code", withIntermediateDirectories: true)
            let backend = try OCIBackend(
                runtime: runtime, stateDirectory: scratch + "/state", agentProgram: try TestHost.agent())
            defer { backend.parent.remove() }
            #expect(backend.disksLacking?.contains("memory") == true)
            let probe = SandboxProbe(
                try await backend.start(
                    SandboxConfiguration(
                        id: SandboxBench.identifier(), imageDirectory: try TestHost.image(),
                        codeDirectory: scratch + "/code", memoryMiB: 128, ephemeralStorageMiB: 100)))
            do {
                try await probe.expect(.ready)
                try await probe.expectOutput("90000000\n", of: "head -c 90000000 /dev/zero > /tmp/x; wc -c < /tmp/x")
                #expect(probe.sandbox.memory().currentBytes > 90_000_000)
            } catch {
                Issue.record(error)
            }
            await probe.sandbox.destroy()
            probe.close()
            let report = await OCISelfTest(
                runtime: runtime, agentProgram: try TestHost.agent(), directory: scratch
            ).run()
            #expect(report.works)
            #expect(report.checks.last?.detail.contains("files in /tmp count as memory") == true)
        }
    }
}
