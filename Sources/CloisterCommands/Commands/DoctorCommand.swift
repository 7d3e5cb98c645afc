import ArgumentParser

/// `cloister doctor`: what works on this host.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Show which isolation levels and runtimes work on this machine.",
        discussion: "Exit status 69 when no isolation level works.")

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var place: RuntimeCommand.Place

    func run() async throws {
        let diagnosis = await Diagnosis.make(runtimesDirectory: place.directory)
        if json {
            try Terminal.printJSON(diagnosis)
        } else {
            Terminal.print(diagnosis.text)
        }
        if diagnosis.levelInForce == nil { throw ExitCode(CommandFailure.Status.unavailable.rawValue) }
    }
}
