import Testing

@testable import CloisterLogs

@Suite struct LogsServiceGroupTests {
    @Test func groupsAreMadeDescribedAndDeleted() async throws {
        let service = try ServiceFixture()
        #expect(try await service.call("CreateLogGroup", ["logGroupName": "/a/b", "tags": ["k": "v"]]).status == 200)
        let again = try await service.call("CreateLogGroup", ["logGroupName": "/a/b"])
        #expect(again.status == 400 && again.type == "ResourceAlreadyExistsException")
        #expect(again.message == "The specified log group already exists")
        let group = try #require(try await service.call("DescribeLogGroups").list("logGroups").first)
        #expect(group["logGroupName"] as? String == "/a/b")
        #expect(group["arn"] as? String == "arn:aws:logs:eu-west-1:000000000000:log-group:/a/b:*")
        #expect(group["logGroupArn"] as? String == "arn:aws:logs:eu-west-1:000000000000:log-group:/a/b")
        #expect(group["creationTime"] as? Int == 1_700_000_000_000)
        #expect(group["retentionInDays"] == nil)
        #expect(try await service.call("DeleteLogGroup", ["logGroupName": "/a/b"]).status == 200)
        let gone = try await service.call("DeleteLogGroup", ["logGroupName": "/a/b"])
        #expect(gone.type == "ResourceNotFoundException" && gone.message == "The specified log group does not exist.")
    }

    @Test func groupsAreFoundByPrefixPatternAndIdentifier() async throws {
        let service = try ServiceFixture()
        for name in ["/aws/lambda/b", "/aws/lambda/a", "/other/a", "x_aws"] {
            _ = try await service.call("CreateLogGroup", ["logGroupName": name])
        }
        func names(_ input: [String: Any]) async throws -> [String] {
            try await service.call("DescribeLogGroups", input).texts("logGroups", "logGroupName")
        }
        #expect(try await names([:]) == ["/aws/lambda/a", "/aws/lambda/b", "/other/a", "x_aws"])
        #expect(try await names(["logGroupNamePrefix": "/aws/"]) == ["/aws/lambda/a", "/aws/lambda/b"])
        #expect(try await names(["logGroupNamePattern": "aws"]) == ["/aws/lambda/a", "/aws/lambda/b", "x_aws"])
        #expect(try await names(["logGroupNamePattern": "AWS"]) == [])
        let arn = "arn:aws:logs:eu-west-1:000000000000:log-group:/other/a"
        #expect(try await names(["logGroupIdentifiers": [arn, "x_aws"]]) == ["/other/a", "x_aws"])
        let both = try await service.call("DescribeLogGroups", ["logGroupNamePrefix": "a", "logGroupNamePattern": "b"])
        #expect(both.type == "InvalidParameterException")
    }

    @Test func groupsArePagedAndTokensAreBoundToTheirQuery() async throws {
        let service = try ServiceFixture()
        for index in 0..<5 { _ = try await service.call("CreateLogGroup", ["logGroupName": "g\(index)"]) }
        var names: [String] = []
        var token: String?
        repeat {
            let page = try await service.call("DescribeLogGroups", ["limit": 2].merging(token.map { ["nextToken": $0] } ?? [:]) { $1 })
            names += page.texts("logGroups", "logGroupName")
            token = page.text("nextToken")
        } while token != nil
        #expect(names == ["g0", "g1", "g2", "g3", "g4"])
        let first = try await service.call("DescribeLogGroups", ["limit": 2])
        let good = try #require(first.text("nextToken"))
        for (text, extra) in [
            ("x", [:]), ("", [:]), ("AAAA" + good, [:]), (String(good.dropLast(4)), [:]), (good, ["logGroupNamePrefix": "g"]),
            (String(repeating: "A", count: 100_000), [:]),
        ] as [(String, [String: Any])] {
            let answer = try await service.call("DescribeLogGroups", ["nextToken": text].merging(extra) { $1 })
            #expect(answer.type == "InvalidParameterException" && answer.message == "The specified nextToken is invalid.")
        }
        let elsewhere = try await service.call("DescribeLogGroups", ["nextToken": good], region: "us-east-1")
        #expect(elsewhere.type == "InvalidParameterException")
    }

    @Test func regionsAreApart() async throws {
        let service = try ServiceFixture()
        _ = try await service.call("CreateLogGroup", ["logGroupName": "g"])
        #expect(try await service.call("DescribeLogGroups", region: "us-east-1").list("logGroups").isEmpty)
        let other = try await service.call("DescribeLogStreams", ["logGroupName": "g"], region: "us-east-1")
        #expect(other.type == "ResourceNotFoundException")
    }

    @Test func retentionIsSetAndRemoved() async throws {
        let service = try ServiceFixture()
        _ = try await service.call("CreateLogGroup", ["logGroupName": "g"])
        #expect(try await service.call("PutRetentionPolicy", ["logGroupName": "g", "retentionInDays": 7]).status == 200)
        #expect(try await service.call("DescribeLogGroups").list("logGroups").first?["retentionInDays"] as? Int == 7)
        let odd = try await service.call("PutRetentionPolicy", ["logGroupName": "g", "retentionInDays": 8])
        #expect(odd.type == "InvalidParameterException")
        #expect(try await service.call("DeleteRetentionPolicy", ["logGroupName": "g"]).status == 200)
        #expect(try await service.call("DescribeLogGroups").list("logGroups").first?["retentionInDays"] == nil)
        let unknown = try await service.call("PutRetentionPolicy", ["logGroupName": "x", "retentionInDays": 7])
        #expect(unknown.type == "ResourceNotFoundException")
    }

    @Test func tagsAreKeptBothWays() async throws {
        let service = try ServiceFixture()
        let arn = "arn:aws:logs:eu-west-1:000000000000:log-group:g"
        _ = try await service.call("CreateLogGroup", ["logGroupName": "g", "tags": ["a": "1"]])
        #expect(try await service.call("TagResource", ["resourceArn": arn, "tags": ["b": "2"]]).status == 200)
        #expect(try await service.call("TagLogGroup", ["logGroupName": "g", "tags": ["c": ""]]).status == 200)
        let tags = try await service.call("ListTagsForResource", ["resourceArn": arn + ":*"]).body["tags"]
        #expect(tags as? [String: String] == ["a": "1", "b": "2", "c": ""])
        #expect(try await service.call("UntagResource", ["resourceArn": arn, "tagKeys": ["a"]]).status == 200)
        #expect(try await service.call("UntagLogGroup", ["logGroupName": "g", "tags": ["b", "zz"]]).status == 200)
        let rest = try await service.call("ListTagsLogGroup", ["logGroupName": "g"]).body["tags"]
        #expect(rest as? [String: String] == ["c": ""])
        let many = Dictionary(uniqueKeysWithValues: (0..<50).map { ("k\($0)", "v") })
        let over = try await service.call("TagResource", ["resourceArn": arn, "tags": many])
        #expect(over.type == "TooManyTagsException")
        let foreign = try await service.call(
            "ListTagsForResource", ["resourceArn": "arn:aws:logs:us-east-1:000000000000:log-group:g"])
        #expect(foreign.type == "InvalidParameterException")
    }

    @Test func whatIsNotBuiltIsRefused() async throws {
        let service = try ServiceFixture()
        for extra in [["kmsKeyId": "k"], ["deletionProtectionEnabled": true], ["logGroupClass": "DELIVERY"]] as [[String: Any]] {
            let answer = try await service.call("CreateLogGroup", ["logGroupName": "g"].merging(extra) { $1 })
            #expect(answer.type == "InvalidParameterException")
        }
    }
}
