import CloisterServiceKit
import CloisterStore
import Foundation
import GRDB
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// The file itself: whose it is, who may read it, and what isn't taken for it.
@Suite struct SQLiteFileTests {
    let place: StorePlace
    let path: String

    init() throws {
        place = try StoreEngine.sqlite.place()
        path = place.directory + "/cloister.db"
    }

    @Test func onlyTheOwnerCanRead() async throws {
        let old = umask(0)
        defer { umask(old) }
        let store = try SQLiteStore(path: path)
        try await store.put(kind: "k", name: "a", [1])
        for suffix in ["", "-wal", "-shm"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: path + suffix)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600, "\(suffix)")
        }
        try store.close()
    }

    @Test func aWiderModeIsNarrowed() throws {
        #expect(FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o644]))
        let store = try SQLiteStore(path: path)
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        try store.close()
    }

    @Test func anotherProgramsDatabaseIsRefusedAndUntouched() throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { try $0.execute(sql: "CREATE TABLE theirs (a)") }
        try queue.close()
        let before = try Data(contentsOf: URL(fileURLWithPath: path))
        expectRefusal(.foreign, "another program's database")
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
        #expect(!FileManager.default.fileExists(atPath: path + "-wal"))
    }

    @Test func whatIsNoDatabaseIsRefused() throws {
        try Data("something else entirely, long enough to be looked at as a header of a file".utf8)
            .write(to: URL(fileURLWithPath: path))
        expectRefusal(.foreign, "no SQLite database")
    }

    @Test func linksAndDirectoriesAreRefused() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        expectRefusal(.unavailable, "can't open")
        try FileManager.default.removeItem(atPath: path)
        let other = place.directory + "/other"
        #expect(FileManager.default.createFile(atPath: other, contents: nil))
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: other)
        expectRefusal(.unavailable, "can't open")
    }

    @Test func aNewerCloistersFileIsRefused() throws {
        try SQLiteStore(path: path).close()
        let queue = try DatabaseQueue(path: path)
        try queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('9999 from later')") }
        try queue.close()
        expectRefusal(.foreign, "newer version of Cloister")
    }

    @Test func damageIsNoCrash() async throws {
        do {
            let store = try SQLiteStore(path: path)
            try await store.apply(
                (0..<200).map { .put(DocumentKey(kind: "k", name: "\($0)"), Array(repeating: 7, count: 500)) })
            try store.close()
        }
        // Out of the journal, into the file that is damaged next.
        let queue = try DatabaseQueue(path: path)
        try await queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        try queue.close()
        var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        for index in 4_096..<bytes.count { bytes[index] = 0xa5 }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        do {
            let store = try SQLiteStore(path: path)
            _ = try await store.list(kind: "k")
            Issue.record("the damage went unnoticed")
        } catch {
            #expect(error.code == .corrupt)
        }
    }

    private func expectRefusal(_ code: StoreError.Code, _ text: String) {
        do throws(StoreError) {
            _ = try SQLiteStore(path: path)
            Issue.record("the file was taken")
        } catch {
            #expect(error.code == code)
            #expect(error.message.contains(text))
        }
    }
}
