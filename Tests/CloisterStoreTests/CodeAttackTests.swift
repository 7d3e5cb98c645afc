import CloisterServiceKit
import CloisterStore
import Foundation
import Testing

/// Archives that someone made to do harm: refused, and nothing of them is left anywhere.
@Suite struct CodeAttackTests {
    let place: StorePlace
    let store: FileCodeStore

    init() throws {
        place = try StoreEngine.sqlite.place()
        store = try FileCodeStore(
            directory: place.directory + "/code",
            limits: CodeLimits(archiveBytesMax: 1 << 20, unpackedBytesMax: 4 << 20, entriesMax: 100))
    }

    @Test(arguments: [
        "../escape", "a/../../escape", "/etc/escape", "..", "a/..", "//escape",
        String(repeating: "a/", count: 65) + "f",
        String(repeating: "n", count: 256), String(repeating: "n/", count: 600) + "f",
    ])
    func pathsThatLeave(name: String) async throws {
        try await expect(.unsafe, ZipWriter.archive([.init(name, "x")]))
    }

    @Test(arguments: [
        "/etc/passwd", "../x", "a/../../x", "", "..", "a/b/../../../x", "here/../../x",
        String(repeating: "a", count: 2_000),
    ])
    func linksThatLeave(target: String) async throws {
        try await expect(.unsafe, ZipWriter.archive([.init("link", target, mode: 0o120777), .init("a/b/f", "x")]))
    }

    @Test func linksThatLeaveThroughOthers() async throws {
        // `up` is the directory itself; through it `up/..` is outside, though the text alone stays inside.
        try await expect(
            .unsafe,
            ZipWriter.archive([
                .init("a/b/up", "../..", mode: 0o120777), .init("link", "a/b/up/../x", mode: 0o120777),
            ]))
    }

    @Test func linksInACircleAreHarmless() async throws {
        let code = try await store.add(
            ZipWriter.archive([.init("a", "b", mode: 0o120777), .init("b", "a", mode: 0o120777)]))
        #expect(FileManager.default.fileExists(atPath: store.directory(of: code.digest)))
    }

    @Test func nothingIsWrittenThroughALink() async throws {
        try await expect(
            .unsafe, ZipWriter.archive([.init("d", "/tmp", mode: 0o120777), .init("d/escape", "x")]))
        try await expect(
            .unsafe, ZipWriter.archive([.init("d/escape", "x"), .init("d", "sub", mode: 0o120777)]))
        try await expect(.unsafe, ZipWriter.archive([.init("d", "x"), .init("d/e", "x")]))
        try await expect(
            .unsafe, ZipWriter.archive([.init("d", "sub", mode: 0o120777), .init("d", "x")]))
    }

    @Test(arguments: [UInt32(0o020666), 0o060660, 0o010644, 0o140755, 0o170000])
    func devicesPipesSockets(mode: UInt32) async throws {
        try await expect(.unsafe, ZipWriter.archive([.init("dev", mode: mode)]))
    }

    @Test func bombs() async throws {
        // Ten thousand to one: announced honestly, then not.
        let script = """
            import sys, zipfile
            with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as z: z.writestr('zeros', bytes(8 << 20))
            """
        var archive = try zip(script)
        try await expect(.unpackedTooLarge, archive)
        let directory = try #require(archive.indices.last { archive[$0...].starts(with: [0x50, 0x4b, 1, 2]) })
        archive.replaceSubrange((directory + 24)..<(directory + 28), with: [0, 0, 1, 0])
        try await expect(.unreadable, archive)
    }

    @Test func overlappingEntriesAreBoundedTogether() async throws {
        let entry = ZipWriter.Entry("f", bytes: Array(repeating: 7, count: 100_000))
        // Every entry announces what is one piece of data: the sum counts.
        var entries = [entry]
        for index in 0..<60 {
            var other = ZipWriter.Entry("g\(index)", bytes: [])
            other.announcedBytes = 100_000
            other.method = 8
            entries.append(other)
        }
        try await expect(.unpackedTooLarge, ZipWriter.archive(entries))
    }

    @Test func tooMuch() async throws {
        try await expect(.tooManyEntries, ZipWriter.archive((0..<101).map { .init("f\($0)") }))
        try await expect(
            .tooManyEntries,
            ZipWriter.archive((0..<100).map { .init("\($0)/a/b/c/d/e/f/g/h") }))
        try await expect(.archiveTooLarge, Array(repeating: 0, count: (1 << 20) + 1))
    }

    @Test func damaged() async throws {
        try await expect(.unreadable, [])
        try await expect(.unreadable, Array("no zip at all, but long enough to look like one".utf8))
        var wrongSum = ZipWriter.Entry("f", "text")
        wrongSum.checksum = 1
        try await expect(.unreadable, ZipWriter.archive([wrongSum]))
        var encrypted = ZipWriter.Entry("f", "text")
        encrypted.flags = 1
        try await expect(.unreadable, ZipWriter.archive([encrypted]))
        var method = ZipWriter.Entry("f", "text")
        method.method = 99
        try await expect(.unreadable, ZipWriter.archive([method]))
        var otherName = ZipWriter.Entry("f", "text")
        otherName.localName = Array("g".utf8)
        try await expect(.unreadable, ZipWriter.archive([otherName]))
        var noUTF8 = ZipWriter.Entry("f", "text")
        noUTF8.name = [0xff, 0xfe]
        try await expect(.unreadable, ZipWriter.archive([noUTF8]))
        var zero = ZipWriter.Entry("f", "text")
        zero.name = [0x66, 0, 0x67]
        try await expect(.unreadable, ZipWriter.archive([zero]))
    }

    /// Every archive cut short, and many with some bytes changed: an answer, never a crash; nothing left behind.
    @Test func cutAndChanged() async throws {
        let script = """
            import sys, zipfile
            with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as z:
                for i in range(4): z.writestr('d%d/f%d' % (i, i), 'text %d ' % i * 50)
            """
        let archive = try zip(script)
        for count in stride(from: 0, to: archive.count, by: 7) {
            await #expect(throws: CodeError.self) { try await store.add(Array(archive.prefix(count))) }
        }
        var generator = SeededGenerator(seed: 42)
        for _ in 0..<400 {
            var changed = archive
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                changed[Int.random(in: 0..<changed.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            _ = try? await store.add(changed)
        }
        #expect(try leftovers().isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.directory) == ["code"])
    }

    private func expect(_ code: CodeError.Code, _ archive: [UInt8]) async throws {
        do {
            _ = try await store.add(archive)
            Issue.record("the archive was taken")
        } catch {
            #expect(error.code == code, "\(error)")
        }
        #expect(try leftovers().isEmpty)
        #expect(!FileManager.default.fileExists(atPath: "/tmp/escape"))
        #expect(!FileManager.default.fileExists(atPath: "/etc/escape"))
    }

    private func leftovers() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: place.directory + "/code").filter { $0.hasPrefix(".") }
    }

    private func zip(_ script: String) throws -> [UInt8] {
        let out = NSTemporaryDirectory() + "cloister-\(UUID().uuidString).zip"
        defer { try? FileManager.default.removeItem(atPath: out) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = ["-c", script, out]
        try process.run()
        process.waitUntilExit()
        return Array(try Data(contentsOf: URL(fileURLWithPath: out)))
    }
}

struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
