import ArgumentParser
import CloisterTemplates

/// Limits and reservations, of a tier or of one tenant.
struct SettingsOptions: ParsableArguments {
    @Option(name: .customLong("reserve"), help: "Environments of each function to keep warm for each tenant.")
    var reservation: Int?

    @Option(
        name: .customLong("function"),
        help: ArgumentHelp(
            "A function whose environments are kept warm; may be repeated.", valueName: "name[:qualifier]"))
    var functions: [String] = []

    @Option(help: "Invocations of a tenant at once, over all functions.")
    var concurrency: Int?

    @Option(help: "Invocations of a tenant a second, on the long run.")
    var rate: Double?

    @Option(help: "Invocations that may come at once beyond the rate (default: what comes in a second).")
    var burst: Int?

    @Option(help: "MiB that a tenant's environments may use together.")
    var memory: Int?

    @Option(help: "A tenant's share of the start slots while others wait too (default: 1).")
    var weight: Double?

    var members: [String: JSONValue] {
        var limits: [String: JSONValue] = [:]
        limits["concurrency"] = concurrency.map { .integer($0) }
        limits["rate"] = rate.map { .number($0) }
        limits["burst"] = burst.map { .integer($0) }
        limits["memoryMiB"] = memory.map { .integer($0) }
        limits["weight"] = weight.map { .number($0) }
        var members: [String: JSONValue] = ["limits": .object(limits)]
        members["reservation"] = reservation.map { .integer($0) }
        if !functions.isEmpty { members["functions"] = .array(functions.map { .string($0) }) }
        return members
    }
}

/// `cloister tiers`: what tenants of one tier have in common.
struct TiersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tiers", abstract: "Tiers of tenants: reservations and limits.",
        discussion: """
              cloister tiers put enterprise --reserve 20 --function tenant-isolated-processor:prod --concurrency 100
              cloister tiers put starter --rate 5 --memory 1024
            """,
        subcommands: [Put.self, List.self, Show.self, Delete.self])

    struct Put: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a tier, or replace it. Its tenants get what it says at once.")

        @Argument(help: "The tier's name.")
        var name: String

        @OptionGroup var settings: SettingsOptions

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var client: ClientOptions

        func run() throws {
            let tier = try RegistryClient(api: client.client()).putTier(name, settings.members)
            try json ? Terminal.printJSON(tier.value) : Terminal.print(TiersCommand.table([tier]))
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the tiers.")

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var client: ClientOptions

        func run() throws {
            let tiers = try RegistryClient(api: client.client()).tiers()
            if json { return try Terminal.printJSON(tiers.map(\.value)) }
            if tiers.isEmpty { Terminal.note("No tiers.") } else { Terminal.print(TiersCommand.table(tiers)) }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a tier.")

        @Argument(help: "The tier's name.")
        var name: String

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var client: ClientOptions

        func run() throws {
            let tier = try RegistryClient(api: client.client()).tier(name)
            try json ? Terminal.printJSON(tier.value) : Terminal.print(TiersCommand.table([tier]))
        }
    }

    struct Delete: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete a tier that no tenant has.")

        @Argument(help: "The tier's name.")
        var name: String

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var client: ClientOptions

        func run() throws {
            try RegistryClient(api: client.client()).deleteTier(name)
            try json ? Terminal.printJSON(["deleted": name]) : Terminal.note("Deleted \(Terminal.harmless(name)).")
        }
    }

    static func table(_ tiers: [RegistryDocument]) -> String {
        var table = TextTable([
            ("Tier", .left), ("Reserved", .right), ("Concurrency", .right), ("Rate/s", .right), ("Memory MiB", .right),
            ("Functions", .left),
        ])
        for tier in tiers {
            table.add([
                tier.name, tier.member("reservation"), tier.limit("concurrency"), tier.limit("rate"),
                tier.limit("memoryMiB"), tier.functions,
            ])
        }
        return table.text
    }
}
