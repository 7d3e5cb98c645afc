import CloisterServiceKit
import CloisterStore
import Testing

@Suite struct DocumentStoreTests {
    @Test(arguments: StoreEngine.allCases) func putGetDelete(engine: StoreEngine) async throws {
        let place = try engine.place()
        let store = try place.open()
        #expect(try await store.document(kind: "stack", name: "a") == nil)
        try await store.put(kind: "stack", name: "a", [1, 0, 255])
        try await store.put(kind: "other", name: "a", [2])
        let key = DocumentKey(kind: "stack", name: "a")
        #expect(try await store.document(key) == Document(key: key, revision: 1, body: [1, 0, 255]))
        try await store.put(kind: "stack", name: "a", [])
        #expect(try await store.document(key) == Document(key: key, revision: 2, body: []))
        try await store.delete(kind: "stack", name: "a")
        try await store.delete(kind: "stack", name: "a")
        #expect(try await store.document(key) == nil)
        #expect(try await store.document(kind: "other", name: "a") == [2])
    }

    @Test(arguments: StoreEngine.allCases) func listsInOrderOfBytes(engine: StoreEngine) async throws {
        let place = try engine.place()
        let store = try place.open()
        let names = ["r/B", "r/a", "r/a/2", "r/ä", "r/😀", "r0", "s/x", "R/a", "r/"]
        for name in names { try await store.put(kind: "k", name: name, [1]) }
        try await store.put(kind: "l", name: "r/zzz", [1])
        let found = try await store.documents(kind: "k", prefix: "r/", after: nil, limit: 100).map(\.key.name)
        #expect(found == ["r/", "r/B", "r/a", "r/a/2", "r/ä", "r/😀"])
        let page = try await store.documents(kind: "k", prefix: "r/", after: "r/B", limit: 2).map(\.key.name)
        #expect(page == ["r/a", "r/a/2"])
        #expect(try await store.documents(kind: "k", prefix: "r/", after: "s", limit: 2).isEmpty)
        #expect(try await store.documents(kind: "k", prefix: "", after: nil, limit: 0).isEmpty)
        #expect(try await store.list(kind: "k").count == names.count)
    }

    @Test(arguments: StoreEngine.allCases) func listsMoreThanAPage(engine: StoreEngine) async throws {
        let place = try engine.place()
        let store = try place.open()
        try await store.apply((0..<1_001).map { .put(DocumentKey(kind: "k", name: "n\($0)"), [1]) })
        #expect(Set(try await store.list(kind: "k")).count == 1_001)
    }

    @Test(arguments: StoreEngine.allCases) func allOrNothing(engine: StoreEngine) async throws {
        let place = try engine.place()
        let store = try place.open()
        let a = DocumentKey(kind: "k", name: "a")
        let b = DocumentKey(kind: "k", name: "b")
        try await store.apply([.put(a, [1], expecting: .absent)])
        await #expect(throws: StoreError.self) {
            try await store.apply([.put(b, [1]), .put(a, [2], expecting: .absent)])
        }
        #expect(try await store.document(b) == nil)
        await #expect(throws: StoreError.self) {
            try await store.apply([.put(b, [1]), .delete(a, expecting: .revision(7))])
        }
        #expect(try await store.document(b) == nil)
        #expect(try await store.document(a)?.body == [1])
        try await store.apply([.put(b, [1]), .delete(a, expecting: .revision(1))])
        #expect(try await store.document(a) == nil)
        do {
            try await store.apply([.put(a, [2], expecting: .revision(1))])
            Issue.record("no conflict")
        } catch { #expect(error.code == .conflict) }
    }

    @Test(arguments: StoreEngine.allCases) func oneOfManyRivalsWins(engine: StoreEngine) async throws {
        let place = try engine.place()
        let store = try place.open()
        let key = DocumentKey(kind: "k", name: "a")
        try await store.apply([.put(key, [0])])
        let wins = await withTaskGroup(of: Bool.self) { group in
            for rival in 0..<50 {
                group.addTask {
                    do {
                        try await store.apply([.put(key, [UInt8(rival)], expecting: .revision(1))])
                        return true
                    } catch { return false }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(wins == 1)
        #expect(try await store.document(key)?.revision == 2)
    }

    @Test(arguments: StoreEngine.allCases) func staysAcrossOpenings(engine: StoreEngine) async throws {
        let place = try engine.place()
        do {
            let store = try place.open()
            try await store.put(kind: "k", name: "a", Array("{}".utf8))
        }
        let again = try place.open()
        #expect(try await again.document(kind: "k", name: "a") == Array("{}".utf8))
    }
}
