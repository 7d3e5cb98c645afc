import CloisterIsolation
import Foundation
import Glibc
import Testing

@testable import CloisterOCI

extension SandboxTests {
    /// Sandboxes that are started before it is known what will run in them.
    @Suite struct BlankSandboxTests {
        @Test(arguments: OCIRuntime.allCases)
        func codeAndLayersAppearWhereTheyBelong(_ runtime: OCIRuntime) async throws {
            try await withCode(runtime) { bench, blank, contents in
                let probe = SandboxProbe(try await blank.furnish(contents))
                defer { probe.close() }
                try await probe.expect(.ready)
                let script = """
                    cat /var/task/app.py /var/task/deep/er/data /opt/python/layer.py; readlink /var/task/link
                    for place in /var/task /var/task/deep /opt; do touch $place/x 2>/dev/null && echo wrote $place; done
                    (echo x >> /var/task/app.py) 2>/dev/null && echo changed; ls /var/task
                    """
                try await probe.expectOutput("code\ndata\nlayer\napp.py\napp.py\ndeep\nlink\n", of: script)
            }
        }

        @Test(arguments: OCIRuntime.allCases)
        func beforeItIsFurnishedThereIsNothingOfAFunction(_ runtime: OCIRuntime) async throws {
            try await withCode(runtime) { bench, blank, contents in
                // A second one, whose code must not show in the first.
                let other = try await bench.blank()
                let furnished = SandboxProbe(try await other.furnish(contents))
                defer { furnished.close() }
                try await furnished.expect(.ready)
                let empty = bench.scratch + "/nothing"
                try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
                let probe = SandboxProbe(
                    try await blank.furnish(SandboxContents(codeDirectory: empty, layersDirectory: nil, memoryMiB: 128)))
                defer { probe.close() }
                try await probe.expect(.ready)
                try await probe.expectOutput("", of: "ls -A /var/task /opt 2>&1 | grep -v : | grep .; true")
                await furnished.sandbox.destroy()
            }
        }

        @Test(arguments: OCIRuntime.allCases)
        func codeThatIsNotThereIsAnErrorAndNothingIsLeft(_ runtime: OCIRuntime) async throws {
            try await withCode(runtime) { bench, blank, _ in
                let nowhere = SandboxContents(codeDirectory: bench.scratch + "/nowhere", layersDirectory: nil, memoryMiB: 128)
                await #expect(throws: IsolationError.self) { _ = try await blank.furnish(nowhere) }
                await blank.destroy()
                #expect(KernelFile.names(in: bench.backend.directory + "/sandboxes").isEmpty)
                #expect(bench.backend.parent.groups().isEmpty)
                blank.channels.closeAll()
            }
        }

        private func withCode(
            _ runtime: OCIRuntime, _ body: (SandboxBench, any BlankSandbox, SandboxContents) async throws -> Void
        ) async throws {
            let bench = try SandboxBench(runtime)
            let files = FileManager.default
            for (name, text) in ["code/app.py": "code", "code/deep/er/data": "data", "layers/python/layer.py": "layer"] {
                let path = bench.scratch + "/" + name
                try files.createDirectory(
                    atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
                try (text + "\n").write(toFile: path, atomically: true, encoding: .utf8)
            }
            try files.createSymbolicLink(atPath: bench.scratch + "/code/link", withDestinationPath: "app.py")
            let contents = SandboxContents(
                codeDirectory: bench.scratch + "/code", layersDirectory: bench.scratch + "/layers", memoryMiB: 128)
            let blank = try await bench.blank()
            do { try await body(bench, blank, contents) } catch {
                await blank.destroy()
                await bench.end()
                throw error
            }
            await blank.destroy()
            await bench.end()
        }
    }
}

extension SandboxBench {
    func blank() async throws -> any BlankSandbox {
        let wanted = configuration()
        return try await backend.boot(
            BlankConfiguration(
                id: wanted.id, imageDirectory: wanted.imageDirectory, memoryMiB: 64,
                ephemeralStorageMiB: wanted.ephemeralStorageMiB))
    }
}

extension SandboxChannels {
    func closeAll() {
        for descriptor in [runtimeListener, agent, output] { close(descriptor) }
    }
}
