import ArgumentParser
import CloisterTemplates

/// `cloister delete`: takes a stack away.
struct DeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete a stack and everything that it made.")

    @Argument(help: "The stack's name.")
    var stack: String

    @Flag(name: .shortAndLong, help: "Delete without asking.")
    var yes = false

    @Flag(help: "Print JSON; needs --yes.")
    var json = false

    @OptionGroup var client: ClientOptions

    func validate() throws {
        if json, !yes { throw ValidationError("--json needs --yes: nobody can be asked") }
        if !StackContext.isStackName(stack) { throw ValidationError("`\(stack)` isn't a stack's name") }
    }

    func run() throws {
        let api = try client.client()
        guard let deployed = try StackClient(api: api).record(stack).record else {
            throw CommandFailure("there is no stack \(stack)", hint: "its name was shown by `cloister deploy`")
        }
        let changes = ChangeSet(deleting: deployed)
        if !json { Terminal.note(DeploymentPrinter.table(changes.changes)) }
        if !yes {
            guard Terminal.isInteractive else {
                throw CommandFailure("nobody is there to answer", hint: "delete without asking with --yes")
            }
            guard Terminal.confirm("Delete stack \(stack)?") else { throw CommandFailure("nothing was changed") }
        }
        let problems = try StackDeletion(deployed, api: api).run(changes)
        if let problem = problems.first {
            throw CommandFailure("stack \(stack) isn't gone: \(problem)", hint: "try again, the rest is deleted")
        }
        if json { try Terminal.printJSON(["stack": stack, "status": "DELETE_COMPLETE"]) }
        if !json { Terminal.note("Deleted.") }
    }
}
