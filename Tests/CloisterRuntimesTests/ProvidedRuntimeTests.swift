import Foundation
import Testing

@Suite struct ProvidedRuntimeTests {
    private var example: String {
        get throws {
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            return try String(
                contentsOf: root.appendingPathComponent("Examples/hello-provided/bootstrap"), encoding: .utf8)
        }
    }

    @Test(arguments: ["provided.al2023", "provided"])
    func aShellBootstrapServes(runtime: String) throws {
        let report = try RuntimeDriver(runtime: runtime, files: ["bootstrap": example], handler: "x").run([
            .init(body: #"{"a":1}"#), .init(),
        ])
        try #require(report.posts.count == 2, "\(report.output)")
        #expect(try report.posts[1].object()["invocations"] as? Int == 2)
    }

    @Test func aLayersBootstrapIsFound() throws {
        var driver = RuntimeDriver(runtime: "provided.al2023", files: [:], handler: "x")
        driver.layers["bootstrap"] = try example
        #expect(try driver.run().posts.count == 1)
    }

    @Test func withoutBootstrapItEndsWithLambdasText() throws {
        let report = try RuntimeDriver(runtime: "provided.al2023", files: [:], handler: "x").run()
        #expect(report.status == 127)
        #expect(report.output == "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]\n")
    }
}
