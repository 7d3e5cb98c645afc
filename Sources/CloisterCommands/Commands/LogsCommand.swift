import ArgumentParser
import Foundation

/// `cloister logs`: a function's log, also while it runs.
struct LogsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Show a function's log.")

    @Argument(help: "The function's name.")
    var function: String

    @Flag(name: .shortAndLong, help: "Stay, and show what is added.")
    var follow = false

    @Option(help: "Only this tenant's records.")
    var tenantId: String?

    @Option(help: "How far back: 30s, 10m, 2h, 1d, or a time such as 2026-01-31T12:00:00Z.")
    var since = "1h"

    @Flag(help: "Print one JSON record a line.")
    var json = false

    @OptionGroup var client: ClientOptions

    func validate() throws {
        guard SinceTime.milliseconds(since, now: Date()) != nil else {
            throw ValidationError("--since takes 30s, 10m, 2h, 1d or a time such as 2026-01-31T12:00:00Z")
        }
    }

    func run() throws {
        let isJSON = json
        var lines = LineSplitter()
        try client.client().stream(request(now: Date())) { part in
            for line in try lines.receive(part) { LogsCommand.show(line, isJSON: isJSON) }
        }
        if let rest = lines.rest { LogsCommand.show(rest, isJSON: isJSON) }
    }

    func request(now: Date) -> APIRequest {
        var request = APIRequest("GET", "/_cloister/logs", service: "cloister")
        request.query = [(name: "function", value: function)]
        if let tenantId { request.query.append((name: "tenantId", value: tenantId)) }
        if let start = SinceTime.milliseconds(since, now: now) {
            request.query.append((name: "since", value: String(start)))
        }
        if follow { request.query.append((name: "follow", value: "1")) }
        // A quiet function is no dead server.
        request.timeoutSeconds = follow ? 7 * 86_400 : 120
        return request
    }

    private static func show(_ line: [UInt8], isJSON: Bool) {
        guard !line.isEmpty else { return }
        if isJSON {
            Terminal.write(line + [UInt8(ascii: "\n")])
        } else {
            Terminal.print(LogLine(line).text)
        }
    }
}

/// One record of a log, as people read it.
struct LogLine: Equatable {
    var text: String

    /// `line` is a JSON record; anything else is shown as it is.
    init(_ line: [UInt8]) {
        struct Record: Decodable {
            var timestamp: Int64
            var tenantId: String?
            var message: String
        }
        guard let record = try? JSONDecoder().decode(Record.self, from: Data(line)) else {
            text = Terminal.harmless(String(decoding: line, as: UTF8.self))
            return
        }
        let tenant = record.tenantId.map { "[\($0)] " } ?? ""
        text = LogLine.time(record.timestamp) + " " + Terminal.harmless(tenant + record.message)
    }

    private static func time(_ milliseconds: Int64) -> String {
        let date = Date(timeIntervalSince1970: Double(milliseconds / 1_000))
        let whole = ISO8601DateFormatter().string(from: date).dropLast()
        let fraction = String(1_000 + abs(milliseconds % 1_000)).dropFirst()
        return "\(whole).\(fraction)Z"
    }
}

/// Cuts a stream of bytes into lines. A line may have at most a mebibyte.
struct LineSplitter {
    static let lineBytesMax = 1_048_576

    private var buffer: [UInt8] = []

    /// What came after the last line end.
    var rest: [UInt8]? { buffer.isEmpty ? nil : buffer }

    mutating func receive(_ bytes: [UInt8]) throws -> [[UInt8]] {
        buffer += bytes
        var lines: [[UInt8]] = []
        var start = buffer.startIndex
        while let end = buffer[start...].firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(Array(buffer[start..<end]))
            start = end + 1
        }
        buffer.removeSubrange(..<start)
        guard buffer.count <= LineSplitter.lineBytesMax else {
            throw CommandFailure("the server sent a line of more than \(LineSplitter.lineBytesMax) bytes")
        }
        return lines
    }
}

/// Times as people give them.
enum SinceTime {
    /// Milliseconds since 1970; nil when `text` is neither a duration nor a time.
    static func milliseconds(_ text: String, now: Date) -> Int64? {
        if let date = ISO8601DateFormatter().date(from: text) { return Int64(date.timeIntervalSince1970 * 1_000) }
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()),
            (0...1_000_000).contains(count)
        else { return nil }
        return Int64(now.timeIntervalSince1970 * 1_000) - count * unit * 1_000
    }
}
