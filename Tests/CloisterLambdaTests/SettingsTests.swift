import CloisterCore
import CloisterLambda
import CloisterServiceKit
import Foundation
import Testing

/// Concurrency, tags, tenancy, permissions, event-invoke settings, account settings.
@Suite struct SettingsTests {
    let harness: Harness

    init() throws { harness = try Harness() }

    @Test func concurrency() async throws {
        try await harness.create("hello")
        try await harness.create("other")
        let revision = harness.entry("hello")?.versions[.latest]?.revision
        let path = "/2017-10-31/functions/hello/concurrency"
        #expect(try await harness.send("GET", "/2019-09-30/functions/hello/concurrency").body == [:])
        #expect(
            try await harness.send("PUT", path, ["ReservedConcurrentExecutions": 600]).body == [
                "ReservedConcurrentExecutions": 600
            ])
        #expect(harness.entry("hello")?.reservedConcurrency == 600)
        #expect(harness.entry("hello")?.versions[.latest]?.revision == revision)
        #expect(
            try await harness.send("GET", "/2015-03-31/functions/hello").body["Concurrency"] == [
                "ReservedConcurrentExecutions": 600
            ])
        let much = try await harness.send(
            "PUT", "/2017-10-31/functions/other/concurrency", ["ReservedConcurrentExecutions": 301])
        #expect(
            much.message
                == "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."
        )
        for body: JSON in [[:], ["ReservedConcurrentExecutions": -1], ["ReservedConcurrentExecutions": "x"]] {
            #expect(try await harness.send("PUT", path, body).status == 400)
        }
        #expect(try await harness.send("PUT", path, ["ReservedConcurrentExecutions": 0]).status == 200)
        #expect(harness.entry("hello")?.reservedConcurrency == 0)
        let settings = try await harness.send("GET", "/2016-08-19/account-settings")
        #expect(settings.body["AccountLimit"]["UnreservedConcurrentExecutions"] == 1_000)
        #expect(settings.body["AccountLimit"]["CodeSizeUnzipped"] == 262_144_000)
        #expect(settings.body["AccountUsage"]["FunctionCount"] == 2)
        try await harness.send("DELETE", path).expect(204)
        #expect(harness.entry("hello")?.reservedConcurrency == nil)
    }

    @Test func tenancyIsInEveryAnswer() async throws {
        let tenancy: JSON = ["TenantIsolationMode": "PER_TENANT"]
        let created = try await harness.create("hello", ["TenancyConfig": tenancy])
        #expect(created.body["TenancyConfig"] == tenancy)
        #expect(harness.entry("hello")?.versions[.latest]?.isTenantIsolated == true)
        let answers = [
            try await harness.send("GET", "/2015-03-31/functions/hello").body["Configuration"],
            try await harness.send("GET", "/2015-03-31/functions/hello/configuration").body,
            try await harness.send("GET", "/2015-03-31/functions").body["Functions"][0],
            try await harness.send("POST", "/2015-03-31/functions/hello/versions", [:]).body,
            try await harness.send("GET", "/2015-03-31/functions/hello/versions").body["Versions"][1],
            try await harness.send("PUT", "/2015-03-31/functions/hello/configuration", ["Timeout": 9]).body,
        ]
        for answer in answers { #expect(answer["TenancyConfig"] == tenancy) }
        await harness.service.settle()
        #expect(harness.entry("hello")?.versions[.number(1)]?.isTenantIsolated == true)
    }

    @Test func tags() async throws {
        try await harness.create("hello", ["Tags": ["cloister:tenant-id-length-max": "128"]])
        let arn = "arn%3Aaws%3Alambda%3Aeu-central-1%3A000000000000%3Afunction%3Ahello"
        let path = "/2017-03-31/tags/\(arn)"
        let before = try #require(harness.entry("hello")?.versions[.latest])
        #expect(before.tenantIDLengthMax == 128)
        try await harness.send("POST", path, ["Tags": ["team": "a", "stage": "b"]]).expect(204)
        #expect(harness.entry("hello")?.versions[.latest] == before)
        #expect(try await harness.send("GET", path).body["Tags"].members.count == 3)
        try await harness.send("DELETE", path + "?tagKeys=team&tagKeys=cloister%3Atenant-id-length-max").expect(204)
        #expect(try await harness.send("GET", path).body["Tags"] == ["stage": "b"])
        #expect(harness.entry("hello")?.versions[.latest]?.tenantIDLengthMax == 256)
        #expect(harness.entry("hello")?.versions[.latest]?.revision == before.revision)
        // Environments at a weaker level must go.
        try await harness.send("POST", path, ["Tags": ["cloister:isolation-minimum": "gvisor"]]).expect(204)
        #expect(harness.entry("hello")?.versions[.latest]?.isolationMinimum == .gvisor)
        #expect(harness.entry("hello")?.versions[.latest]?.revision != before.revision)
        for (body, status) in [
            ([:], 400), (["Tags": ["cloister:isolation-minimum": "x"]], 400), (["Tags": ["": "x"]], 400),
            (["Tags": .object(Dictionary(uniqueKeysWithValues: (0..<60).map { ("t\($0)", JSON.text("x")) }))], 400),
        ] as [(JSON, Int)] {
            #expect(try await harness.send("POST", path, body).status == status)
        }
        #expect(try await harness.send("DELETE", path).status == 400)
        #expect(try await harness.send("GET", path + "%3A1").status == 400)
        #expect(try await harness.send("GET", "/2017-03-31/tags/hello").status == 400)
        #expect(
            try await harness.send("GET", "/2017-03-31/tags/" + arn.replacingOccurrences(of: "hello", with: "nope"))
                .status == 404)
    }

    @Test func permissions() async throws {
        try await harness.create("hello", ["Publish": true])
        let path = "/2015-03-31/functions/hello/policy"
        #expect(try await harness.send("GET", path).message == "The resource you requested does not exist.")
        let added = try await harness.send(
            "POST", path,
            [
                "StatementId": "s1", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com",
                "SourceArn": "arn:aws:s3:::bucket", "SourceAccount": "111111111111",
            ])
        #expect(added.status == 201)
        let statement = try parsed(added.body["Statement"])
        #expect(
            statement == [
                "Sid": "s1", "Effect": "Allow", "Principal": ["Service": "s3.amazonaws.com"],
                "Action": "lambda:InvokeFunction",
                "Resource": "arn:aws:lambda:eu-central-1:000000000000:function:hello",
                "Condition": [
                    "ArnLike": ["AWS:SourceArn": "arn:aws:s3:::bucket"],
                    "StringEquals": ["AWS:SourceAccount": "111111111111"],
                ],
            ])
        let again = try await harness.send("POST", path, ["StatementId": "s1", "Action": "lambda:*", "Principal": "*"])
        #expect(again.status == 409)
        try await harness.send(
            "POST", path + "?Qualifier=1", ["StatementId": "s1", "Action": "lambda:*", "Principal": "111111111111"]
        ).expect(201)
        #expect(
            try await harness.send(
                "POST", path + "?Qualifier=7", ["StatementId": "s1", "Action": "lambda:*", "Principal": "*"]
            ).status == 404)
        let latest = try await harness.send(
            "POST", path + "?Qualifier=$LATEST", ["StatementId": "s9", "Action": "lambda:*", "Principal": "*"])
        #expect(latest.message == "We currently do not support adding policies for $LATEST.")
        let got = try await harness.send("GET", path)
        #expect(try parsed(got.body["Policy"])["Statement"] == [statement])
        #expect(
            try parsed(try await harness.send("GET", path + "?Qualifier=1").body["Policy"])["Statement"][0]["Principal"]
                == ["AWS": "arn:aws:iam::111111111111:root"])
        #expect(try await harness.send("DELETE", path + "/s1?RevisionId=x").status == 412)
        #expect(
            try await harness.send("DELETE", path + "/s2").message == "Statement s2 is not found in resource policy.")
        let revision = try #require(got.body["RevisionId"].string)
        try await harness.send("DELETE", path + "/s1?RevisionId=\(revision)").expect(204)
        #expect(try await harness.send("GET", path).status == 404)
        for body: JSON in [
            [:], ["StatementId": "a b", "Action": "lambda:*", "Principal": "*"],
            ["StatementId": "a", "Action": "s3:Get", "Principal": "*"],
            ["StatementId": "a", "Action": "lambda:*", "Principal": "a b"],
            ["StatementId": "a", "Action": "lambda:*", "Principal": "*", "SourceAccount": "1"],
        ] {
            #expect(try await harness.send("POST", path, body).error == "ValidationException")
        }
    }

    @Test func policiesAreBounded() async throws {
        try await harness.create("hello")
        var last: Answer?
        for index in 0..<40 where last?.status ?? 201 == 201 {
            last = try await harness.send(
                "POST", "/2015-03-31/functions/hello/policy",
                [
                    "StatementId": .text("s\(index)"), "Action": "lambda:*",
                    "Principal": .text(String(repeating: "p", count: 1_000)),
                ])
        }
        #expect(last?.error == "PolicyLengthExceededException")
    }

    @Test func eventInvoke() async throws {
        try await harness.create("hello", ["Publish": true])
        try await harness.create("target")
        let path = "/2019-09-25/functions/hello/event-invoke-config"
        let arn = "arn:aws:lambda:eu-central-1:000000000000:function:"
        #expect(
            try await harness.send("GET", path).message
                == "The function \(arn)hello:$LATEST doesn't have an EventInvokeConfig")
        let put = try await harness.send(
            "PUT", path,
            ["MaximumRetryAttempts": 1, "DestinationConfig": ["OnFailure": ["Destination": .text(arn + "target")]]])
        #expect(put.status == 200)
        #expect(put.body["FunctionArn"] == .text(arn + "hello:$LATEST"))
        #expect(put.body["MaximumEventAgeInSeconds"] == .null)
        #expect(
            put.body["DestinationConfig"] == ["OnFailure": ["Destination": .text(arn + "target")], "OnSuccess": [:]])
        #expect((put.body["LastModified"].number ?? 0) > 1_600_000_000)
        #expect(
            harness.entry("hello")?.eventInvokeConfigurations["$LATEST"]
                == EventInvokeConfiguration(retryAttemptsMax: 1, onFailure: arn + "target"))
        let merged = try await harness.send("POST", path, ["MaximumEventAgeInSeconds": 60])
        #expect(merged.body["MaximumRetryAttempts"] == 1)
        #expect(merged.body["MaximumEventAgeInSeconds"] == 60)
        let replaced = try await harness.send("PUT", path, ["MaximumEventAgeInSeconds": 90])
        #expect(replaced.body["MaximumRetryAttempts"] == .null)
        #expect(replaced.body["DestinationConfig"] == ["OnFailure": [:], "OnSuccess": [:]])
        try await harness.send("PUT", path + "?Qualifier=1", ["MaximumRetryAttempts": 0]).expect(200)
        let listed = try await harness.send("GET", path + "/list")
        #expect(listed.body["FunctionEventInvokeConfigs"].items.count == 2)
        try await harness.send("DELETE", path).expect(204)
        #expect(try await harness.send("DELETE", path).status == 404)
        #expect(try await harness.send("POST", path, ["MaximumRetryAttempts": 0]).status == 404)
        for body: JSON in [
            [:], ["MaximumRetryAttempts": 3], ["MaximumEventAgeInSeconds": 59],
            ["DestinationConfig": ["OnSuccess": ["Destination": "arn:aws:sqs:eu-central-1:000000000000:q"]]],
            ["DestinationConfig": ["OnSuccess": ["Destination": .text(arn + "hello")]]],
        ] {
            #expect(try await harness.send("PUT", path, body).status == 400)
        }
        #expect(try await harness.send("PUT", path + "?Qualifier=9", ["MaximumRetryAttempts": 1]).status == 404)
    }

    private func parsed(_ text: JSON) throws -> JSON {
        try JSONDecoder().decode(JSON.self, from: Data((text.string ?? "").utf8))
    }
}
