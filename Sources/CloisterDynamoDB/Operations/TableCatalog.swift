import Synchronization

/// The write found another definition of a table than the call was checked against: the call starts anew.
struct StaleTable: Error {}

/// Tables' definitions in memory. Every change of a definition goes through this process and calls `forget`.
final class TableCatalog: Sendable {
    private struct Key: Hashable {
        var scope: TableScope
        var name: String
    }

    private struct State {
        var tables: [Key: StoredTable] = [:]
        /// Counts what was forgotten, so that a read that began before can't put an old definition back.
        var generation = 0
    }

    private static let tablesMax = 10_000

    private let storage: any Storage
    private let state = Mutex(State())

    init(storage: any Storage) { self.storage = storage }

    /// `name` must have been checked: only the letters that names may have.
    func table(_ name: String, in scope: TableScope) async throws -> StoredTable? {
        let key = Key(scope: scope, name: name)
        let (known, generation) = state.withLock { ($0.tables[key], $0.generation) }
        if let known { return known }
        guard let table = try await storage.read({ try $0.table(name, in: scope) }) else { return nil }
        state.withLock { state in
            guard state.generation == generation, state.tables.count < TableCatalog.tablesMax else { return }
            state.tables[key] = table
        }
        return table
    }

    func forgetAll() {
        state.withLock { state in
            state.tables.removeAll()
            state.generation += 1
        }
    }
}
