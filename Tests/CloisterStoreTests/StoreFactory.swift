import CloisterServiceKit
import CloisterStore
import Foundation
import Testing

/// One engine under the contract suite. A further engine adds a case and passes the same tests.
enum StoreEngine: String, CaseIterable, CustomTestStringConvertible {
    case sqlite

    var testDescription: String { rawValue }

    /// A fresh place to keep data.
    func place() throws -> StorePlace { try StorePlace(engine: self) }
}

/// Where one test's data are; they go away with it.
final class StorePlace {
    let engine: StoreEngine
    let directory: String

    init(engine: StoreEngine) throws {
        self.engine = engine
        directory = NSTemporaryDirectory() + "cloister-store-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Opens what is kept there, as a process that starts does.
    func open(limits: EventQueueLimits = EventQueueLimits()) throws -> any DocumentStore & EventStore {
        switch engine {
        case .sqlite: try SQLiteStore(path: directory + "/cloister.db", limits: limits)
        }
    }
}
