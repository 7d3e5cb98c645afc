import ArgumentParser
import CloisterCore
import CloisterTemplates
import Foundation
import Glibc

/// `cloister deploy`: makes what a template wants.
struct DeployCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deploy", abstract: "Deploy a SAM or CloudFormation template.",
        discussion: """
            Shows what would change, asks, applies it, and puts everything back if it fails. Deploying the same again
            changes nothing.
            """)

    @Argument(help: "The template, YAML or JSON.")
    var template = "template.yaml"

    @Option(help: "The stack's name. Default: the template's folder's name.")
    var stackName: String?

    @Option(name: .customLong("parameter-overrides"), parsing: .upToNextOption, help: "Parameters, as KEY=VALUE.")
    var parameters: [String] = []

    @Flag(name: .shortAndLong, help: "Apply without asking.")
    var yes = false

    @Flag(help: "Stay, and deploy again whenever the template or the code changes.")
    var watch = false

    @Flag(help: "Print JSON; needs --yes.")
    var json = false

    @OptionGroup var client: ClientOptions

    func validate() throws {
        if json, !yes { throw ValidationError("--json needs --yes: nobody can be asked") }
        if json, watch { throw ValidationError("--json and --watch don't go together") }
        _ = try overrides()
        if let stackName, !StackContext.isStackName(stackName) {
            throw ValidationError("--stack-name takes letters, digits and -, beginning with a letter")
        }
    }

    func run() throws {
        let api = try client.client()
        let first = try plan(api)
        try deploy(first, api: api, asks: !yes)
        if watch { try keepWatching(first.sources, api: api) }
    }

    /// `KEY=VALUE` to a dictionary.
    func overrides() throws -> [String: String] {
        var result: [String: String] = [:]
        for text in parameters {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw ValidationError("--parameter-overrides takes KEY=VALUE, not `\(text)`")
            }
            result[parts[0]] = parts[1]
        }
        return result
    }

    private func plan(_ api: APIClient) throws -> DeploymentPlan {
        let name = stackName ?? DeploymentPlan.defaultStackName(template: template)
        let (record, account) = try StackClient(api: api).record(name)
        let context = StackContext(
            stackName: name, region: api.region, account: account, parameters: try overrides())
        return try DeploymentPlan(path: template, context: context, deployed: record)
    }

    private func deploy(_ plan: DeploymentPlan, api: APIClient, asks: Bool) throws {
        let printer = DeploymentPrinter(plan: plan, endpoint: api.endpoint.description)
        if !json { printer.show() }
        var warnings: [String] = []
        var outputs = plan.deployed?.outputs ?? [:]
        if plan.changes.isEmpty {
            if !json { Terminal.note("No changes.") }
        } else {
            if asks { try ask() }
            var deployment = StackDeployment(plan: plan, api: api) { event in
                if case .warning(let text) = event { warnings.append(text) }
                if !json { printer.show(event) }
            }
            outputs = try deployment.apply().outputs
            if !json { Terminal.note("Deployed.") }
        }
        if json {
            try Terminal.printJSON(DeploymentReport(plan: plan, warnings: warnings, outputs: outputs))
        } else {
            printer.show(outputs: outputs)
        }
    }

    private func ask() throws {
        guard Terminal.isInteractive else {
            throw CommandFailure("nobody is there to answer", hint: "apply without asking with --yes")
        }
        guard Terminal.confirm("Apply these changes?") else { throw CommandFailure("nothing was changed") }
    }

    /// Deploys again after each change until the program is stopped. Errors are shown, and don't end the watching.
    private func keepWatching(_ sources: [String], api: APIClient) throws {
        var watcher = SourceWatcher(sources)
        Terminal.note("Watching \(sources.count) paths; stop with Ctrl-C.")
        while true {
            watcher.waitForChange()
            let start = Date()
            do {
                let next = try plan(api)
                watcher.watch(next.sources)
                if next.changes.isEmpty { continue }
                var deployment = StackDeployment(plan: next, api: api) {
                    DeploymentPrinter(plan: next, endpoint: api.endpoint.description).show($0)
                }
                _ = try deployment.apply()
                Terminal.note("Deployed in \(Int(Date().timeIntervalSince(start) * 1_000)) ms.")
            } catch {
                let failure = CloisterCommand.failure(from: error) ?? CommandFailure("\(error)")
                Terminal.note("error: \(failure.message)" + (failure.hint.map { "\nhint: \($0)" } ?? ""))
            }
        }
    }
}
