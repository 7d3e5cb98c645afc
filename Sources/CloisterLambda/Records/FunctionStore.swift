import CloisterCore
import CloisterServiceKit
import FoundationEssentials

/// The control plane's records as documents: `lambda.function` REGION/NAME, `lambda.version` REGION/NAME/NUMBER,
/// `lambda.layer` REGION/NAME/NUMBER, and `lambda.counter`, which outlives them, so that no number is used twice.
struct FunctionStore: Sendable {
    struct Stored<Record: Sendable>: Sendable {
        var record: Record
        var revision: Int64
    }

    static let functionKind = "lambda.function"
    static let versionKind = "lambda.version"
    static let layerKind = "lambda.layer"
    static let counterKind = "lambda.counter"
    private static let pageSize = 200

    let documents: any DocumentStore

    func function(_ key: FunctionKey) async throws(ServiceError) -> Stored<FunctionRecord>? {
        try await stored(FunctionStore.key(key))
    }

    func functions(region: String, after: String?, limit: Int) async throws(ServiceError) -> [FunctionRecord] {
        let prefix = region + "/"
        return try await page(
            FunctionStore.functionKind, prefix: prefix, after: after.map { prefix + $0 }, limit: limit)
    }

    /// Every function of every region.
    func allFunctions() async throws(ServiceError) -> [FunctionRecord] { try await all(FunctionStore.functionKind, "") }

    /// In ascending order of their numbers.
    func versions(of key: FunctionKey) async throws(ServiceError) -> [PublishedVersion] {
        try await all(FunctionStore.versionKind, "\(key)/")
    }

    func version(_ number: Int, of key: FunctionKey) async throws(ServiceError) -> PublishedVersion? {
        try await stored(FunctionStore.key(version: number, of: key))?.record
    }

    func layerVersions(region: String, name: String?) async throws(ServiceError) -> [LayerVersionRecord] {
        try await all(FunctionStore.layerKind, name.map { "\(region)/\($0)/" } ?? "\(region)/")
    }

    func allLayerVersions() async throws(ServiceError) -> [LayerVersionRecord] {
        try await all(FunctionStore.layerKind, "")
    }

    func layerVersion(_ number: Int, name: String, region: String) async throws(ServiceError) -> LayerVersionRecord? {
        try await stored(FunctionStore.key(layer: name, number: number, region: region))?.record
    }

    /// The last number used; 0 for none.
    func counter(_ name: String) async throws(ServiceError) -> Stored<Int> {
        try await stored(DocumentKey(kind: FunctionStore.counterKind, name: name)) ?? Stored(record: 0, revision: 0)
    }

    func apply(_ changes: [DocumentChange]) async throws(ServiceError) {
        do { try await documents.apply(changes) } catch { throw ServiceError(store: error) }
    }

    private func stored<Record: Decodable & Sendable>(_ key: DocumentKey) async throws(ServiceError) -> Stored<Record>?
    {
        do {
            guard let document = try await documents.document(key) else { return nil }
            return Stored(record: try FunctionStore.decode(document), revision: document.revision)
        } catch {
            throw ServiceError(store: error)
        }
    }

    private func page<Record: Decodable & Sendable>(
        _ kind: String, prefix: String, after: String?, limit: Int
    ) async throws(ServiceError) -> [Record] {
        do {
            let documents = try await documents.documents(kind: kind, prefix: prefix, after: after, limit: limit)
            var records: [Record] = []
            for document in documents { records.append(try FunctionStore.decode(document)) }
            return records
        } catch {
            throw ServiceError(store: error)
        }
    }

    private func all<Record: Decodable & Sendable>(_ kind: String, _ prefix: String) async throws(ServiceError)
        -> [Record]
    {
        do {
            var records: [Record] = []
            var after: String?
            while true {
                let documents = try await documents.documents(
                    kind: kind, prefix: prefix, after: after, limit: FunctionStore.pageSize)
                for document in documents { records.append(try FunctionStore.decode(document)) }
                guard documents.count == FunctionStore.pageSize else { return records }
                after = documents.last?.key.name
            }
        } catch {
            throw ServiceError(store: error)
        }
    }

    private static func decode<Record: Decodable>(_ document: Document) throws(StoreError) -> Record {
        do { return try JSONDecoder().decode(Record.self, from: Data(document.body)) } catch {
            throw StoreError(.corrupt, "document \(document.key) can't be read")
        }
    }
}

extension FunctionStore {
    static func key(_ function: FunctionKey) -> DocumentKey { DocumentKey(kind: functionKind, name: "\(function)") }

    static func key(version number: Int, of function: FunctionKey) -> DocumentKey {
        DocumentKey(kind: versionKind, name: "\(function)/\(padded(number))")
    }

    static func key(layer name: String, number: Int, region: String) -> DocumentKey {
        DocumentKey(kind: layerKind, name: "\(region)/\(name)/\(padded(number))")
    }

    static func versionCounter(_ function: FunctionKey) -> String { "version/\(function)" }
    static func layerCounter(_ name: String, region: String) -> String { "layer/\(region)/\(name)" }

    static func put(
        _ key: DocumentKey, _ record: some Encodable, expecting: DocumentChange.Expectation
    ) throws(ServiceError) -> DocumentChange {
        .put(key, try LambdaJSON.encodeVerbatim(record), expecting: expecting)
    }

    static func put(_ function: FunctionRecord, expecting revision: Int64?) throws(ServiceError) -> DocumentChange {
        try put(key(function.key), function, expecting: revision.map { .revision($0) } ?? .absent)
    }

    /// Raises a counter that was just read.
    static func put(counter name: String, _ counter: Stored<Int>) throws(ServiceError) -> DocumentChange {
        try put(
            DocumentKey(kind: counterKind, name: name), counter.record + 1,
            expecting: counter.revision == 0 ? .absent : .revision(counter.revision))
    }

    /// So that names sort as numbers do.
    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 10 - digits.count)) + digits
    }
}
