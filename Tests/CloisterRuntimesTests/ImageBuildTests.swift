import Foundation
import Testing

@testable import CloisterRuntimes

@Suite struct ImageBuildTests {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path

    @Test func theMirrorIsTheHostsOwn() {
        let targets = """
            http://mirror.example/debian/|bookworm-backports|main|Debian Backports
            http://mirror.example/debian/|bookworm|contrib|Debian
            http://vendor.example/apt/|stable|main|Vendor
            http://mirror.example/debian/|bookworm|main|Debian
            http://mirror.example/security/|bookworm-security|main|Debian-Security
            """
        let mirror = DebianMirror(targets: targets)
        #expect(mirror == DebianMirror(
            archive: "http://mirror.example/debian/", security: "http://mirror.example/security/"))
        #expect(mirror?.sources(suite: "trixie") == [
            "deb http://mirror.example/debian/ trixie main", "deb http://mirror.example/security/ trixie-security main",
        ])
    }

    @Test func aHostWithoutAMirrorHasNone() {
        #expect(DebianMirror(targets: "") == nil)
        #expect(DebianMirror(targets: "http://vendor.example/apt/|stable|main|Vendor") == nil)
    }

    @Test func buildsGetNothingOfTheServersSecrets() {
        let made = BuildEnvironment.make(from: [
            "AWS_SECRET_ACCESS_KEY": "x", "PATH": "/bin", "https_proxy": "http://proxy", "PIP_CERT": "/c",
        ])
        #expect(made["AWS_SECRET_ACCESS_KEY"] == nil)
        #expect(made["https_proxy"] == "http://proxy")
        #expect(made["PIP_CERT"] == "/c")
    }

    @Test func errorsSayWhatToInstall() {
        let text = RuntimeImageError.missingProgram("mmdebstrap", package: "mmdebstrap").description
        #expect(text.contains("apt-get install mmdebstrap"))
        let unsigned = RuntimeImageError.stepFailed(runtime: "r", step: "s", output: "W: NO_PUBKEY 6ED0E7B82643E131")
        #expect(unsigned.description.contains("debian-archive-keyring"))
    }

    @Test func aFailedBuildLeavesNothingBehind() throws {
        try FileTree.makeDirectory(folder)
        defer { try? FileTree.remove(folder) }
        var builder = ImageBuilder(
            definition: RuntimeDefinition.all[0], directory: RuntimesDirectory(option: folder, environment: [:]),
            environment: ["PATH": "/usr/bin:/bin", "CLOISTER_DEBIAN_MIRROR": "file:///nowhere"],
            cancellation: Cancellation(), progress: { _ in })
        #expect(throws: RuntimeImageError.self) { try builder.build() }
        #expect(try FileTree.names(folder).isEmpty)
    }

    @Test func sealingTakesPowersAway() throws {
        defer { try? FileTree.remove(folder) }
        try FileTree.write(Array("x".utf8), to: folder + "/bin/tool", mode: 0o6777)
        try FileTree.link(folder + "/bin/other", to: "tool")
        try FileTree.makeDirectory(folder + "/tmp")
        #expect(chmod(folder + "/tmp", 0o1777) == 0)
        #expect(mkfifo(folder + "/tmp/pipe", 0o666) == 0)
        let content = try ImageRoot(path: folder).seal(timestamp: 1_000)
        #expect(content.size == 1)
        #expect(try mode(folder + "/bin/tool") == 0o755)
        #expect(try mode(folder + "/tmp") == 0o755)
        #expect(!FileTree.exists(folder + "/tmp/pipe"))
        #expect(try ImageRoot(path: folder).seal(timestamp: 2_000) == content)
        try FileTree.write(Array("y".utf8), to: folder + "/bin/tool", mode: 0o755)
        #expect(try ImageRoot(path: folder).seal(timestamp: 1_000) != content)
    }

    @Test func pruningKeepsFoldersThatAPackageListsAndThatAreLinks() throws {
        defer { try? FileTree.remove(folder) }
        let root = ImageRoot(path: folder)
        try root.write("/.\n/bin\n/bin/mount\n/usr\n/usr/bin\n/usr/bin/mount2\n", to: "/var/lib/dpkg/info/mount.list")
        try root.write("x", to: "/usr/bin/mount")
        try root.write("x", to: "/usr/bin/mount2")
        try root.write("x", to: "/usr/bin/sh")
        try FileTree.link(folder + "/bin", to: "usr/bin")
        try root.prune()
        #expect(try FileTree.names(folder + "/bin") == ["sh"])
    }

    @Test func removingStopsAtAnotherFileSystem() throws {
        try FileTree.makeDirectory(folder + "/inner")
        defer { try? FileTree.remove(folder) }
        #expect(try shell("mount -t tmpfs tmpfs \(folder)/inner && touch \(folder)/inner/theirs") == 0)
        #expect(throws: RuntimeImageError.self) { try FileTree.remove(folder) }
        #expect(FileTree.exists(folder + "/inner/theirs"))
        #expect(try shell("umount \(folder)/inner") == 0)
    }

    @Test func whatABuildMountsIsNotOnTheHost() throws {
        try FileTree.makeDirectory(folder)
        defer { try? FileTree.remove(folder) }
        let command = Command(
            arguments: ["sh", "-c", "mount -t tmpfs tmpfs \(folder) && touch \(folder)/inside && ls \(folder)"],
            environment: ["PATH": "/usr/bin:/bin"], cancellation: Cancellation())
        #expect(try command.run()?.tail == ["inside"])
        #expect(try FileTree.names(folder).isEmpty)
    }

    /// On the host itself, unlike `Command`.
    private func shell(_ script: String) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", script]
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }

    @Test func aLockHasOneHolder() throws {
        try FileTree.makeDirectory(folder)
        defer { try? FileTree.remove(folder) }
        let first = try BuildLock(path: folder + "/lock", cancellation: Cancellation())
        let cancelled = Cancellation()
        cancelled.cancel()
        #expect(throws: RuntimeImageError.cancelled) {
            try BuildLock(path: folder + "/lock", cancellation: cancelled)
        }
        first.unlock()
        try BuildLock(path: folder + "/lock", cancellation: cancelled).unlock()
    }

    @Test func commandsTellStatusAndLastLines() throws {
        let command = Command(
            arguments: ["sh", "-c", "echo one; echo two >&2; exit 3"], environment: ["PATH": "/usr/bin:/bin"],
            cancellation: Cancellation())
        let outcome = try #require(try command.run())
        #expect(outcome.status == 3)
        #expect(outcome.tail.sorted() == ["one", "two"])
    }

    @Test func aProgramThatIsNotThereIsNil() throws {
        let command = Command(
            arguments: ["no-such-program"], environment: ["PATH": "/usr/bin:/bin"], cancellation: Cancellation())
        #expect(try command.run() == nil)
    }

    private func mode(_ path: String) throws -> mode_t {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw FileTree.failure(path) }
        return status.st_mode & 0o7777
    }
}
