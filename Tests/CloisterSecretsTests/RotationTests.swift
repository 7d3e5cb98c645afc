import Testing

@testable import CloisterSecrets

struct RotationTests {
    private let function = "arn:aws:lambda:eu-west-1:111111111111:function:rotate"

    @Test func theFourStepsMakeANewCurrentVersion() async throws {
        let fixture = try Fixture()
        _ = try await fixture.call("CreateSecret", ["Name": "s", "SecretString": "old", "ClientRequestToken": token("1")])
        #expect(try await fixture.call("RotateSecret", ["SecretId": "s"]).type == "InvalidRequestException")
        let started = try await fixture.call(
            "RotateSecret",
            [
                "SecretId": "s", "RotationLambdaARN": function, "ClientRequestToken": token("2"),
                "RotationRules": ["AutomaticallyAfterDays": 30],
            ])
        #expect(started.text("VersionId") == token("2"))
        await fixture.service.rotations?.ended()
        #expect(fixture.function.steps == RotationRunner.steps)
        #expect(try await fixture.call("GetSecretValue", ["SecretId": "s"]).text("SecretString") == "new")
        let previous = try await fixture.call("GetSecretValue", ["SecretId": "s", "VersionStage": "AWSPREVIOUS"])
        #expect(previous.text("SecretString") == "old")
        let described = try await fixture.call("DescribeSecret", ["SecretId": "s"])
        #expect(described.body["RotationEnabled"] as? Bool == true && described.body["LastRotatedDate"] != nil)
    }

    @Test func dueRotationsStartByThemselves() async throws {
        let fixture = try Fixture()
        _ = try await fixture.call("CreateSecret", ["Name": "s", "SecretString": "old"])
        _ = try await fixture.call(
            "RotateSecret",
            [
                "SecretId": "s", "RotationLambdaARN": function, "RotateImmediately": false,
                "RotationRules": ["ScheduleExpression": "rate(10 days)"],
            ])
        try await fixture.service.sweep()
        await fixture.service.rotations?.ended()
        #expect(fixture.function.steps.isEmpty)
        fixture.time.advance(days: 11)
        try await fixture.service.sweep()
        await fixture.service.rotations?.ended()
        #expect(fixture.function.steps.count == 4)
        try await fixture.service.sweep()
        await fixture.service.rotations?.ended()
        #expect(fixture.function.steps.count == 4)
        #expect(try await fixture.call("CancelRotateSecret", ["SecretId": "s"]).status == 200)
        fixture.time.advance(days: 30)
        try await fixture.service.sweep()
        await fixture.service.rotations?.ended()
        #expect(fixture.function.steps.count == 4)
    }

    @Test func aFailedRotationIsTakenUpAgain() async throws {
        let fixture = try Fixture()
        _ = try await fixture.call("CreateSecret", ["Name": "s", "SecretString": "old"])
        fixture.function.fail(in: "testSecret")
        let input: [String: Any] = ["SecretId": "s", "RotationLambdaARN": function]
        let first = try await fixture.call("RotateSecret", input)
        await fixture.service.rotations?.ended()
        #expect(fixture.function.steps == ["createSecret", "setSecret", "testSecret"])
        #expect(try await fixture.call("GetSecretValue", ["SecretId": "s"]).text("SecretString") == "old")
        fixture.function.fail(in: nil)
        let second = try await fixture.call("RotateSecret", input)
        #expect(second.text("VersionId") == first.text("VersionId"))
        await fixture.service.rotations?.ended()
        #expect(try await fixture.call("GetSecretValue", ["SecretId": "s"]).text("SecretString") == "new")
    }
}
