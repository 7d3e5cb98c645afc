import ArgumentParser
import CloisterCore
import CloisterServer
import CloisterTemplates
import Foundation
import Testing

@testable import CloisterCommands

@Suite("Command line")
struct CommandLineTests {
    func parse<Command: ParsableCommand>(_ type: Command.Type, _ arguments: String...) throws -> Command {
        try #require(try CloisterCommand.parseAsRoot(arguments) as? Command)
    }

    @Test("serve takes what scripts rely on")
    func serve() throws {
        let options = try parse(
            ServeCommand.self, "serve", "--data", "/d", "--listen", "[::1]:80", "--isolation", "container",
            "--account-id", "123456789012", "--insecure-local", "--runtimes", "/r", "--allow-substitutes",
            "--concurrency", "7"
        ).options()
        #expect(options.dataDirectory == "/d")
        #expect(options.host == "::1")
        #expect(options.port == 80)
        #expect(options.isolation == .level(.container))
        #expect(options.account.rawValue == "123456789012")
        #expect(options.allowsUnsigned)
        #expect(options.runtimesDirectory == "/r")
        #expect(options.allowsSubstitutes)
        #expect(options.concurrency == 7)
    }

    @Test("serve's defaults are local and closed")
    func serveDefaults() throws {
        let options = try parse(ServeCommand.self, "serve").options()
        #expect(options.host == "127.0.0.1")
        #expect(options.port == 4_570)
        #expect(options.isolation == .auto)
        #expect(!options.allowsUnsigned)
        #expect(options.account.rawValue == "000000000000")
    }

    @Test(
        "serve refuses what can't be",
        arguments: [
            ["--account-id", "12"], ["--listen", "4570"], ["--listen", ":4570"], ["--listen", "h:99999"],
            ["--insecure-local", "--listen", "0.0.0.0:4570"], ["--concurrency", "0"], ["--isolation", "none"],
        ])
    func serveRefuses(arguments: [String]) {
        #expect(throws: (any Error).self) {
            let command = try CloisterCommand.parseAsRoot(["serve"] + arguments)
            _ = try (command as? ServeCommand)?.options()
        }
    }

    @Test("deploy takes parameters, and JSON only without questions")
    func deploy() throws {
        let command = try parse(
            DeployCommand.self, "deploy", "t.yaml", "--stack-name", "s", "--parameter-overrides", "A=1", "B=x=y", "C=",
            "--yes", "--json")
        #expect(command.template == "t.yaml")
        #expect(try command.overrides() == ["A": "1", "B": "x=y", "C": ""])
        for wrong in [
            ["--json"], ["--yes", "--json", "--watch"], ["--stack-name", "1x"], ["--parameter-overrides", "A"],
        ] {
            #expect(throws: (any Error).self) { try CloisterCommand.parseAsRoot(["deploy", "t.yaml"] + wrong) }
        }
    }

    @Test(
        "a stack without a name is called like the template's folder",
        arguments: [
            ("/srv/my_app/template.yaml", "my-app"), ("/srv/1st/t.yaml", "st"), ("/t.yaml", "cloister-app"),
            ("/srv/Orders.v2/t.yaml", "Orders-v2"),
        ])
    func stackName(path: String, expected: String) {
        #expect(DeploymentPlan.defaultStackName(template: path) == expected)
    }

    @Test("invoke sends tenant, qualifier and kind as AWS's clients do")
    func invoke() throws {
        let request = try parse(
            InvokeCommand.self, "invoke", "f", "--tenant-id", "acme", "--payload", "{\"a\":1}", "--qualifier", "live",
            "--log"
        ).request()
        #expect(request.path == "/2015-03-31/functions/f/invocations")
        #expect(request.encodedQuery == "Qualifier=live")
        #expect(request.fields.contains { $0.name == "x-amz-tenant-id" && $0.value == "acme" })
        #expect(request.fields.contains { $0.name == "x-amz-log-type" && $0.value == "Tail" })
        #expect(request.fields.contains { $0.name == "x-amz-invocation-type" && $0.value == "RequestResponse" })
        #expect(request.body == Array("{\"a\":1}".utf8))
        let event = try parse(InvokeCommand.self, "invoke", "f", "--async").request()
        #expect(event.fields.contains { $0.name == "x-amz-invocation-type" && $0.value == "Event" })
        #expect(event.body == Array("{}".utf8))
    }

    @Test(
        "a tenant id that could end the header is refused before it is sent", arguments: ["a\r\nX: y", " a", "a#b"])
    func wrongTenant(id: String) throws {
        let command = try parse(InvokeCommand.self, "invoke", "f", "--tenant-id=\(id)")
        let failure = #expect(throws: CommandFailure.self) { try command.request() }
        #expect(failure?.message.contains("\n") == false)
    }

    @Test("an outcome tells error, version and log")
    func outcome() {
        let outcome = InvocationOutcome(
            HTTPResponse(
                fields: [
                    (name: "x-amz-function-error", value: "Unhandled"),
                    (name: "x-amz-executed-version", value: "$LATEST"),
                    (name: "x-amz-log-result", value: Data("START\nEND\n".utf8).base64EncodedString()),
                ], status: 200, body: Array("{\"errorType\":\"X\"}".utf8)))
        #expect(outcome.functionError == "Unhandled")
        #expect(outcome.log == ["START", "END"])
        #expect(outcome.payload == .object(["errorType": .string("X")]))
    }

    @Test("logs ask for function, tenant and time")
    func logs() throws {
        let now = Date(timeIntervalSince1970: 10_000)
        let request = try parse(
            LogsCommand.self, "logs", "f", "--follow", "--tenant-id", "a b", "--since", "10m"
        ).request(now: now)
        #expect(request.encodedQuery == "function=f&tenantId=a%20b&since=9400000&follow=1")
        #expect(request.service == "cloister")
        #expect(throws: (any Error).self) { try CloisterCommand.parseAsRoot(["logs", "f", "--since", "soon"]) }
    }

    @Test(
        "times",
        arguments: [("30s", 9_970_000), ("2h", 2_800_000), ("0d", 10_000_000), ("1970-01-01T00:00:05Z", 5_000)])
    func since(text: String, expected: Int64) {
        #expect(SinceTime.milliseconds(text, now: Date(timeIntervalSince1970: 10_000)) == expected)
    }

    @Test("errors tell what is wrong and how to go on")
    func failures() {
        let failure = CloisterCommand.failure(from: APIError(status: 501, code: "NotImplemented", message: "m"))
        #expect(failure?.hint == "this server doesn't have that operation yet")
        #expect(CloisterCommand.failure(from: ValidationError("x")) == nil)
        #expect(throws: (any Error).self) { try CloisterCommand.parseAsRoot(["nonsense"]) }
        do {
            _ = try CloisterCommand.parseAsRoot(["deploy", "--nonsense"])
        } catch {
            #expect(CloisterCommand.failure(from: error) == nil)
        }
    }
}
