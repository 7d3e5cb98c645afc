import ArgumentParser

/// `cloister version`.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        if json { return try Terminal.printJSON(["version": Version.text]) }
        Terminal.print(Version.text)
    }
}
