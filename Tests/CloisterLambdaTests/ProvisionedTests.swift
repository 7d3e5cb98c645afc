import CloisterCore
import CloisterLambda
import Testing

/// Provisioned concurrency: what is stored, what is published, and what AWS refuses.
@Suite struct ProvisionedTests {
    let harness: Harness
    private let path = "/2019-09-30/functions/hello/provisioned-concurrency"
    private let latest = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."

    init() throws { harness = try Harness() }

    private func publish(alias: String? = nil, to version: String = "1") async throws {
        try await harness.send("POST", "/2015-03-31/functions/hello/versions", [:]).expect(201)
        guard let alias else { return }
        try await harness.send(
            "POST", "/2015-03-31/functions/hello/aliases", ["Name": .text(alias), "FunctionVersion": .text(version)]
        ).expect(201)
    }

    private func publishAnother() async throws {
        try await harness.send(
            "PUT", "/2015-03-31/functions/hello/code", ["ZipFile": Harness.zip("def handler(e, c): return 2\n")]
        ).expect(200)
        await harness.service.settle()
        try await publish()
    }

    private func put(_ qualifier: String, _ count: JSON) async throws -> Answer {
        try await harness.send("PUT", "\(path)?Qualifier=\(qualifier)", ["ProvisionedConcurrentExecutions": count])
    }

    private func get(_ qualifier: String) async throws -> Answer {
        try await harness.send("GET", "\(path)?Qualifier=\(qualifier)")
    }

    @Test(arguments: [false, true])
    func itsLife(isTenantIsolated: Bool) async throws {
        try await harness.create(
            "hello", isTenantIsolated ? ["TenancyConfig": ["TenantIsolationMode": "PER_TENANT"]] : [:])
        try await publish(alias: "prod")
        let answer = try await put("prod", 20)
        #expect(answer.status == 202)
        #expect(answer.body["RequestedProvisionedConcurrentExecutions"] == 20)
        #expect(answer.body["AvailableProvisionedConcurrentExecutions"] == 0)
        #expect(answer.body["AllocatedProvisionedConcurrentExecutions"] == 0)
        #expect(answer.body["Status"] == "IN_PROGRESS")
        #expect(answer.body["StatusReason"] == .null)
        #expect(answer.body["LastModified"].string?.hasSuffix("+0000") == true)
        #expect(answer.body["LastModified"].string?.count == 24)
        #expect(harness.entry("hello")?.provisionedConcurrency == ["prod": 20])
        #expect(harness.entry("hello")?.provisionedByVersion == [.number(1): 20])

        harness.directory.report([.number(1): (requested: 20, available: 7, isReached: false, failedStarts: 2)])
        #expect(try await get("prod").body["AvailableProvisionedConcurrentExecutions"] == 7)
        #expect(try await get("prod").body["Status"] == "IN_PROGRESS")
        // Bound ones are being replaced: ready all the same.
        harness.directory.report([.number(1): (requested: 20, available: 18, isReached: true, failedStarts: 0)])
        #expect(try await get("prod").body["Status"] == "READY")
        harness.directory.report([.number(1): (requested: 20, available: 0, isReached: false, failedStarts: 3)])
        let failed = try await get("prod").body
        #expect(failed["Status"] == "FAILED")
        #expect(failed["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE")

        let listed = try await harness.send("GET", path + "?List=ALL")
        #expect(listed.status == 200)
        #expect(
            listed.body["ProvisionedConcurrencyConfigs"][0]["FunctionArn"]
                == "arn:aws:lambda:eu-central-1:000000000000:function:hello:prod")
        try await harness.send("DELETE", path + "?Qualifier=prod").expect(204)
        try await harness.send("DELETE", path + "?Qualifier=prod").expect(204)
        let gone = try await get("prod")
        #expect(gone.status == 404)
        #expect(gone.error == "ProvisionedConcurrencyConfigNotFoundException")
        #expect(gone.message == "No Provisioned Concurrency Config found for this function")
        #expect(harness.entry("hello")?.provisionedConcurrency == [:])
    }

    @Test func survivesARestart() async throws {
        try await harness.create("hello")
        try await publish(alias: "prod")
        try await put("prod", 3).expect(202)
        let again = try Harness(root: harness.root)
        try await again.service.start()
        await again.service.settle()
        #expect(again.entry("hello")?.provisionedByVersion == [.number(1): 3])
    }

    @Test func whatIsNoPublishedVersion() async throws {
        try await harness.create("hello")
        try await publish(alias: "latest", to: "$LATEST")
        for qualifier in ["$LATEST", "latest"] {
            let answer = try await put(qualifier, 1)
            #expect(answer.error == "InvalidParameterValueException")
            #expect(answer.message == latest)
        }
        #expect(try await get("$LATEST").error == "InvalidParameterValueException")
        #expect(try await put("9", 1).error == "ResourceNotFoundException")
        #expect(try await put("none", 1).error == "ResourceNotFoundException")
        #expect(try await get("9").status == 404)
        for count: JSON in [0, -1, "x", .null, 2_147_483_648] { #expect(try await put("1", count).status == 400) }
        #expect(try await harness.send("PUT", path, ["ProvisionedConcurrentExecutions": 1]).status == 400)
        let nobody = "/2019-09-30/functions/nobody/provisioned-concurrency"
        #expect(try await harness.send("GET", nobody + "?Qualifier=1").error == "ResourceNotFoundException")
        #expect(try await harness.send("GET", nobody + "?List=ALL").error == "ResourceNotFoundException")
    }

    @Test func oneWayForAVersion() async throws {
        try await harness.create("hello")
        try await publish(alias: "prod")
        try await put("1", 1).expect(202)
        let overlap = try await put("prod", 1)
        #expect(overlap.status == 409)
        #expect(overlap.error == "ResourceConflictException")
        try await harness.send("DELETE", path + "?Qualifier=1").expect(204)
        try await put("prod", 1).expect(202)
        #expect(try await put("1", 1).status == 409)
        try await publishAnother()
        try await put("2", 1).expect(202)
        // The alias can't follow to a version that has its own.
        let moved = try await harness.send("PUT", "/2015-03-31/functions/hello/aliases/prod", ["FunctionVersion": "2"])
        #expect(moved.status == 409)
        #expect(harness.entry("hello")?.provisionedByVersion == [.number(1): 1, .number(2): 1])
        try await harness.send("DELETE", "/2015-03-31/functions/hello?Qualifier=2").expect(200)
        #expect(harness.entry("hello")?.provisionedConcurrency == ["prod": 1])
        try await harness.send("DELETE", "/2015-03-31/functions/hello/aliases/prod").expect(204)
        #expect(harness.entry("hello")?.provisionedConcurrency == [:])
    }

    @Test func weights() async throws {
        try await harness.create("hello")
        try await publish(alias: "prod")
        try await publishAnother()
        let alias = "/2015-03-31/functions/hello/aliases/prod"
        try await put("prod", 10).expect(202)
        // Traffic that shifts takes its part along.
        try await harness.send(
            "PUT", alias, ["RoutingConfig": ["AdditionalVersionWeights": ["2": 0.3]]]
        ).expect(200)
        #expect(harness.entry("hello")?.provisionedByVersion == [.number(1): 7, .number(2): 3])
        harness.directory.report([
            .number(1): (requested: 7, available: 7, isReached: true, failedStarts: 0),
            .number(2): (requested: 3, available: 1, isReached: false, failedStarts: 0),
        ])
        #expect(try await get("prod").body["AvailableProvisionedConcurrentExecutions"] == 8)
        #expect(try await get("prod").body["Status"] == "IN_PROGRESS")
        let weighted = try await put("prod", 5)
        #expect(weighted.error == "InvalidParameterValueException")
        #expect(weighted.message == "Alias with weights can not be used with Provisioned Concurrency")
    }

    @Test func whatThereIs() async throws {
        try await harness.create("hello")
        try await harness.create("other")
        try await publish(alias: "prod")
        let much = try await put("prod", 901)
        #expect(much.error == "InvalidParameterValueException")
        #expect(much.message?.hasPrefix("Specified ConcurrentExecutions for function decreases account's") == true)
        try await put("prod", 900).expect(202)
        let account = try await harness.send("GET", "/2016-08-19/account-settings").body["AccountLimit"]
        #expect(account["UnreservedConcurrentExecutions"] == 100)
        let other = try await harness.send(
            "PUT", "/2017-10-31/functions/other/concurrency", ["ReservedConcurrentExecutions": 1])
        #expect(other.status == 400)
        try await put("prod", 50).expect(202)
        let reserved = "/2017-10-31/functions/hello/concurrency"
        #expect(try await harness.send("PUT", reserved, ["ReservedConcurrentExecutions": 49]).status == 400)
        try await harness.send("PUT", reserved, ["ReservedConcurrentExecutions": 60]).expect(200)
        let beyond = try await put("prod", 61)
        #expect(
            beyond.message
                == "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
        )
        #expect(harness.entry("hello")?.provisionedConcurrency == ["prod": 50])
    }

    @Test func registeredTenantsOnly() async throws {
        try await harness.create("hello", ["Tags": ["cloister:tenants": "registered"]])
        #expect(harness.entry("hello")?.versions[.latest]?.servesRegisteredTenantsOnly == true)
        let revision = harness.entry("hello")?.versions[.latest]?.revision
        let tags = "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aeu-central-1%3A000000000000%3Afunction%3Ahello"
        try await harness.send("POST", tags, ["Tags": ["cloister:tenants": "any"]]).expect(204)
        #expect(harness.entry("hello")?.versions[.latest]?.servesRegisteredTenantsOnly == false)
        #expect(harness.entry("hello")?.versions[.latest]?.revision == revision)
        #expect(try await harness.send("POST", tags, ["Tags": ["cloister:tenants": "some"]]).status == 400)
    }
}
