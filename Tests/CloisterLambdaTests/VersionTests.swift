import CloisterCore
import CloisterLambda
import Testing

@Suite struct VersionTests {
    static let prefix = "arn:aws:lambda:eu-central-1:000000000000:function:hello"
    let harness: Harness

    init() throws { harness = try Harness() }

    private func publish(_ body: JSON = [:]) async throws -> Answer {
        try await harness.send("POST", "/2015-03-31/functions/hello/versions", body)
    }

    private func update(_ body: JSON) async throws {
        #expect(try await harness.send("PUT", "/2015-03-31/functions/hello/configuration", body).status == 200)
        await harness.service.settle()
    }

    @Test func aVersionStaysAsItWas() async throws {
        let created = try await harness.create("hello", ["Description": "latest"])
        let first = try await publish(["Description": "one"])
        #expect(first.status == 201)
        #expect(first.body["Version"] == "1")
        #expect(first.body["FunctionArn"] == .text(VersionTests.prefix + ":1"))
        #expect(first.body["Description"] == "one")
        #expect(first.body["CodeSha256"] == created.body["CodeSha256"])
        #expect(first.body["State"] == "Active")
        let before = try #require(harness.entry("hello")?.versions[.number(1)])
        try await update(["Timeout": 99])
        #expect(harness.entry("hello")?.versions[.number(1)] == before)
        #expect(harness.entry("hello")?.versions[.latest]?.timeoutSeconds == 99)
        let got = try await harness.send("GET", "/2015-03-31/functions/hello/configuration?Qualifier=1")
        #expect(got.body == first.body)
        let refused = try await harness.send("PUT", "/2015-03-31/functions/hello:1/configuration", ["Timeout": 5])
        #expect(refused.status == 400)
    }

    @Test func nothingNewNoNewVersion() async throws {
        try await harness.create("hello")
        #expect(try await publish().body["Version"] == "1")
        #expect(try await publish(["Description": "again"]).body["Version"] == "1")
        try await update(["Timeout": 9])
        #expect(try await publish().body["Version"] == "2")
        let listed = try await harness.send("GET", "/2015-03-31/functions/hello/versions")
        #expect(listed.body["Versions"].items.map { $0["Version"] } == ["$LATEST", "1", "2"])
        #expect(listed.body["Versions"][0]["FunctionArn"] == .text(VersionTests.prefix + ":$LATEST"))
        let page = try await harness.send("GET", "/2015-03-31/functions/hello/versions?MaxItems=2")
        let marker = try #require(page.body["NextMarker"].string)
        let rest = try await harness.send("GET", "/2015-03-31/functions/hello/versions?Marker=\(marker)")
        #expect(rest.body["Versions"].items.map { $0["Version"] } == ["2"])
        #expect(rest.body["NextMarker"] == .null)
    }

    @Test func checksBeforePublishing() async throws {
        let created = try await harness.create("hello")
        let digest = try await publish(["CodeSha256": "wrong"])
        #expect(digest.error == "InvalidParameterValueException")
        #expect(
            digest.message?.hasPrefix("CodeSHA256 (wrong) is different from current CodeSHA256 in $LATEST (") == true)
        let revision = try await publish(["RevisionId": "wrong"])
        #expect(revision.status == 412)
        let right = try await publish([
            "CodeSha256": created.body["CodeSha256"], "RevisionId": created.body["RevisionId"],
        ])
        #expect(right.status == 201)
    }

    @Test func publishWithTheCode() async throws {
        let created = try await harness.create("hello", ["Publish": true])
        #expect(created.body["Version"] == "1")
        let updated = try await harness.send(
            "PUT", "/2015-03-31/functions/hello/code", ["ZipFile": Harness.zip("new"), "Publish": true])
        #expect(updated.body["Version"] == "2")
        #expect(updated.body["FunctionArn"] == .text(VersionTests.prefix + ":2"))
        await harness.service.settle()
        let entry = try #require(harness.entry("hello"))
        #expect(entry.versions.count == 3)
        #expect(entry.versions[.number(2)]?.codeDirectory == entry.versions[.latest]?.codeDirectory)
        #expect(entry.versions[.number(1)]?.codeDirectory != entry.versions[.latest]?.codeDirectory)
    }

    @Test func deletingVersions() async throws {
        try await harness.create("hello", ["Publish": true])
        try await harness.send("POST", "/2015-03-31/functions/hello/aliases", ["Name": "live", "FunctionVersion": "1"])
            .expect(201)
        let referred = try await harness.send("DELETE", "/2015-03-31/functions/hello?Qualifier=1")
        #expect(referred.status == 409)
        try await harness.send("DELETE", "/2015-03-31/functions/hello/aliases/live").expect(204)
        try await harness.send("DELETE", "/2015-03-31/functions/hello:1").expect(200)
        #expect(harness.entry("hello")?.versions[.number(1)] == nil)
        #expect(try await harness.send("DELETE", "/2015-03-31/functions/hello?Qualifier=1").status == 404)
        #expect(try await harness.send("DELETE", "/2015-03-31/functions/hello?Qualifier=$LATEST").status == 400)
        #expect(try await publish().body["Version"] == "2")
    }

    @Test func aliases() async throws {
        try await harness.create("hello", ["Publish": true])
        try await update(["Timeout": 9])
        _ = try await publish()
        let path = "/2015-03-31/functions/hello/aliases"
        let created = try await harness.send(
            "POST", path,
            [
                "Name": "live", "FunctionVersion": "1", "Description": "d",
                "RoutingConfig": ["AdditionalVersionWeights": ["2": 0.25]],
            ])
        #expect(created.status == 201)
        #expect(created.body["AliasArn"] == .text(VersionTests.prefix + ":live"))
        #expect(created.body["RoutingConfig"] == ["AdditionalVersionWeights": ["2": 0.25]])
        #expect(
            harness.entry("hello")?.aliases["live"]
                == AliasTarget(version: .number(1), additionalVersion: .number(2), additionalWeight: 0.25))
        #expect(try await harness.send("GET", path + "/live").body == created.body)
        let again = try await harness.send("POST", path, ["Name": "live", "FunctionVersion": "1"])
        #expect(again.status == 409)
        #expect(again.message == "Alias already exists: \(VersionTests.prefix):live")
        let revisions = harness.entry("hello")?.versions.mapValues(\.revision)
        let stale = try await harness.send("PUT", path + "/live", ["RevisionId": "x"])
        #expect(stale.status == 412)
        let updated = try await harness.send("PUT", path + "/live", ["FunctionVersion": "2", "RoutingConfig": [:]])
        #expect(updated.body["FunctionVersion"] == "2")
        #expect(updated.body["Description"] == "d")
        #expect(updated.body["RoutingConfig"] == .null)
        #expect(updated.body["RevisionId"] != created.body["RevisionId"])
        #expect(harness.entry("hello")?.versions.mapValues(\.revision) == revisions)
        let configuration = try await harness.send("GET", "/2015-03-31/functions/hello:live/configuration")
        #expect(configuration.body["Version"] == "2")
        #expect(configuration.body["FunctionArn"] == .text(VersionTests.prefix + ":live"))
        #expect(try await harness.send("GET", path + "?FunctionVersion=1").body["Aliases"] == [])
        #expect(try await harness.send("GET", path).body["Aliases"].items.count == 1)
        #expect(
            try await harness.send("GET", path + "/other").message
                == "Cannot find alias arn: \(VersionTests.prefix):other")
        try await harness.send("DELETE", path + "/live").expect(204)
        try await harness.send("DELETE", path + "/live").expect(204)
        #expect(harness.entry("hello")?.aliases.isEmpty == true)
    }

    @Test func aliasesThatCantBe() async throws {
        try await harness.create("hello", ["Publish": true])
        let path = "/2015-03-31/functions/hello/aliases"
        let cases: [(JSON, Int)] = [
            (["Name": "7", "FunctionVersion": "1"], 400), (["Name": "a b", "FunctionVersion": "1"], 400),
            (["FunctionVersion": "1"], 400), (["Name": "live"], 400), (["Name": "live", "FunctionVersion": "9"], 404),
            (["Name": "live", "FunctionVersion": "x"], 400),
            (["Name": "live", "FunctionVersion": "99999999999999999999"], 404),
            (
                [
                    "Name": "live", "FunctionVersion": "$LATEST",
                    "RoutingConfig": ["AdditionalVersionWeights": ["1": 0.5]],
                ], 400
            ),
            (["Name": "live", "FunctionVersion": "1", "RoutingConfig": ["AdditionalVersionWeights": ["1": 0.5]]], 400),
            (["Name": "live", "FunctionVersion": "1", "RoutingConfig": ["AdditionalVersionWeights": ["2": 0.5]]], 404),
            (["Name": "live", "FunctionVersion": "1", "RoutingConfig": ["AdditionalVersionWeights": ["2": 1.5]]], 400),
            (["Name": "live", "FunctionVersion": "1", "RoutingConfig": ["AdditionalVersionWeights": ["x": 0.5]]], 400),
            (
                [
                    "Name": "live", "FunctionVersion": "1",
                    "RoutingConfig": ["AdditionalVersionWeights": ["2": 0.5, "3": 0.5]],
                ], 400
            ),
        ]
        for (body, status) in cases {
            #expect(try await harness.send("POST", path, body).status == status, "\(body)")
        }
        #expect(harness.entry("hello")?.aliases.isEmpty == true)
    }
}

extension Answer {
    func expect(_ status: Int, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(self.status == status, "\(message ?? "")", sourceLocation: sourceLocation)
    }
}
