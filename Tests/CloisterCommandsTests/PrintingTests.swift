import CloisterCore
import CloisterServer
import CloisterTemplates
import Foundation
import Testing

@testable import CloisterCommands

@Suite("Printing")
struct PrintingTests {
    @Test("columns are as wide as their widest cell, numbers to the right")
    func table() {
        var table = TextTable([("Name", .left), ("Size", .right), ("Note", .left)])
        table.add(["a", "10", ""])
        table.add(["longer", "7", "x"])
        table.add(["b"])
        #expect(
            table.text == """
                Name    Size  Note
                a         10
                longer     7  x
                b
                """)
    }

    @Test("control characters from elsewhere can't drive the terminal")
    func harmless() {
        #expect(Terminal.harmless("a\u{1B}[31mb\r\nc\u{9B}d\te") == "a\u{FFFD}[31mb\u{FFFD}\u{FFFD}c\u{FFFD}d\te")
    }

    @Test("environments are sorted by function and tenant")
    func environments() throws {
        let json = """
            [{"id":"ffffffffffffffff","function":"f","version":"$LATEST","tenantId":"globex","state":"idle","level":"gvisor",
              "memoryBytes":52428800,"peakMemoryBytes":62914560,"since":0,"invocations":3,"processId":77},
             {"id":"0123456789abcdef","function":"f","version":"1","state":"busy","level":"container","invocations":0}]
            """
        let environments = try JSONDecoder().decode([EnvironmentDescription].self, from: Data(json.utf8))
        let table = EnvironmentsCommand.table(environments, now: Date(timeIntervalSince1970: 125))
        #expect(
            table == """
                Environment   Function  Version  Tenant  State  Level      Memory    Peak    Age  Invocations  PID
                0123456789ab  f         1        –       busy   container       –       –      –            0    –
                ffffffffffff  f         $LATEST  globex  idle   gvisor     50 MiB  60 MiB  2 min            3   77
                """)
    }

    @Test("log records become lines with time and tenant")
    func logLines() {
        let record =
            "{\"timestamp\":1700000000123,\"tenantId\":\"acme\",\"message\":\"hello\\u001b[0m\",\"stream\":\"s\"}"
        #expect(LogLine(Array(record.utf8)).text == "2023-11-14T22:13:20.123Z [acme] hello\u{FFFD}[0m")
        #expect(LogLine(Array("no json".utf8)).text == "no json")
    }

    @Test("lines are cut wherever the pieces end, and bounded")
    func lines() throws {
        var splitter = LineSplitter()
        #expect(try splitter.receive(Array("a\nb".utf8)) == [Array("a".utf8)])
        #expect(try splitter.receive(Array("c\n\nd".utf8)) == [Array("bc".utf8), []])
        #expect(splitter.rest == Array("d".utf8))
        #expect(throws: CommandFailure.self) {
            try splitter.receive([UInt8](repeating: 97, count: LineSplitter.lineBytesMax + 1))
        }
    }

    @Test(
        "shells read back what was quoted",
        arguments: ["plain", "a b", "it's", "$(rm -rf x)", "", "a\nb", "\"`\\", "AKIA+/="])
    func quoting(text: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "printf %s " + ShellQuoting.quote(text)]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(String(decoding: output, as: UTF8.self) == text)
    }

    @Test("exports name key, region and endpoint")
    func exports() throws {
        let variables = EnvCommand.variables(
            AdministratorCredentials(accessKeyId: "AKIAX", secretAccessKey: "se/cr+et"),
            endpoint: try Endpoint("http://127.0.0.1:4570"), region: "eu-west-1")
        #expect(
            EnvCommand.exports(variables) == """
                export AWS_ACCESS_KEY_ID=AKIAX
                export AWS_SECRET_ACCESS_KEY=se/cr+et
                export AWS_DEFAULT_REGION=eu-west-1
                export AWS_REGION=eu-west-1
                export AWS_ENDPOINT_URL=http://127.0.0.1:4570
                """)
    }

    @Test("the key is made once, and readable by its owner alone")
    func credentials() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("credentials-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let first = try AdministratorCredentials.readOrCreate(dataDirectory: folder.path)
        #expect(try AdministratorCredentials.readOrCreate(dataDirectory: folder.path) == first)
        #expect(first.accessKeyId.count == 20)
        #expect(first.secretAccessKey.count == 40)
        #expect(!"\(first)".contains(first.secretAccessKey))
        let file = folder.appendingPathComponent("credentials.json").path
        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["credentials.json"])
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
        #expect(throws: AdministratorCredentialsError.self) {
            try AdministratorCredentials.read(dataDirectory: folder.path)
        }
    }

    @Test("a change set shows sign, resource, type and reasons")
    func changes() {
        let table = DeploymentPrinter.table([
            Change(.create, logicalID: "F", kind: .function),
            Change(.update, logicalID: "G", kind: .function, reasons: ["code", "Timeout 3 → 9"]),
        ])
        #expect(table.contains("+ Create  F"))
        #expect(table.contains("~ Update  G"))
        #expect(table.contains("code, Timeout 3 → 9"))
    }

    @Test("a diagnosis names the strongest level that works, and how to get the others")
    func diagnosis() {
        let diagnosis = Diagnosis(
            host: .init(kernel: "6.1", architecture: "x86_64", isRoot: true),
            levels: [
                .init(level: .container, works: true, detail: "crun 1.8"),
                .init(level: .microvm, works: false, detail: "no", remedy: "wait"),
                .init(level: .gvisor, works: false, detail: "no runsc", remedy: "apt install runsc"),
            ], runtimes: [])
        #expect(diagnosis.levelInForce == .container)
        #expect(diagnosis.levels.map(\.level) == [.microvm, .gvisor, .container])
        #expect(diagnosis.text.contains("gvisor: apt install runsc"))
        #expect(diagnosis.text.contains("In force with --isolation auto: container"))
    }
}
