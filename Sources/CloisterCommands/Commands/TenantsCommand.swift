import ArgumentParser
import CloisterTemplates

/// `cloister tenants`: the registry of tenants.
struct TenantsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tenants", abstract: "The registry of tenants: tier, limits, suspension.",
        discussion: """
              cloister tenants put acme --tier enterprise
              cloister tenants suspend acme      destroys acme's environments now and refuses its invocations
            A tenant that isn't registered is served without limits of its own, except by functions with the tag
            cloister:tenants=registered.
            """,
        subcommands: [Put.self, List.self, Show.self, Suspend.self, Resume.self, Delete.self])

    struct Put: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Register a tenant, or replace what is registered. A suspension stays.")

        @Argument(help: "The tenant's id.")
        var id: String

        @Option(help: "Its tier.")
        var tier: String?

        @OptionGroup(title: "In place of the tier's") var settings: SettingsOptions

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var client: ClientOptions

        func run() throws {
            var members = settings.members
            members["tier"] = tier.map { .string($0) }
            try TenantsCommand.show(try RegistryClient(api: client.client()).putTenant(id, members), json: json)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the tenants.")

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var client: ClientOptions

        func run() throws {
            let tenants = try RegistryClient(api: client.client()).tenants()
            if json { return try Terminal.printJSON(tenants.map(\.value)) }
            if tenants.isEmpty { Terminal.note("No tenants.") } else { Terminal.print(TenantsCommand.table(tenants)) }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a tenant with what is in force for it.")

        @Argument(help: "The tenant's id.")
        var id: String

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var client: ClientOptions

        func run() throws {
            try TenantsCommand.show(try RegistryClient(api: client.client()).tenant(id), json: json)
        }
    }

    struct Suspend: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Destroy a tenant's environments now and refuse its invocations.")

        @Argument(help: "The tenant's id.")
        var id: String

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var client: ClientOptions

        func run() throws {
            try TenantsCommand.show(try RegistryClient(api: client.client()).setStatus(id, "suspend"), json: json)
        }
    }

    struct Resume: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a tenant's suspension.")

        @Argument(help: "The tenant's id.")
        var id: String

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var client: ClientOptions

        func run() throws {
            try TenantsCommand.show(try RegistryClient(api: client.client()).setStatus(id, "resume"), json: json)
        }
    }

    struct Delete: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget a tenant and destroy its environments. A suspension ends with it.")

        @Argument(help: "The tenant's id.")
        var id: String

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var client: ClientOptions

        func run() throws {
            try RegistryClient(api: client.client()).deleteTenant(id)
            try json ? Terminal.printJSON(["deleted": id]) : Terminal.note("Deleted \(Terminal.harmless(id)).")
        }
    }

    private static func show(_ tenant: RegistryDocument, json: Bool) throws {
        try json ? Terminal.printJSON(tenant.value) : Terminal.print(table([tenant]))
    }

    /// With what is in force, where the server says so.
    static func table(_ tenants: [RegistryDocument]) -> String {
        var table = TextTable([
            ("Tenant", .left), ("Tier", .left), ("Status", .left), ("Reserved", .right), ("Concurrency", .right),
            ("Rate/s", .right), ("Memory MiB", .right), ("Functions", .left),
        ])
        for tenant in tenants {
            let shown = tenant.effective ?? tenant
            table.add([
                tenant.name, tenant.tier ?? "–", tenant.status ?? "–", shown.member("reservation"),
                shown.limit("concurrency"), shown.limit("rate"), shown.limit("memoryMiB"), shown.functions,
            ])
        }
        return table.text
    }
}
