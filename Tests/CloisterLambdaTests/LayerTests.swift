import CloisterCore
import CloisterLambda
import Foundation
import Testing

@Suite struct LayerTests {
    static let prefix = "arn:aws:lambda:eu-central-1:000000000000:layer:"
    let harness: Harness

    init() throws { harness = try Harness() }

    private func publish(_ name: String, _ text: String, _ changes: [String: JSON] = [:]) async throws -> Answer {
        let archive = ZipWriter.archive([.init("python/\(name).py", text)])
        var members: [String: JSON] = ["Content": ["ZipFile": .text(Data(archive).base64EncodedString())]]
        members.merge(changes) { $1 }
        return try await harness.send("POST", "/2018-10-31/layers/\(name)/versions", .object(members))
    }

    @Test func publishAndRead() async throws {
        let first = try await publish(
            "tools", "1", ["Description": "d", "CompatibleRuntimes": ["python3.13"], "LicenseInfo": "MIT"])
        #expect(first.status == 201)
        #expect(first.body["Version"] == 1)
        #expect(first.body["LayerArn"] == .text(LayerTests.prefix + "tools"))
        #expect(first.body["LayerVersionArn"] == .text(LayerTests.prefix + "tools:1"))
        #expect(first.body["Content"]["CodeSha256"].string?.count == 44)
        #expect(try await publish("tools", "2").body["Version"] == 2)
        #expect(try await publish("other", "1").body["Version"] == 1)
        let got = try await harness.send("GET", "/2018-10-31/layers/tools/versions/1")
        #expect(got.body["Description"] == "d")
        let byARN = try await harness.send(
            "GET", "/2018-10-31/layers?find=LayerVersion&Arn=\(LayerTests.prefix)tools:1")
        #expect(byARN.body["LayerVersionArn"] == got.body["LayerVersionArn"])
        let versions = try await harness.send("GET", "/2018-10-31/layers/tools/versions")
        #expect(versions.body["LayerVersions"].items.map { $0["Version"] } == [2, 1])
        let layers = try await harness.send("GET", "/2018-10-31/layers")
        #expect(layers.body["Layers"].items.map { $0["LayerName"] } == ["other", "tools"])
        #expect(layers.body["Layers"][1]["LatestMatchingVersion"]["Version"] == 2)
        let matching = try await harness.send("GET", "/2018-10-31/layers?CompatibleRuntime=python3.13")
        #expect(matching.body["Layers"][0]["LatestMatchingVersion"]["Version"] == 1)
        try await harness.send("DELETE", "/2018-10-31/layers/tools/versions/2").expect(204)
        try await harness.send("DELETE", "/2018-10-31/layers/tools/versions/2").expect(204)
        #expect(try await publish("tools", "3").body["Version"] == 3)
    }

    @Test func whatIsNotThere() async throws {
        for (path, status) in [
            ("tools/versions/1", 404), ("tools/versions/0", 400), ("tools/versions/x", 400), ("a%20b/versions/1", 400),
        ] {
            #expect(try await harness.send("GET", "/2018-10-31/layers/\(path)").status == status, "\(path)")
        }
        #expect(try await harness.send("GET", "/2018-10-31/layers?find=LayerVersion").status == 400)
        #expect(try await harness.send("GET", "/2018-10-31/layers?find=LayerVersion&Arn=x").status == 400)
        #expect(try await harness.send("POST", "/2018-10-31/layers/tools/versions", [:]).status == 400)
        #expect(try await publish("tools", "1", ["CompatibleArchitectures": ["vax"]]).status == 400)
    }

    @Test func functionsUseThem() async throws {
        _ = try await publish("a", "1")
        _ = try await publish("b", "2")
        let arns: JSON = [.text(LayerTests.prefix + "a:1"), .text(LayerTests.prefix + "b:1")]
        let created = try await harness.create("hello", ["Layers": arns])
        #expect(created.body["Layers"].items.map { $0["Arn"] } == arns.items)
        let snapshot = try #require(harness.entry("hello")?.versions[.latest])
        let directory = try #require(snapshot.layersDirectory)
        #expect(try String(contentsOfFile: directory + "/python/a.py", encoding: .utf8) == "1")
        #expect(try String(contentsOfFile: directory + "/python/b.py", encoding: .utf8) == "2")
        // A function keeps a layer that was deleted.
        try await harness.send("DELETE", "/2018-10-31/layers/a/versions/1").expect(204)
        try await harness.service.start()
        await harness.service.settle()
        #expect(FileManager.default.fileExists(atPath: directory + "/python/a.py"))
        _ = try await harness.send("PUT", "/2015-03-31/functions/hello/configuration", ["Layers": []])
        await harness.service.settle()
        #expect(harness.entry("hello")?.versions[.latest]?.layersDirectory == nil)
        #expect(harness.entry("hello")?.versions[.latest]?.revision != snapshot.revision)
    }

    @Test func sizesCountTogether() async throws {
        let harness = try Harness(configuration: LambdaConfiguration(unpackedBytesMax: 60, architecture: "x86_64"))
        let archive = ZipWriter.archive([.init("f", String(repeating: "x", count: 50))])
        try await harness.send(
            "POST", "/2018-10-31/layers/big/versions",
            ["Content": ["ZipFile": .text(Data(archive).base64EncodedString())]]
        ).expect(201)
        let answer = try await harness.create("hello", ["Layers": [.text(LayerTests.prefix + "big:1")]])
        #expect(answer.error == "InvalidParameterValueException")
        #expect(answer.message?.contains("exceeds the maximum allowed size of 60 bytes") == true)
    }

    @Test func otherMachines() async throws {
        let warned = try await harness.create("plain", ["Architectures": ["arm64"]])
        #expect(warned.status == 201)
        #expect(warned.body["Architectures"] == ["arm64"])
        #expect(warned.header("x-cloister-warning")?.contains("arm64") == true)
        let elf: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + Array(repeating: 0, count: 11) + [183, 0, 0, 0]
        let archive = ZipWriter.archive([.init("native.so", bytes: elf)])
        let code: JSON = ["ZipFile": .text(Data(archive).base64EncodedString())]
        let refused = try await harness.create("native", ["Architectures": ["arm64"], "Code": code])
        #expect(refused.error == "InvalidParameterValueException")
        #expect(refused.message?.contains("native files for arm64") == true)
    }
}
