import ArgumentParser
import CloisterDynamoDB
import CloisterIAM
import CloisterKMS
import CloisterLambda
import CloisterLogs
import CloisterSecrets

/// `cloister coverage`: the pages under `docs/coverage`, from the tables that the services route by.
struct CoverageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coverage", abstract: "Print which operations of a service are built, as Markdown.")

    enum Covered: String, CaseIterable, ExpressibleByArgument {
        case lambda, logs, dynamodb, kms, secretsmanager, iam, sts
    }

    @Argument(help: "The service.")
    var service: Covered

    func run() {
        switch service {
        case .lambda: print(LambdaCoverage.markdown(), terminator: "")
        case .logs: print(LogsCoverage.markdown(), terminator: "")
        case .dynamodb: print(DynamoDBCoverage.markdown(), terminator: "")
        case .iam: print(IAMCoverage.markdown(), terminator: "")
        case .sts: print(STSCoverage.markdown(), terminator: "")
        case .kms: print(KMSCoverage.markdown(), terminator: "")
        case .secretsmanager: print(SecretsCoverage.markdown(), terminator: "")
        }
    }
}
