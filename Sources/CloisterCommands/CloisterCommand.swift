import ArgumentParser
import CloisterTemplates
import Glibc

/// The `cloister` command line. Exit statuses: 0 success, 1 failure (also of an invoked function), 64 wrong usage,
/// 65 wrong input such as a template, 69 no server or nothing to run on, 77 credentials refused.
public struct CloisterCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "cloister",
        abstract: "Runs AWS Lambda functions on your own machine, each tenant in its own isolated environment.",
        discussion: """
            First steps:
              cloister doctor                    what works on this machine
              cloister serve                     start the server
              cloister deploy template.yaml      deploy a SAM or CloudFormation template
              cloister invoke NAME --tenant-id A invoke a function for a tenant
              eval "$(cloister env)"             point boto3 and the AWS CLI here

            Exit status: 0 success; 1 failure, also of an invoked function; 64 wrong usage; 65 wrong input;
            69 no server, or something missing on this machine; 77 access denied.
            """,
        version: Version.text,
        subcommands: [
            ServeCommand.self, DeployCommand.self, DeleteCommand.self, InvokeCommand.self, LogsCommand.self,
            EnvironmentsCommand.self, RuntimeCommand.self, DoctorCommand.self, EnvCommand.self, PlanCommand.self,
            TenantsCommand.self, TiersCommand.self, CoverageCommand.self, VersionCommand.self,
        ])

    public init() {}

    /// Parses the arguments, runs the command and ends the program with its status.
    public static func runToEnd() async -> Never {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            Glibc.exit(0)
        } catch {
            guard let failure = failure(from: error) else { exit(withError: error) }
            report(failure)
            Glibc.exit(failure.status.rawValue)
        }
    }

    /// Nil for what ArgumentParser explains itself.
    static func failure(from error: any Error) -> CommandFailure? {
        switch error {
        case let failure as CommandFailure: failure
        case let error as APIError: error.failure
        case let error as TemplateError:
            CommandFailure(
                (error.position.map { "\($0): " } ?? "") + error.message, hint: error.suggestion, status: .badInput)
        case is ExitCode, is CleanExit, is ValidationError: nil
        default: isParserError(error) ? nil : CommandFailure("\(error)")
        }
    }

    private static func isParserError(_ error: any Error) -> Bool {
        let type = String(reflecting: type(of: error))
        return type.hasPrefix("ArgumentParser.")
    }

    private static func report(_ failure: CommandFailure) {
        let isColoured = Terminal.hasColours
        Terminal.note((isColoured ? "\u{1B}[31merror:\u{1B}[0m " : "error: ") + failure.message)
        if let hint = failure.hint { Terminal.note("hint: \(hint)") }
    }
}
