import CloisterCore
import CloisterLambda
import CloisterServiceKit
import CloisterStore
import Foundation
import Logging
import Synchronization

/// The control plane over a real store in a directory of its own, with a catalog and a data plane that only record.
final class Harness {
    static let role = "arn:aws:iam::000000000000:role/any"
    static let region = "eu-central-1"

    let root: String
    let directory = RecordingDirectory()
    let catalog: StubCatalog
    let store: SQLiteStore
    let code: FileCodeStore
    let service: LambdaService
    let keepsFiles: Bool

    init(
        root: String? = nil, catalog: StubCatalog = StubCatalog(),
        configuration: LambdaConfiguration = LambdaConfiguration(architecture: "x86_64")
    ) throws {
        self.root = root ?? NSTemporaryDirectory() + "cloister-lambda-\(UUID().uuidString)"
        keepsFiles = root != nil
        try FileManager.default.createDirectory(atPath: self.root, withIntermediateDirectories: true)
        self.catalog = catalog
        store = try SQLiteStore(path: self.root + "/cloister.db")
        code = try FileCodeStore(directory: self.root + "/code")
        service = LambdaService(
            account: .default, documents: store, code: code, catalog: catalog, directory: directory,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, configuration: configuration)
    }

    deinit {
        if !keepsFiles { try? FileManager.default.removeItem(atPath: root) }
    }

    func send(_ method: String, _ path: String, _ body: JSON? = nil) async throws -> Answer {
        let bytes = try body.map { Array(try JSONEncoder().encode($0)) } ?? []
        return try await send(method, path, bytes: bytes)
    }

    func send(_ method: String, _ path: String, bytes: [UInt8], region: String = Harness.region) async throws -> Answer
    {
        let parts = path.split(separator: "?", maxSplits: 1).map(String.init)
        let query = (parts.count < 2 ? "" : parts[1]).split(separator: "&").map { pair in
            let sides = pair.split(separator: "=", maxSplits: 1).map(String.init)
            return (name: sides[0], value: sides.count > 1 ? sides[1].removingPercentEncoding ?? "" : "")
        }
        let caller = Caller(
            account: .default, region: region, principalARN: "arn:aws:iam::000000000000:user/admin",
            accessKeyID: "AKIATEST")
        let response = await service.respond(
            to: ServiceRequest(
                method: method, path: parts[0], query: query, headers: [(name: "host", value: "127.0.0.1:9")],
                body: bytes, caller: caller, requestID: RequestID("r")))
        return try Answer(response)
    }

    /// A CreateFunction body that works, with what a test wants to be different.
    func functionBody(_ name: String, _ changes: [String: JSON?] = [:], files: [ZipWriter.Entry]? = nil) -> JSON {
        let archive = ZipWriter.archive(files ?? [ZipWriter.Entry("app.py", "def handler(e, c): return e\n")])
        var members: [String: JSON] = [
            "FunctionName": .text(name), "Role": .text(Harness.role), "Runtime": "python3.13", "Handler": "app.handler",
            "Code": ["ZipFile": .text(Data(archive).base64EncodedString())],
        ]
        for (member, value) in changes { members[member] = value }
        return .object(members)
    }

    @discardableResult
    func create(_ name: String, _ changes: [String: JSON?] = [:]) async throws -> Answer {
        let answer = try await send("POST", "/2015-03-31/functions", functionBody(name, changes))
        await service.settle()
        return answer
    }

    static func zip(_ text: String) -> JSON {
        .text(Data(ZipWriter.archive([ZipWriter.Entry("app.py", text)])).base64EncodedString())
    }

    func entry(_ name: String) -> FunctionEntry? {
        directory.entry(FunctionKey(region: Harness.region, name: name))
    }
}

struct Answer {
    let status: Int
    let headers: [(name: String, value: String)]
    let body: JSON
    let bytes: [UInt8]

    init(_ response: ServiceResponse) throws {
        status = response.status
        headers = response.headers
        bytes = response.body
        let isJSON = response.headers.contains { $0.name.lowercased() == "content-type" && $0.value.contains("json") }
        body = isJSON && !response.body.isEmpty ? try JSONDecoder().decode(JSON.self, from: Data(response.body)) : .null
    }

    var error: String? { header("x-amzn-ErrorType") }
    var message: String? { body["message"].string ?? body["Message"].string }
    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

final class RecordingDirectory: FunctionDirectory {
    private let state = Mutex<(entries: [FunctionKey: FunctionEntry], published: Int)>(([:], 0))
    private let reported = Mutex<[FunctionVersion: ProvisionedConcurrency]>([:])

    func publish(_ entry: FunctionEntry) async {
        state.withLock {
            $0.entries[entry.key] = entry
            $0.published += 1
        }
    }

    func remove(_ key: FunctionKey) async { state.withLock { $0.entries[key] = nil } }

    func provisionedConcurrency(of key: FunctionKey) async -> [FunctionVersion: ProvisionedConcurrency] {
        reported.withLock { $0 }
    }

    /// What `provisionedConcurrency` answers from now on.
    func report(
        _ versions: [FunctionVersion: (requested: Int, available: Int, isReached: Bool, failedStarts: Int)]
    ) {
        let states = versions.mapValues { given in
            var state = ProvisionedConcurrency()
            state.requested = given.requested
            state.available = given.available
            state.isReached = given.isReached
            state.failedStarts = given.failedStarts
            return state
        }
        reported.withLock { $0 = states }
    }

    func entry(_ key: FunctionKey) -> FunctionEntry? { state.withLock { $0.entries[key] } }
    var published: Int { state.withLock { $0.published } }
}

/// Knows `python3.13` (ready), `python3.14` (ready, by a substitute) and `nodejs20.x` (built by `prepare`, or failing).
final class StubCatalog: RuntimeCatalog {
    struct Failure: Error, CustomStringConvertible { let description = "no mirror" }

    private let built: Mutex<Set<String>>
    private let gate = Mutex<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((true, []))
    let fails: Bool

    init(built: Set<String> = ["python3.13"], isHeld: Bool = false, fails: Bool = false) {
        self.built = Mutex(built)
        self.fails = fails
        gate.withLock { $0.isOpen = !isHeld }
    }

    func availability(of runtime: String) -> RuntimeAvailability {
        if runtime == "python3.14" { return availability(of: "python3.13") }
        guard ["python3.13", "nodejs20.x"].contains(runtime) else {
            return .unknown(available: ["nodejs20.x", "python3.13"])
        }
        guard built.withLock({ $0.contains(runtime) }) else { return .notBuilt }
        return .ready(
            RuntimeImage(runtime: runtime, directory: "/images/\(runtime)", bootstrap: ["/var/runtime/bootstrap"]))
    }

    func prepare(_ runtime: String) async throws -> RuntimeImage {
        await withCheckedContinuation { continuation in
            let isOpen = gate.withLock { gate in
                if !gate.isOpen { gate.waiting.append(continuation) }
                return gate.isOpen
            }
            if isOpen { continuation.resume() }
        }
        if fails { throw Failure() }
        _ = built.withLock { $0.insert(runtime) }
        return RuntimeImage(runtime: runtime, directory: "/images/\(runtime)", bootstrap: ["/var/runtime/bootstrap"])
    }

    /// Lets held builds end.
    func open() {
        let waiting = gate.withLock { gate in
            defer { gate = (true, []) }
            return gate.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
