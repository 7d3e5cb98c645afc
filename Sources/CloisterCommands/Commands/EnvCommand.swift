import ArgumentParser
import CloisterServer

/// `cloister env`: what AWS's clients need to find and enter a server.
struct EnvCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "env", abstract: "Print the exports that point AWS clients at a server.",
        discussion: "Use it as: eval \"$(cloister env)\". The key is made if the data directory has none yet.")

    @Option(name: .customLong("data"), help: "The server's data directory.")
    var dataDirectory = ServerDefaults.dataDirectory

    @Option(help: "The server's address.")
    var endpoint = Endpoint.standard

    @Option(help: "The region.")
    var region = "us-east-1"

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let endpoint = try Endpoint(endpoint)
        let credentials: AdministratorCredentials
        do {
            credentials = try AdministratorCredentials.readOrCreate(dataDirectory: dataDirectory)
        } catch let error as AdministratorCredentialsError {
            throw CommandFailure(
                "\(error)", hint: "run as the server's user, or choose another folder with --data",
                status: .accessDenied)
        }
        let variables = EnvCommand.variables(credentials, endpoint: endpoint, region: region)
        if json {
            try Terminal.printJSON(Dictionary(uniqueKeysWithValues: variables))
        } else {
            Terminal.print(EnvCommand.exports(variables))
        }
    }

    static func variables(
        _ credentials: AdministratorCredentials, endpoint: Endpoint, region: String
    ) -> [(String, String)] {
        [
            ("AWS_ACCESS_KEY_ID", credentials.accessKeyId), ("AWS_SECRET_ACCESS_KEY", credentials.secretAccessKey),
            ("AWS_DEFAULT_REGION", region), ("AWS_REGION", region), ("AWS_ENDPOINT_URL", endpoint.description),
        ]
    }

    static func exports(_ variables: [(String, String)]) -> String {
        variables.map { "export \($0.0)=\(ShellQuoting.quote($0.1))" }.joined(separator: "\n")
    }
}
