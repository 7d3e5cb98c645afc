import ArgumentParser
import CloisterTemplates
import Foundation

/// `cloister environments`: who is bound to whom.
struct EnvironmentsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "environments", abstract: "Show the execution environments and their tenants.")

    @Flag(help: "Print the server's JSON.")
    var json = false

    @OptionGroup var client: ClientOptions

    func run() throws {
        let request = APIRequest("GET", "/_cloister/environments", service: "cloister")
        let response = try client.client().send(request)
        if json {
            Terminal.write(response.body + [UInt8(ascii: "\n")])
            return
        }
        let environments: [EnvironmentDescription]
        do {
            environments = try JSONDecoder().decode([EnvironmentDescription].self, from: Data(response.body))
        } catch {
            throw CommandFailure("the server's list of environments can't be read: \(error)")
        }
        if environments.isEmpty {
            Terminal.note("No environments: nothing has been invoked lately.")
        } else {
            Terminal.print(EnvironmentsCommand.table(environments, now: Date()))
        }
    }

    static func table(_ environments: [EnvironmentDescription], now: Date) -> String {
        var table = TextTable([
            ("Environment", .left), ("Function", .left), ("Version", .left), ("Tenant", .left), ("State", .left),
            ("Level", .left), ("Memory", .right), ("Peak", .right), ("Age", .right), ("Invocations", .right),
            ("PID", .right),
        ])
        func key(_ environment: EnvironmentDescription) -> (String, String, String) {
            (environment.function, environment.tenantId ?? "", environment.id)
        }
        for environment in environments.sorted(by: { key($0) < key($1) }) {
            table.add([
                String(environment.id.prefix(12)), environment.function, environment.version,
                environment.tenantId ?? "–", environment.state, environment.level,
                size(environment.memoryBytes), size(environment.peakMemoryBytes),
                age(environment.since, now: now), String(environment.invocations),
                environment.processId.map { String($0) } ?? "–",
            ])
        }
        return table.text
    }

    private static func size(_ bytes: Int?) -> String {
        guard let bytes else { return "–" }
        return "\(bytes / 1_048_576) MiB"
    }

    private static func age(_ since: JSONValue?, now: Date) -> String {
        guard let date = date(since) else { return "–" }
        let seconds = max(0, Int(now.timeIntervalSince(date)))
        switch seconds {
        case ..<60: return "\(seconds) s"
        case ..<3_600: return "\(seconds / 60) min"
        default: return "\(seconds / 3_600) h"
        }
    }

    /// Milliseconds since 1970, or RFC 3339.
    private static func date(_ value: JSONValue?) -> Date? {
        if let number = value?.integer { return Date(timeIntervalSince1970: Double(number) / 1_000) }
        guard let text = value?.string else { return nil }
        let exact = ISO8601DateFormatter()
        exact.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        return exact.date(from: text) ?? ISO8601DateFormatter().date(from: text)
    }
}

/// One execution environment as the server describes it.
struct EnvironmentDescription: Decodable {
    var id: String
    var function: String
    var version: String
    /// Nil while it has no tenant.
    var tenantId: String?
    var state: String
    var level: String
    var memoryBytes: Int?
    var peakMemoryBytes: Int?
    var since: JSONValue?
    var invocations: Int
    var processId: Int?
}
