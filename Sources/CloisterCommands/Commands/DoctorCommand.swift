import ArgumentParser
import CloisterCore

/// `cloister doctor`: what works on this host.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Show which isolation levels and runtimes work on this machine.",
        discussion: "Exit status 69 when no isolation level works, or the one named with --self-test doesn't.")

    enum Level: String, CaseIterable, ExpressibleByArgument {
        case microvm, gvisor, container
    }

    @Flag(help: "Print JSON.")
    var json = false

    @Option(help: "Test this level alone; microvm first downloads and unpacks the guest's kernel if it isn't there.")
    var selfTest: Level?

    @OptionGroup var machines: MachineOptions

    @OptionGroup var place: RuntimeCommand.Place

    func run() async throws {
        let only = selfTest.flatMap { IsolationLevel(rawValue: $0.rawValue) }
        let diagnosis = await Diagnosis.make(
            runtimesDirectory: place.directory, accelerator: try machines.chosen(), only: only)
        if json {
            try Terminal.printJSON(diagnosis)
        } else {
            Terminal.print(diagnosis.text)
        }
        let works = only == nil ? diagnosis.levelInForce != nil : diagnosis.levels.contains(where: \.works)
        if !works { throw ExitCode(CommandFailure.Status.unavailable.rawValue) }
    }
}
