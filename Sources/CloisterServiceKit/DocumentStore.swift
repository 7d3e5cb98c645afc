/// Names one document: a kind (`lambda.function`, `stack`) and a name within it.
public struct DocumentKey: Hashable, Sendable, CustomStringConvertible {
    public var kind: String
    public var name: String

    public init(kind: String, name: String) {
        self.kind = kind
        self.name = name
    }

    public var description: String { "\(kind) \(name)" }
}

public struct Document: Sendable, Equatable {
    public var key: DocumentKey
    /// 1 when the document is made, one more with every `put`. A document that was deleted and made again starts anew.
    public var revision: Int64
    /// JSON by convention; the store doesn't look inside.
    public var body: [UInt8]

    public init(key: DocumentKey, revision: Int64, body: [UInt8]) {
        self.key = key
        self.revision = revision
        self.body = body
    }
}

/// One step of a transaction, with what must be true for it to happen.
public struct DocumentChange: Sendable, Equatable {
    public enum Expectation: Sendable, Equatable {
        case anything
        case absent
        /// The document is there in exactly this revision.
        case revision(Int64)
    }

    public var key: DocumentKey
    /// Nil deletes. Deleting what isn't there is no error, unless a revision is expected.
    public var body: [UInt8]?
    public var expecting: Expectation

    public static func put(_ key: DocumentKey, _ body: [UInt8], expecting: Expectation = .anything) -> DocumentChange {
        DocumentChange(key: key, body: body, expecting: expecting)
    }

    public static func delete(_ key: DocumentKey, expecting: Expectation = .anything) -> DocumentChange {
        DocumentChange(key: key, body: nil, expecting: expecting)
    }
}

/// The durable record of everything that is configured: functions, versions, layers, stacks. Coarse documents by kind
/// and name; whoever owns a kind owns its documents' shape.
public protocol DocumentStore: Sendable {
    func document(_ key: DocumentKey) async throws(StoreError) -> Document?
    /// Documents whose names begin with `prefix` and come after `after`, in bytewise order of their names, at most
    /// `limit`.
    func documents(kind: String, prefix: String, after: String?, limit: Int) async throws(StoreError) -> [Document]
    /// All changes or none, in order; on disk on return. Throws `.conflict` when an expectation isn't met.
    func apply(_ changes: [DocumentChange]) async throws(StoreError)
    /// On return nothing that was deleted or replaced before can be read from the store's files any more, as far as the
    /// store can see to that: a store opened for it overwrites and empties its journal. Does nothing by default.
    func eraseRemains() async throws(StoreError)
}

extension DocumentStore {
    public func eraseRemains() async throws(StoreError) {}
}

extension DocumentStore {
    /// One document's body; nil when there is none.
    public func document(kind: String, name: String) async throws(StoreError) -> [UInt8]? {
        try await document(DocumentKey(kind: kind, name: name))?.body
    }

    public func put(kind: String, name: String, _ body: [UInt8]) async throws(StoreError) {
        try await apply([.put(DocumentKey(kind: kind, name: name), body)])
    }

    public func delete(kind: String, name: String) async throws(StoreError) {
        try await apply([.delete(DocumentKey(kind: kind, name: name))])
    }

    /// The names of every document of a kind, in bytewise order.
    public func list(kind: String) async throws(StoreError) -> [String] {
        var names: [String] = []
        while true {
            let page = try await documents(kind: kind, prefix: "", after: names.last, limit: 500)
            names += page.map(\.key.name)
            if page.count < 500 { return names }
        }
    }
}

/// Why the store refused or failed. `message` is for the log and the operator, never for a caller of an API.
public struct StoreError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// Someone else changed what the change was based on.
        case conflict
        /// The event queue holds as many events or bytes as it may.
        case queueFull
        /// An event of this id is already in the queue.
        case duplicate
        /// The file belongs to another program, or to a newer Cloister.
        case foreign
        /// A document can't be read: the file was damaged or changed by someone else.
        case corrupt
        /// The disk or the database failed; nothing was changed.
        case unavailable
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code.rawValue): \(message)" }
}
