import CloisterCore
import CloisterServiceKit
import Foundation
import Testing

@testable import CloisterLogs

@Suite struct LogsServiceProtocolTests {
    @Test func operationsThatAreNotBuiltSayTheirName() async throws {
        let service = try ServiceFixture()
        let answer = try await service.call("StartQuery")
        #expect(answer.status == 501 && answer.type == "NotImplementedException")
        #expect(answer.message?.contains("StartQuery") == true)
    }

    @Test(arguments: ["Logs_20140328.Nonsense", "Logs_20140328.", "DynamoDB_20120810.GetItem", ""])
    func unknownTargetsAreRefused(target: String) async throws {
        let answer = try await ServiceFixture().send(target, Array("{}".utf8))
        #expect(answer.status == 400 && answer.type == "UnknownOperationException")
    }

    static let bodies: [String] = [
        "", "{", "[]", "null", "7", "\"x\"", #"{"logGroupName": 7}"#, #"{"logGroupName": ["g"]}"#, #"{"limit": "1"}"#,
        #"{"limit": 1.5}"#, #"{"limit": 99999999999999999999999}"#, #"{"logGroupName": "\ud800"}"#, "\u{0}",
        String(repeating: "[", count: 200_000), String(repeating: #"{"a":"#, count: 200_000),
    ]

    @Test(arguments: bodies, ["FilterLogEvents", "DescribeLogGroups", "PutLogEvents"])
    func brokenBodiesAreRefused(body: String, operation: String) async throws {
        let answer = try await ServiceFixture().send("Logs_20140328.\(operation)", Array(body.utf8))
        if body.contains("logGroupName"), operation == "DescribeLogGroups" { return }
        if body.contains("limit"), operation == "PutLogEvents" { return }
        #expect(answer.status == 400)
        #expect(["SerializationException", "InvalidParameterException"].contains(answer.type), "\(answer.body)")
    }

    @Test func bodiesAreBounded() async throws {
        let body = [UInt8](repeating: UInt8(ascii: " "), count: 9 << 20)
        let answer = try await ServiceFixture().send("Logs_20140328.DescribeLogGroups", body)
        #expect(answer.status == 400 && answer.type == "SerializationException")
    }

    @Test func invalidUTF8IsRefused() async throws {
        let body = Array(#"{"logGroupName":""#.utf8) + [0xff, 0xfe] + Array(#""}"#.utf8)
        let answer = try await ServiceFixture().send("Logs_20140328.CreateLogGroup", body)
        #expect(answer.status == 400)
    }

    @Test func everyBuiltOperationAnswersAnEmptyInput() async throws {
        let service = try ServiceFixture()
        let built = LogsCoverage.operations.filter(\.value.isBuilt).keys
        #expect(built.count == 17)
        for operation in built {
            let answer = try await service.call(operation)
            #expect(answer.status == (operation == "DescribeLogGroups" ? 200 : 400), "\(operation)")
        }
    }

    @Test func theTableNamesEveryOperationOnce() {
        let table = LogsCoverage.markdown()
        #expect(LogsCoverage.operations.count == 113)
        #expect(table.contains("| FilterLogEvents | yes |"))
        #expect(table.contains("| StartLiveTail | no (501) |"))
    }
}
