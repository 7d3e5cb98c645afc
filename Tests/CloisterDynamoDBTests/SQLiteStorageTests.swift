import Foundation
import GRDB
import Testing

@testable import CloisterDynamoDB

@Suite struct SQLiteStorageTests {
    private static func path() throws -> String {
        let directory = NSTemporaryDirectory() + "dynamodb-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        return directory + "/dynamodb.db"
    }

    @Test(arguments: StorageContract.all.map(\.name))
    func contract(_ name: String) async throws {
        let test = try #require(StorageContract.all.first { $0.name == name })
        let storage = try SQLiteStorage(path: try SQLiteStorageTests.path())
        try await test.run(storage)
        try storage.close()
    }

    @Test func fileIsPrivateAndKeptOnReopening() async throws {
        let path = try SQLiteStorageTests.path()
        let storage = try SQLiteStorage(path: path)
        let table = try await StorageContract.addTable(storage)
        try await StorageContract.put(storage, table.id, ItemKey(partition: [1], sort: [2]))
        for suffix in ["", "-wal", "-shm"] {
            let mode = try FileManager.default.attributesOfItem(atPath: path + suffix)[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
        // Without closing: as after kill -9, a second connection sees all that was acknowledged.
        let again = try SQLiteStorage(path: path)
        #expect(try await StorageContract.keys(again, table.id, StorageContract.everything).count == 1)
        try again.close()
        try storage.close()
    }

    @Test func anotherProgramsFileIsRefused() throws {
        let path = try SQLiteStorageTests.path()
        let queue = try DatabaseQueue(path: path)
        try queue.write { try $0.execute(sql: "CREATE TABLE theirs (id INTEGER)") }
        try queue.close()
        #expect { try SQLiteStorage(path: path) } throws: { ($0 as? StorageError)?.code == .foreign }
    }
}
