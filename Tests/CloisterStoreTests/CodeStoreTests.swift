import CloisterServiceKit
import CloisterStore
import Foundation
import Testing

@Suite struct CodeStoreTests {
    let place: StorePlace
    let store: FileCodeStore

    init() throws {
        place = try StoreEngine.sqlite.place()
        store = try FileCodeStore(
            directory: place.directory + "/code",
            limits: CodeLimits(archiveBytesMax: 1 << 20, unpackedBytesMax: 4 << 20, entriesMax: 100))
    }

    @Test func keepsAndUnpacks() async throws {
        let archive = ZipWriter.archive([
            .init("app.py", "print(1)"), .init("bin/", mode: 0o040755), .init("bin/run", "#!/bin/sh\n", mode: 0o104777),
            .init("a/b/c.txt", "deep", mode: 0o100600), .init("link", "bin/run", mode: 0o120777), .init("empty"),
        ])
        let code = try await store.add(archive)
        #expect(code.archiveBytes == archive.count)
        #expect(code.machines == [])
        let tree = store.directory(of: code.digest)
        #expect(try text(tree + "/app.py") == "print(1)")
        #expect(try text(tree + "/a/b/c.txt") == "deep")
        #expect(try mode(tree + "/app.py") == 0o644)
        #expect(try mode(tree + "/a/b/c.txt") == 0o644)
        // Executable stays; the set-user-id bit and everyone's right to write don't.
        #expect(try mode(tree + "/bin/run") == 0o755)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: tree + "/link") == "bin/run")
        #expect(try await store.archive(code.digest) == archive)
        #expect(try await store.add(archive) == code)
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.directory + "/code").count == 1)
    }

    @Test func deflatedArchivesOfTheZipProgram() async throws {
        let folder = place.directory + "/source"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let long = String(repeating: "all work and no play\n", count: 20_000)
        try long.write(toFile: folder + "/long.txt", atomically: true, encoding: .utf8)
        try run("/usr/bin/python3", ["-c", ZipScripts.deflated, folder + "/long.txt", folder + "/out.zip"])
        let archive = Array(try Data(contentsOf: URL(fileURLWithPath: folder + "/out.zip")))
        let code = try await store.add(archive)
        #expect(try text(store.directory(of: code.digest) + "/long.txt") == long)
        #expect(code.unpackedBytes == long.utf8.count)
    }

    @Test func zip64SizesAreRead() async throws {
        let out = place.directory + "/out.zip"
        try run("/usr/bin/python3", ["-c", ZipScripts.zip64, out])
        let code = try await store.add(Array(try Data(contentsOf: URL(fileURLWithPath: out))))
        #expect(try text(store.directory(of: code.digest) + "/a.txt") == "aaaa")
    }

    @Test func nativeCodeIsNoticed() async throws {
        func elf(_ machine: UInt8) -> [UInt8] {
            [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + Array(repeating: 0, count: 11) + [machine, 0]
                + Array(repeating: 0, count: 44)
        }
        let code = try await store.add(
            ZipWriter.archive([
                .init("a.so", bytes: elf(62)), .init("b.so", bytes: elf(183)), .init("c", bytes: elf(40)),
            ]))
        #expect(code.machines == ["arm64", "elf-40", "x86_64"])
    }

    @Test func laterLayersWin() async throws {
        let first = try await store.add(
            ZipWriter.archive([
                .init("python/a.py", "1"), .init("python/b.py", "1"), .init("x/y", "1"), .init("z", "1"),
            ]))
        let second = try await store.add(
            ZipWriter.archive([
                .init("python/b.py", "2"), .init("x", "2"), .init("z/in", "2"), .init("l", "z/in", mode: 0o120777),
            ]))
        let merged = try await store.layersDirectory([first.digest, second.digest])
        #expect(try text(merged + "/python/a.py") == "1")
        #expect(try text(merged + "/python/b.py") == "2")
        #expect(try text(merged + "/x") == "2")
        #expect(try text(merged + "/z/in") == "2")
        #expect(try text(merged + "/l") == "2")
        #expect(try await store.layersDirectory([first.digest, second.digest]) == merged)
        #expect(try await store.layersDirectory([second.digest, first.digest]) != merged)
        #expect(try text(store.directory(of: first.digest) + "/python/b.py") == "1")
        #expect(try await store.layersDirectory([first.digest]) == store.directory(of: first.digest))
    }

    @Test func removesWhatNobodyNeeds() async throws {
        var digests: [CodeDigest] = []
        for index in 0..<4 { digests.append(try await store.add(ZipWriter.archive([.init("f", "\(index)")])).digest) }
        let kept = try await store.layersDirectory([digests[0], digests[1]])
        let gone = try await store.layersDirectory([digests[1], digests[0]])
        let foreign = place.directory + "/code/someone-elses"
        #expect(FileManager.default.createFile(atPath: foreign, contents: nil))
        try await store.removeAll(except: [digests[0], digests[1]], layers: [[digests[0], digests[1]]])
        for (path, isThere) in [
            (kept, true), (gone, false), (foreign, true), (store.directory(of: digests[0]), true),
            (store.directory(of: digests[2]), false),
        ] {
            #expect(FileManager.default.fileExists(atPath: path) == isThere, "\(path)")
        }
        await #expect(throws: CodeError.self) { try await store.archive(digests[3]) }
        await #expect(throws: CodeError.self) { try await store.layersDirectory([digests[0], digests[3]]) }
    }

    @Test func aCrashsTemporariesGo() throws {
        let left = place.directory + "/code/.new-1234/tree"
        try FileManager.default.createDirectory(atPath: left, withIntermediateDirectories: true)
        _ = try FileCodeStore(directory: place.directory + "/code")
        #expect(!FileManager.default.fileExists(atPath: place.directory + "/code/.new-1234"))
    }

    @Test func theSameArchiveManyTimesAtOnce() async throws {
        let archive = ZipWriter.archive((0..<50).map { .init("f\($0)", "\($0)") })
        let results = try await withThrowingTaskGroup(of: StoredCode.self) { group in
            for _ in 0..<8 { group.addTask { [store] in try await store.add(archive) } }
            return try await group.reduce(into: Set<StoredCode>()) { $0.insert($1) }
        }
        #expect(results.count == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.directory + "/code").count == 1)
    }

    private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    private func mode(_ path: String) throws -> Int? {
        (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue
    }

    private func run(_ program: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }
}

private enum ZipScripts {
    static let deflated = """
        import sys, zipfile
        with zipfile.ZipFile(sys.argv[2], 'w', zipfile.ZIP_DEFLATED) as z: z.write(sys.argv[1], 'long.txt')
        """
    static let zip64 = """
        import sys, zipfile
        with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as z:
            with z.open('a.txt', 'w', force_zip64=True) as f: f.write(b'aaaa')
        """
}
