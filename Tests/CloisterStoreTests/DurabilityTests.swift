import CloisterCore
import CloisterServiceKit
import CloisterStore
import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// Kills a process in the midst of its writes, then looks whether everything that it was told is on disk is there.
@Suite struct DurabilityTests {
    @Test(arguments: StoreEngine.allCases, 0..<10)
    func whatWasAcknowledgedSurvivesAKill(engine: StoreEngine, round: Int) async throws {
        let place = try engine.place()
        let directory = place.directory
        let name = engine.rawValue
        await #expect(processExitsWith: .signal(SIGKILL)) { [directory = directory as String, name = name as String] in
            guard let engine = StoreEngine(rawValue: name) else { exit(2) }
            try await writeUntilKilled(engine, directory)
        }
        let store = try StorePlace.reopen(engine, directory)
        let pending = Set(try await store.pending().map(\.id.rawValue))
        let documents = Set(try await store.list(kind: "k"))
        let acknowledged = try String(contentsOfFile: directory + "/acknowledged", encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
        #expect(acknowledged.count >= 20)
        for line in acknowledged {
            let there = line.hasPrefix("d") ? documents : pending
            #expect(there.contains(line), "\(line) was acknowledged and is lost")
        }
        // And what is there is usable.
        try await store.enqueue(EventStoreTests.event("after"))
    }
}

/// Events and documents from many tasks; every acknowledged one is noted in a file, past this process's memory. After
/// a random number of them the process kills itself, while others are under way.
private func writeUntilKilled(_ engine: StoreEngine, _ directory: String) async throws {
    let store = try StorePlace.reopen(engine, directory)
    let notes = open(directory + "/acknowledged", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    let deadline = Int.random(in: 20...600)
    await withTaskGroup(of: Void.self) { group in
        for task in 0..<16 {
            group.addTask {
                for index in 0..<10_000 {
                    let name = "\(index % 4 == 0 ? "d" : "e")-\(task)-\(index)"
                    if index % 4 == 0 {
                        guard (try? await store.put(kind: "k", name: name, [1])) != nil else { exit(3) }
                    } else {
                        guard (try? await store.enqueue(EventStoreTests.event(name))) != nil else { exit(3) }
                    }
                    let line = Array((name + "\n").utf8)
                    guard write(notes, line, line.count) == line.count else { exit(4) }
                    if task == 0, index * 16 >= deadline { kill(getpid(), SIGKILL) }
                }
            }
        }
    }
}

extension StorePlace {
    /// Opens another place's data; the directory stays that place's.
    static func reopen(_ engine: StoreEngine, _ directory: String) throws -> any DocumentStore & EventStore {
        switch engine {
        case .sqlite: try SQLiteStore(path: directory + "/cloister.db")
        }
    }
}
