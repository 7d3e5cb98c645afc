import ArgumentParser
import CloisterServer
import CloisterWire
import Foundation

/// Which server a command talks to, and as whom.
struct ClientOptions: ParsableArguments {
    @Option(help: "The server's address. Default: AWS_ENDPOINT_URL, else \(Endpoint.standard).")
    var endpoint: String?

    @Option(help: "The region. Default: AWS_REGION, AWS_DEFAULT_REGION, else us-east-1.")
    var region: String?

    @Option(name: .customLong("data"), help: "The server's data directory, for its access key.")
    var dataDirectory: String = ServerDefaults.dataDirectory

    func client(environment: [String: String] = ProcessInfo.processInfo.environment) throws -> APIClient {
        APIClient(
            endpoint: try Endpoint(endpoint ?? given("AWS_ENDPOINT_URL", environment) ?? Endpoint.standard),
            region: resolvedRegion(environment: environment), key: try key(environment))
    }

    func resolvedRegion(environment: [String: String] = ProcessInfo.processInfo.environment) -> String {
        region ?? given("AWS_REGION", environment) ?? given("AWS_DEFAULT_REGION", environment) ?? "us-east-1"
    }

    /// The environment's key, else the data directory's; nil when there is neither.
    private func key(_ environment: [String: String]) throws -> AccessKey? {
        if let id = given("AWS_ACCESS_KEY_ID", environment), let secret = given("AWS_SECRET_ACCESS_KEY", environment) {
            return AccessKey(id: id, secret: secret, sessionToken: given("AWS_SESSION_TOKEN", environment))
        }
        do {
            return try AdministratorCredentials.read(dataDirectory: dataDirectory).map {
                AccessKey(id: $0.accessKeyId, secret: $0.secretAccessKey)
            }
        } catch let error as AdministratorCredentialsError {
            throw CommandFailure(
                "\(error)", hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run as the server's user",
                status: .accessDenied)
        }
    }

    private func given(_ name: String, _ environment: [String: String]) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// What `serve`, `env` and the clients agree on.
enum ServerDefaults {
    static let dataDirectory = "/var/lib/cloister"
    static let listen = "127.0.0.1:4570"
}
