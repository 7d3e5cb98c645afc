import ArgumentParser
import CloisterCore
import CloisterMicroVM
import CloisterServer
import Foundation

/// `cloister serve`: the server, in the foreground.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the server in the foreground until it is stopped.",
        discussion: "Everything that the server keeps is under the data directory; several can run side by side.")

    enum Isolation: String, CaseIterable, ExpressibleByArgument {
        case auto, microvm, gvisor, container
    }

    @Option(name: .customLong("data"), help: "The data directory.")
    var dataDirectory = ServerDefaults.dataDirectory

    @Option(help: ArgumentHelp("Where to listen.", valueName: "host:port"))
    var listen = ServerDefaults.listen

    @Option(help: "The isolation level; auto takes the strongest that passes its self-test.")
    var isolation = Isolation.auto

    @OptionGroup var machines: MachineOptions

    @Option(name: .customLong("account-id"), help: "The AWS account number to appear as.")
    var account = AccountID.default.rawValue

    @Flag(name: .customLong("insecure-local"), help: "Let unsigned requests in; on a loopback address only.")
    var allowsUnsigned = false

    @Option(name: .customLong("runtimes"), help: ArgumentHelp("Where runtime images are kept.", valueName: "dir"))
    var runtimesDirectory: String?

    @Flag(name: .customLong("allow-substitutes"), help: "Run a function on a near runtime when its own isn't there.")
    var allowsSubstitutes = false

    @Option(help: "How many environments may run at once.")
    var concurrency = 1_000

    @Option(
        name: .customLong("preboot-memory"),
        help: ArgumentHelp("What sandboxes booted in advance may hold together; 0 for none.", valueName: "MiB"))
    var prebootMemory: Int?

    func run() async throws {
        try await ServerLauncher.run(options())
    }

    /// Throws `ValidationError` for what can't be.
    func options() throws -> ServeOptions {
        let address = try ListenAddress(listen)
        guard let account = AccountID(account) else {
            throw ValidationError("--account-id takes twelve digits, not `\(account)`")
        }
        guard (1...100_000).contains(concurrency) else {
            throw ValidationError("--concurrency takes 1 to 100000")
        }
        if allowsUnsigned, !address.isLoopback {
            throw ValidationError("--insecure-local is for loopback addresses only, not \(address.host)")
        }
        let isolation: ServeOptions.Isolation =
            IsolationLevel(rawValue: isolation.rawValue).map { .level($0) } ?? .auto
        if let prebootMemory, !(0...1 << 20).contains(prebootMemory) {
            throw ValidationError("--preboot-memory takes 0 to \(1 << 20) MiB")
        }
        var options = ServeOptions(
            dataDirectory: dataDirectory, host: address.host, port: address.port, isolation: isolation,
            account: account, allowsUnsigned: allowsUnsigned, runtimesDirectory: runtimesDirectory,
            allowsSubstitutes: allowsSubstitutes, concurrency: concurrency)
        options.prebootMemoryMiB = prebootMemory
        options.microvmAccelerator = try machines.chosen()
        return options
    }
}

/// How machines of the level microvm are run.
struct MachineOptions: ParsableArguments {
    private static let variable = "CLOISTER_MICROVM_ACCELERATOR"

    @Option(
        name: .customLong("microvm-accelerator"),
        help: ArgumentHelp(
            "What runs the machines of level microvm: kvm, or tcg, in software and slow (default: the variable "
                + "CLOISTER_MICROVM_ACCELERATOR, else kvm).",
            valueName: "kvm|tcg"))
    var name: String?

    func chosen(_ environment: [String: String] = ProcessInfo.processInfo.environment) throws -> MicroVMAccelerator? {
        guard let text = name ?? environment[MachineOptions.variable], !text.isEmpty else { return nil }
        guard let accelerator = MicroVMAccelerator(rawValue: text) else {
            throw ValidationError("--microvm-accelerator takes kvm or tcg, not `\(text)`")
        }
        return accelerator
    }
}

/// `HOST:PORT`, an IPv6 address in brackets.
struct ListenAddress: Equatable {
    var host: String
    var port: Int

    init(_ text: String) throws {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { throw ValidationError("--listen takes HOST:PORT, not `\(text)`") }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else { throw ValidationError("--listen names no host; 127.0.0.1 for this machine alone") }
        self.host = String(host)
        self.port = port
    }

    var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
}
