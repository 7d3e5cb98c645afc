import CloisterCore
import CloisterServiceKit
import CloisterTenants
import Foundation
import Testing

/// The registry's API over a real store: what is kept, what is published, what is refused.
@Suite struct TenantServiceTests {
    let harness: Harness
    private let prod = "arn:aws:lambda:eu-central-1:000000000000:function:f:prod"

    init() throws { harness = try Harness() }

    private func putTiers() async throws {
        let enterprise = """
            {"reservation": 20, "functions": ["f:prod"], "limits": {"concurrency": 100, "rate": 50.5, "memoryMiB": 8192}}
            """
        #expect(try await harness.send("PUT", "tiers/enterprise", enterprise).status == 200)
        #expect(try await harness.send("PUT", "tiers/starter", #"{"limits": {"rate": 2, "burst": 9}}"#).status == 200)
    }

    @Test func aTenantGetsWhatItsTierSays() async throws {
        try await putTiers()
        let put = try await harness.send("PUT", "tenants/acme", #"{"tier": "enterprise"}"#)
        #expect(put.status == 200)
        #expect(put.body["status"] as? String == "active")
        #expect(put.object("effective")["functions"] as? [String] == [prod])
        let settings = try #require(harness.settings("acme"))
        #expect(!settings.isSuspended)
        #expect(
            settings.reservations == [
                TenantReservation(function: FunctionKey(region: Harness.region, name: "f"), qualifier: "prod", count: 20)
            ])
        #expect(
            settings.limits
                == TenantLimits(concurrencyMax: 100, ratePerSecondMax: 50.5, rateBurst: 51, memoryMiBMax: 8_192))
        try await harness.send("PUT", "tenants/globex", #"{"tier": "starter"}"#)
        #expect(harness.settings("globex")?.reservations == [])
        #expect(harness.settings("globex")?.limits?.rateBurst == 9)
    }

    @Test func aTenantsOwnTakesTheTiersPlace() async throws {
        try await putTiers()
        let own = """
            {"tier": "enterprise", "reservation": 2, "functions": ["g", "f:prod"], "limits": {"rate": 3, "weight": 2}}
            """
        let put = try await harness.send("PUT", "tenants/acme", own)
        let g = "arn:aws:lambda:eu-central-1:000000000000:function:g"
        #expect(put.object("effective")["functions"] as? [String] == [prod, g])
        let settings = try #require(harness.settings("acme"))
        #expect(settings.reservations.map(\.count) == [2, 2])
        #expect(settings.reservations.map(\.qualifier) == ["prod", nil])
        #expect(
            settings.limits
                == TenantLimits(
                    concurrencyMax: 100, ratePerSecondMax: 3, rateBurst: 3, memoryMiBMax: 8_192, weight: 2))
    }

    @Test func aTiersChangeReachesItsTenantsAndNoOthers() async throws {
        try await putTiers()
        for (tenant, tier) in [("a", "enterprise"), ("b", "enterprise"), ("c", "starter")] {
            try await harness.send("PUT", "tenants/\(tenant)", "{\"tier\": \"\(tier)\"}")
        }
        let before = harness.settings("c")
        try await harness.send("PUT", "tiers/enterprise", #"{"limits": {"concurrency": 1}}"#)
        for tenant in ["a", "b"] {
            #expect(harness.settings(tenant)?.limits == TenantLimits(concurrencyMax: 1))
            #expect(harness.settings(tenant)?.reservations == [])
        }
        #expect(harness.settings("c") == before)
        let held = try await harness.send("DELETE", "tiers/enterprise")
        #expect(held.status == 409 && held.error == "ConflictException")
        for tenant in ["a", "b"] { try await harness.send("DELETE", "tenants/\(tenant)") }
        #expect(try await harness.send("DELETE", "tiers/enterprise").status == 204)
        #expect(try await harness.send("GET", "tiers/enterprise").status == 404)
        #expect(harness.directory.forgotten == ["a", "b"])
    }

    @Test func suspensionStaysUntilItIsEnded() async throws {
        try await putTiers()
        try await harness.send("PUT", "tenants/acme", "{}")
        try await harness.send("PUT", "tenants/globex", "{}")
        let suspended = try await harness.send("POST", "tenants/acme/suspend")
        #expect(suspended.body["status"] as? String == "suspended")
        #expect(harness.settings("acme")?.isSuspended == true)
        #expect(harness.settings("globex")?.isSuspended == false)
        // Neither a change of the tenant, nor of its tier, nor a restart ends it.
        try await harness.send("PUT", "tenants/acme", #"{"tier": "starter"}"#)
        #expect(harness.settings("acme")?.isSuspended == true)
        try await harness.send("PUT", "tiers/starter", "{}")
        #expect(harness.settings("acme")?.isSuspended == true)
        let again = try Harness(root: harness.root)
        try await again.registry.start()
        #expect(again.settings("acme")?.isSuspended == true)
        #expect(again.settings("globex")?.isSuspended == false)
        #expect(try await harness.send("POST", "tenants/acme/resume").body["status"] as? String == "active")
        #expect(harness.settings("acme")?.isSuspended == false)
        try await harness.send("PUT", "tenants/acme", #"{"status": "suspended"}"#)
        #expect(harness.settings("acme")?.isSuspended == true)
    }

    @Test func whatCantBeReadCountsAsSuspended() async throws {
        try await harness.store.put(kind: "tenant", name: "broken", Array("{".utf8))
        try await harness.store.put(kind: "tenant", name: "lost", Array(#"{"id":"lost","tier":"gone"}"#.utf8))
        try await harness.store.put(kind: "tenant", name: "whole", Array(#"{"id":"whole"}"#.utf8))
        try await harness.registry.start()
        #expect(harness.settings("broken")?.isSuspended == true)
        #expect(harness.settings("lost")?.isSuspended == true)
        #expect(harness.settings("whole")?.isSuspended == false)
    }

    @Test(arguments: ["a/b", "..", "with one blank", "a:b=c+d@e", "x"])
    func idsOfEveryKind(id: String) async throws {
        let path = "tenants/" + (id.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")
        #expect(try await harness.send("PUT", path, "{}").body["id"] as? String == id)
        #expect(try await harness.send("GET", path).body["id"] as? String == id)
        #expect(harness.settings(id) != nil)
        #expect(try await harness.send("DELETE", path).status == 204)
        #expect(try await harness.send("GET", path).error == "ResourceNotFoundException")
    }

    @Test func listsComeInPages() async throws {
        for number in 1...5 { try await harness.send("PUT", "tenants/t\(number)", "{}") }
        let first = try await harness.send("GET", "tenants", query: [("limit", "3")])
        #expect(first.list("tenants").map { $0["id"] as? String } == ["t1", "t2", "t3"])
        let next = try #require(first.body["next"] as? String)
        let second = try await harness.send("GET", "tenants", query: [("limit", "3"), ("after", next)])
        #expect(second.list("tenants").map { $0["id"] as? String } == ["t4", "t5"])
        #expect(second.body["next"] == nil)
        for limit in ["0", "1001", "x"] {
            #expect(try await harness.send("GET", "tenants", query: [("limit", limit)]).status == 400)
        }
    }

    @Test func onlyTheAdministrator() async throws {
        let calls = [
            ("GET", "tenants"), ("PUT", "tenants/acme"), ("POST", "tenants/acme/resume"), ("GET", "tiers"),
            ("PUT", "tiers/a"), ("DELETE", "tiers/a"),
        ]
        var inside = Harness.caller()
        inside.environment = CallerEnvironment(
            id: EnvironmentID(random: 1, 2), functionARN: "arn:aws:lambda:eu-central-1:000000000000:function:f",
            tenant: TenantID("acme"), isTenantIsolated: true)
        for (method, path) in calls {
            for caller in [Harness.caller(.user), Harness.caller(.assumedRole), inside] {
                let answer = try await harness.send(method, path, "{}", as: caller)
                #expect(answer.status == 403 && answer.error == "AccessDeniedException")
            }
        }
        #expect(harness.directory.tenants.isEmpty)
    }

    @Test(arguments: [
        #"{"limits": {"concurency": 1}}"#, #"{"reserve": 1}"#, #"{"reservation": -1}"#, #"{"reservation": 1001}"#,
        #"{"reservation": "many"}"#, #"{"limits": {"rate": -1}}"#, #"{"limits": {"rate": 1e99}}"#,
        #"{"limits": {"concurrency": 1.5}}"#, #"{"limits": {"burst": 0}}"#, #"{"limits": {"weight": 0}}"#,
        #"{"limits": {"memoryMiB": -5}}"#, #"{"limits": []}"#, #"{"functions": "f"}"#, #"{"functions": ["a b"]}"#,
        #"{"functions": ["arn:aws:lambda:eu-central-1:999999999999:function:f"]}"#, "[]", "{", "null", "1",
        #"{"status": "gone"}"#, #"{"tier": "none"}"#, #"{"id": "other", "name": "other"}"#, #"{"id": "other"}"#,
    ])
    func whatIsNoTenant(body: String) async throws {
        let answer = try await harness.send("PUT", "tenants/acme", body)
        #expect(answer.status == 400, "\(answer)")
        #expect(answer.error == "ValidationException")
        #expect(!answer.message.isEmpty)
        #expect(harness.directory.tenants.isEmpty)
    }

    @Test func boundsOfPathsAndBodies() async throws {
        let big = "{\"functions\": [\"" + String(repeating: "f", count: 70_000) + "\"]}"
        #expect(try await harness.send("PUT", "tenants/acme", big).status == 413)
        let many = (0..<101).map { "\"f\($0)\"" }.joined(separator: ",")
        #expect(try await harness.send("PUT", "tiers/a", "{\"functions\": [\(many)]}").status == 400)
        for path in ["tiers/a%20b", "tiers/" + String(repeating: "a", count: 65), "tenants/a%23b", "tenants/%ff"] {
            #expect(try await harness.send("PUT", path, "{}").status == 400)
        }
        for path in ["tenants/a/b", "tenants/a/suspend/now", "tiers/a/b", "other"] {
            #expect(try await harness.send("POST", path).status == 404)
        }
        for (method, path) in [("POST", "tenants/a"), ("GET", "tenants/a/suspend"), ("PUT", "tenants")] {
            #expect(try await harness.send(method, path).status == 405)
        }
        #expect(try await harness.send("POST", "tenants/nobody/suspend").status == 404)
        #expect(try await harness.send("DELETE", "tenants/nobody").status == 404)
    }

    @Test func changesAtTheSameTimeEndAsTheyAreStored() async throws {
        try await harness.send("PUT", "tenants/acme", "{}")
        await withTaskGroup(of: Void.self) { group in
            for number in 1...50 {
                group.addTask { [harness] in
                    let body = "{\"limits\": {\"concurrency\": \(number)}}"
                    _ = try? await harness.send("PUT", "tenants/acme", body)
                }
            }
        }
        let stored = try await harness.send("GET", "tenants/acme").object("limits")["concurrency"] as? Int
        #expect(harness.settings("acme")?.limits?.concurrencyMax == stored)
    }
}
