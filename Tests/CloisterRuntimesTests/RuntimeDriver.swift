import CloisterServiceKit
import Foundation
import Testing

@testable import CloisterRuntimes

/// Runs a function in an image against a small Runtime API, and tells what the runtime did.
struct RuntimeDriver {
    struct Invocation: Encodable {
        var headers: [String: String] = [:]
        var body = "{}"
    }

    struct Post: Decodable {
        var path: String
        var headers: [String: String]
        var body: String
        var trailers: [String: String]

        /// The body as a JSON object.
        func object() throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any])
        }
    }

    struct Report: Decodable {
        var posts: [Post]
        /// The runtime's exit status; nil where it waited for more.
        var status: Int?
        var output: String
    }

    private struct Plan: Encodable {
        var rootfs: String
        var files: [String: String]
        var layers: [String: String]
        var environment: [String: String]
        var invocations: [Invocation]
        var isPrebooted: Bool
    }

    let runtime: String
    var files: [String: String]
    var handler: String
    var layers: [String: String] = [:]
    var environment: [String: String] = [:]
    /// Whether the interpreter is started before it gets the function's variables.
    var isPrebooted = false

    func run(_ invocations: [Invocation] = [Invocation()]) throws -> Report {
        let availability = RuntimeImages().availability(of: runtime)
        guard case .ready(let image) = availability else {
            throw RuntimeImageError.file(path: runtime, reason: "no image on this host: cloister runtime build \(runtime)")
        }
        let all = ["_HANDLER": handler, "AWS_EXECUTION_ENV": "AWS_Lambda_" + runtime]
        let plan = Plan(
            rootfs: image.directory, files: files, layers: layers,
            environment: all.merging(environment) { _, new in new }, invocations: invocations,
            isPrebooted: isPrebooted)
        return try JSONDecoder().decode(Report.self, from: drive(JSONEncoder().encode(plan)))
    }

    private func drive(_ plan: Data) throws -> Data {
        let script = try #require(Bundle.module.path(forResource: "drive_runtime", ofType: "py", inDirectory: "Resources"))
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try plan.write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", script]
        process.standardInput = try FileHandle(forReadingFrom: file)
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return data
    }
}
