import CloisterCore
import CloisterLambda
import CloisterServiceKit
import Foundation
import Testing

@Suite struct FunctionTests {
    let harness: Harness

    init() throws { harness = try Harness() }

    @Test func createAnswersPendingThenActive() async throws {
        let held = StubCatalog(isHeld: true)
        let harness = try Harness(catalog: held)
        let created = try await harness.send(
            "POST", "/2015-03-31/functions",
            harness.functionBody("hello", ["Runtime": "nodejs20.x", "Description": "d", "Timeout": 7]))
        #expect(created.status == 201)
        #expect(created.body["State"] == "Pending")
        #expect(created.body["StateReasonCode"] == "Creating")
        #expect(created.body["LastUpdateStatus"] == "Successful")
        #expect(harness.entry("hello")?.versions[.latest]?.unavailableReason?.hasSuffix("state: Pending") == true)
        let early = try await harness.send("PUT", "/2015-03-31/functions/hello/configuration", ["Timeout": 9])
        #expect(early.status == 409)
        #expect(early.error == "ResourceConflictException")

        held.open()
        await harness.service.settle()
        let got = try await harness.send("GET", "/2015-03-31/functions/hello/configuration")
        #expect(got.body["State"] == "Active")
        #expect(got.body["StateReason"] == .null)
        #expect(harness.entry("hello")?.versions[.latest]?.unavailableReason == nil)
        #expect(harness.entry("hello")?.versions[.latest]?.imageDirectory == "/images/nodejs20.x")
    }

    @Test func answersHaveEveryMember() async throws {
        try await harness.create("hello", ["Environment": ["Variables": ["STAGE": "test"]], "Tags": ["team": "a"]])
        let got = try await harness.send("GET", "/2015-03-31/functions/hello")
        #expect(got.status == 200)
        let configuration = got.body["Configuration"]
        #expect(configuration["FunctionArn"] == "arn:aws:lambda:eu-central-1:000000000000:function:hello")
        #expect(configuration["Version"] == "$LATEST")
        #expect(configuration["Timeout"] == 3)
        #expect(configuration["MemorySize"] == 128)
        #expect(configuration["PackageType"] == "Zip")
        #expect(configuration["Architectures"] == ["x86_64"])
        #expect(configuration["EphemeralStorage"] == ["Size": 512])
        #expect(configuration["TracingConfig"] == ["Mode": "PassThrough"])
        #expect(configuration["SnapStart"] == ["ApplyOn": "None", "OptimizationStatus": "Off"])
        #expect(configuration["LoggingConfig"] == ["LogFormat": "Text", "LogGroup": "/aws/lambda/hello"])
        #expect(configuration["Environment"] == ["Variables": ["STAGE": "test"]])
        #expect(configuration["CodeSha256"].string?.count == 44)
        #expect(configuration["TenancyConfig"] == .null)
        let modified = try #require(configuration["LastModified"].string)
        #expect(modified.contains(/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}\+0000$/))
        #expect(got.body["Tags"] == ["team": "a"])
        #expect(got.body["Code"]["RepositoryType"] == "S3")
    }

    @Test func codeLocationHandsOutTheArchive() async throws {
        try await harness.create("hello")
        let got = try await harness.send("GET", "/2015-03-31/functions/hello")
        let location = try #require(got.body["Code"]["Location"].string.flatMap { URLComponents(string: $0) })
        #expect(location.host == "127.0.0.1")
        let query = try #require(location.percentEncodedQuery)
        let archive = try await harness.send("GET", "\(location.path)?\(query)", bytes: [])
        #expect(archive.status == 200)
        #expect(archive.bytes.starts(with: [0x50, 0x4b]))
        #expect(try await harness.send("GET", "\(location.path)?\(query)0", bytes: []).status == 403)
        #expect(try await harness.send("GET", "\(location.path)", bytes: []).status == 403)
        #expect(try await harness.send("GET", "/_cloister/code/../x?\(query)", bytes: []).status == 403)
    }

    @Test func namesInEveryForm() async throws {
        try await harness.create("arn:aws:lambda:eu-central-1:000000000000:function:hello")
        for name in [
            "hello", "000000000000:function:hello", "function:hello", "hello:$LATEST",
            "arn%3Aaws%3Alambda%3Aeu-central-1%3A000000000000%3Afunction%3Ahello",
        ] {
            let got = try await harness.send("GET", "/2015-03-31/functions/\(name)")
            #expect(got.status == 200, "\(name)")
        }
        let other = try await harness.send(
            "GET", "/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:hello")
        #expect(other.error == "InvalidParameterValueException")
        #expect(other.message == "Functions from 'us-east-1' are not reachable in this region ('eu-central-1')")
        let foreign = try await harness.send(
            "GET", "/2015-03-31/functions/arn:aws:lambda:eu-central-1:111111111111:function:hello")
        #expect(foreign.status == 404)
        let elsewhere = try await harness.send("GET", "/2015-03-31/functions/hello", bytes: [], region: "us-east-1")
        #expect(elsewhere.status == 404)
        let qualifiers = try await harness.send("GET", "/2015-03-31/functions/hello:1?Qualifier=2")
        #expect(qualifiers.error == "InvalidParameterValueException")
        let latest = try await harness.send("GET", "/2015-03-31/functions/hello/configuration?Qualifier=$LATEST")
        #expect(latest.body["FunctionArn"].string?.hasSuffix(":hello:$LATEST") == true)
    }

    @Test func twiceIsAConflict() async throws {
        try await harness.create("hello")
        let again = try await harness.create("hello")
        #expect(again.status == 409)
        #expect(again.error == "ResourceConflictException")
        #expect(again.body == ["Type": "User", "message": "Function already exist: hello"])
    }

    @Test func missingIsNotFound() async throws {
        let arn = "arn:aws:lambda:eu-central-1:000000000000:function:nope"
        for (method, path) in [
            ("GET", "/2015-03-31/functions/nope"), ("GET", "/2015-03-31/functions/nope/configuration"),
            ("DELETE", "/2015-03-31/functions/nope"), ("GET", "/2015-03-31/functions/nope/versions"),
            ("POST", "/2015-03-31/functions/nope/versions"), ("GET", "/2015-03-31/functions/nope/aliases"),
            ("GET", "/2019-09-30/functions/nope/concurrency"),
        ] {
            let answer = try await harness.send(method, path)
            #expect(answer.status == 404, "\(method) \(path)")
            #expect(answer.error == "ResourceNotFoundException")
            #expect(answer.body == ["Type": "User", "Message": .text("Function not found: \(arn)")])
        }
    }

    @Test func updateCode() async throws {
        let created = try await harness.create("hello")
        let before = try #require(harness.entry("hello")?.versions[.latest])
        let body: JSON = ["ZipFile": Harness.zip("other")]
        let dry = try await harness.send(
            "PUT", "/2015-03-31/functions/hello/code", ["ZipFile": Harness.zip("dry"), "DryRun": true])
        #expect(dry.status == 200)
        #expect(harness.entry("hello")?.versions[.latest] == before)
        let updated = try await harness.send("PUT", "/2015-03-31/functions/hello/code", body)
        #expect(updated.status == 200)
        #expect(updated.body["LastUpdateStatus"] == "InProgress")
        #expect(updated.body["State"] == "Active")
        #expect(updated.body["RevisionId"] != created.body["RevisionId"])
        #expect(updated.body["CodeSha256"] != created.body["CodeSha256"])
        await harness.service.settle()
        let got = try await harness.send("GET", "/2015-03-31/functions/hello/configuration")
        #expect(got.body["LastUpdateStatus"] == "Successful")
        let after = try #require(harness.entry("hello")?.versions[.latest])
        #expect(after.revision != before.revision)
        #expect(after.codeDirectory != before.codeDirectory)
        #expect(try String(contentsOfFile: after.codeDirectory + "/app.py", encoding: .utf8) == "other")
        let stale = try await harness.send(
            "PUT", "/2015-03-31/functions/hello/code",
            ["ZipFile": Harness.zip("x"), "RevisionId": created.body["RevisionId"]])
        #expect(stale.status == 412)
        #expect(stale.error == "PreconditionFailedException")
    }

    @Test func updateConfiguration() async throws {
        try await harness.create("hello", ["Environment": ["Variables": ["AA": "1"]]])
        let before = try #require(harness.entry("hello")?.versions[.latest])
        let updated = try await harness.send(
            "PUT", "/2015-03-31/functions/hello/configuration",
            ["MemorySize": 512, "Environment": ["Variables": ["BB": "2"]], "LoggingConfig": ["LogFormat": "JSON"]])
        #expect(updated.body["MemorySize"] == 512)
        #expect(updated.body["Environment"] == ["Variables": ["BB": "2"]])
        #expect(updated.body["LoggingConfig"]["ApplicationLogLevel"] == "INFO")
        await harness.service.settle()
        let after = try #require(harness.entry("hello")?.versions[.latest])
        #expect(after.environment == ["BB": "2"])
        #expect(after.memoryMiB == 512)
        #expect(after.revision != before.revision)
        // A description is nothing that running code sees.
        _ = try await harness.send("PUT", "/2015-03-31/functions/hello/configuration", ["Description": "new"])
        await harness.service.settle()
        #expect(harness.entry("hello")?.versions[.latest]?.revision == after.revision)
        let tenancy = try await harness.send(
            "PUT", "/2015-03-31/functions/hello/configuration",
            ["TenancyConfig": ["TenantIsolationMode": "PER_TENANT"]])
        #expect(tenancy.error == "InvalidParameterValueException")
    }

    @Test func oldCodeServesUntilTheNewRuntimeIsReady() async throws {
        let held = StubCatalog(isHeld: true)
        let harness = try Harness(catalog: held)
        try await harness.create("hello")
        let updated = try await harness.send(
            "PUT", "/2015-03-31/functions/hello/configuration", ["Runtime": "nodejs20.x"])
        #expect(updated.body["LastUpdateStatus"] == "InProgress")
        #expect(harness.entry("hello")?.versions[.latest]?.runtime == "python3.13")
        #expect(harness.entry("hello")?.versions[.latest]?.unavailableReason == nil)
        let again = try await harness.send("PUT", "/2015-03-31/functions/hello/configuration", ["Timeout": 9])
        #expect(again.status == 409)
        #expect(again.message?.contains("An update is in progress for resource: arn:aws:lambda") == true)
        held.open()
        await harness.service.settle()
        #expect(harness.entry("hello")?.versions[.latest]?.runtime == "nodejs20.x")
    }

    @Test func aRuntimeThatCantBeBuiltFailsTheFunction() async throws {
        let harness = try Harness(catalog: StubCatalog(fails: true))
        try await harness.create("hello", ["Runtime": "nodejs20.x"])
        let got = try await harness.send("GET", "/2015-03-31/functions/hello/configuration")
        #expect(got.body["State"] == "Failed")
        #expect(got.body["StateReason"].string?.contains("no mirror") == true)
        #expect(harness.entry("hello")?.versions[.latest]?.unavailableReason?.hasSuffix("Failed") == true)
        // The way out is an update.
        _ = try await harness.send("PUT", "/2015-03-31/functions/hello/configuration", ["Runtime": "python3.13"])
        await harness.service.settle()
        let mended = try await harness.send("GET", "/2015-03-31/functions/hello/configuration")
        #expect(mended.body["State"] == "Active")
        #expect(harness.entry("hello")?.versions[.latest]?.unavailableReason == nil)
    }

    @Test func aRestartLeavesNothingPending() async throws {
        let held = StubCatalog(isHeld: true)
        let root = NSTemporaryDirectory() + "cloister-restart-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: root) }
        do {
            let first = try Harness(root: root, catalog: held)
            let created = try await first.send(
                "POST", "/2015-03-31/functions", first.functionBody("hello", ["Runtime": "nodejs20.x"]))
            #expect(created.body["State"] == "Pending")
            // The process ends here: the build never finishes.
        }
        let second = try Harness(root: root)
        try await second.service.start()
        await second.service.settle()
        let got = try await second.send("GET", "/2015-03-31/functions/hello/configuration")
        #expect(got.body["State"] == "Active")
        #expect(second.entry("hello")?.versions[.latest]?.unavailableReason == nil)
        held.open()
    }

    @Test func substitutesAreSaid() async throws {
        let created = try await harness.create("hello", ["Runtime": "python3.14"])
        #expect(created.status == 201)
        #expect(created.header("x-cloister-warning") == "The runtime python3.14 isn't here: the function runs on python3.13.")
        #expect(harness.entry("hello")?.versions[.latest]?.runtime == "python3.14")
    }

    @Test func listInPages() async throws {
        for index in 0..<7 { try await harness.create("f\(index)") }
        var names: [String] = []
        var marker: String?
        repeat {
            let suffix = marker.map { "&Marker=\($0)" } ?? ""
            let page = try await harness.send("GET", "/2015-03-31/functions/?MaxItems=3\(suffix)")
            names += page.body["Functions"].items.compactMap { $0["FunctionName"].string }
            marker = page.body["NextMarker"].string
        } while marker != nil
        #expect(names == (0..<7).map { "f\($0)" })
        for bad in ["MaxItems=0", "MaxItems=10001", "MaxItems=x", "Marker=zzz", "FunctionVersion=SOME"] {
            #expect(try await harness.send("GET", "/2015-03-31/functions?\(bad)").status == 400, "\(bad)")
        }
    }

    @Test func listAllVersions() async throws {
        for name in ["a", "b"] {
            try await harness.create(name, ["Publish": true])
            _ = try await harness.send("PUT", "/2015-03-31/functions/\(name)/configuration", ["Timeout": 5])
            await harness.service.settle()
            _ = try await harness.send("POST", "/2015-03-31/functions/\(name)/versions")
        }
        var arns: [String] = []
        var marker: String?
        repeat {
            let suffix = marker.map { "&Marker=\($0)" } ?? ""
            let page = try await harness.send("GET", "/2015-03-31/functions?FunctionVersion=ALL&MaxItems=2\(suffix)")
            #expect(page.body["Functions"].items.count <= 2)
            arns += page.body["Functions"].items.compactMap { $0["FunctionArn"].string }
            marker = page.body["NextMarker"].string
        } while marker != nil
        let prefix = "arn:aws:lambda:eu-central-1:000000000000:function:"
        #expect(arns == ["a:$LATEST", "a:1", "a:2", "b:$LATEST", "b:1", "b:2"].map { prefix + $0 })
    }

    @Test func deleteForgetsTheFunction() async throws {
        try await harness.create("hello", ["Publish": true])
        #expect(try await harness.send("DELETE", "/2015-03-31/functions/hello").status == 200)
        #expect(harness.entry("hello") == nil)
        #expect(try await harness.send("GET", "/2015-03-31/functions/hello").status == 404)
        // A version's number is never used twice, even by a function of the same name.
        let again = try await harness.create("hello", ["Publish": true])
        #expect(again.body["Version"] == "2")
    }
}
