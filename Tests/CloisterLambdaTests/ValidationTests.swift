import CloisterCore
import CloisterLambda
import Foundation
import Testing

/// Bad input of every kind: AWS's error, and nothing is made.
@Suite struct ValidationTests {
    let harness: Harness

    init() throws { harness = try Harness() }

    struct Case: CustomTestStringConvertible {
        let changes: [String: JSON?]
        let error: String
        let message: String
        var testDescription: String { "\(changes.keys.sorted()) \(message)" }

        init(_ changes: [String: JSON?], _ error: String, _ message: String) {
            self.changes = changes
            self.error = error
            self.message = message
        }
    }

    static let invalid = "InvalidParameterValueException"
    static let validation = "ValidationException"

    static let cases: [Case] = [
        Case(
            ["FunctionName": "a b"], validation,
            "1 validation error detected: Value 'a b' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:"
        ),
        Case(
            ["FunctionName": .text(String(repeating: "a", count: 65))], validation,
            "Member must have length less than or equal to 64"),
        Case(["FunctionName": ""], validation, "Member must have length greater than or equal to 1"),
        Case(
            ["FunctionName": nil], validation,
            "Value null at 'functionName' failed to satisfy constraint: Member must not be null"),
        Case(["FunctionName": "f:live"], invalid, "must not have a qualifier"),
        Case(["FunctionName": nil, "Role": nil, "Code": nil], validation, "3 validation errors detected: "),
        Case(["Role": "nobody"], validation, "at 'role' failed to satisfy constraint"),
        Case(["Handler": "a b"], validation, "Value 'a b' at 'handler'"),
        Case(["Handler": .text(String(repeating: "h", count: 129))], validation, "less than or equal to 128"),
        Case(
            ["Handler": nil], invalid,
            "Runtime and Handler are mandatory parameters for functions created with deployment packages."),
        Case(["Runtime": nil], invalid, "Runtime and Handler are mandatory"),
        Case(
            ["Runtime": "python3.12"], invalid,
            "Value python3.12 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [nodejs20.x, python3.13] or be a valid ARN"
        ),
        Case(
            ["Timeout": 0], validation,
            "Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1"),
        Case(["Timeout": 901], validation, "less than or equal to 900"),
        Case(["MemorySize": 127], validation, "greater than or equal to 128"),
        Case(["MemorySize": 10241], validation, "less than or equal to 10240"),
        Case(["EphemeralStorage": ["Size": 511]], validation, "at 'ephemeralStorage.size'"),
        Case(["Description": .text(String(repeating: "d", count: 257))], validation, "less than or equal to 256"),
        Case(
            ["TracingConfig": ["Mode": "Loud"]], validation, "Member must satisfy enum value set: [Active, PassThrough]"
        ),
        Case(
            ["TenancyConfig": ["TenantIsolationMode": "SHARED"]], validation,
            "Member must satisfy enum value set: [PER_TENANT]"),
        Case(["TenancyConfig": [:]], validation, "Value null at 'tenancyConfig.tenantIsolationMode'"),
        Case(["Architectures": ["riscv"]], validation, "enum value set: [x86_64, arm64]"),
        Case(["Architectures": []], validation, "at 'architectures'"),
        Case(["Architectures": ["x86_64", "arm64"]], validation, "at 'architectures'"),
        Case(
            ["Environment": ["Variables": ["AWS_REGION": "x", "_HANDLER": "y"]]], invalid,
            "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION, _HANDLER"
        ),
        Case(["Environment": ["Variables": ["1A": "x"]]], validation, "at 'environment.variables'"),
        Case(["Environment": ["Variables": ["A": "x"]]], validation, "[a-zA-Z]([a-zA-Z0-9_])+"),
        Case(
            ["Environment": ["Variables": ["AA": .text(String(repeating: "x", count: 4_096))]]], invalid,
            "exceeded the 4KB limit"),
        Case(["Environment": ["Variables": ["AA": "a\u{0}b"]]], invalid, "NUL"),
        Case(["LoggingConfig": ["LogFormat": "XML"]], validation, "[JSON, Text]"),
        Case(["LoggingConfig": ["LogGroup": "a b"]], validation, "at 'loggingConfig.logGroup'"),
        Case(["Layers": ["nothing"]], validation, "at 'layers'"),
        Case(
            ["Layers": ["arn:aws:lambda:eu-central-1:000000000000:layer:l:1"]], invalid,
            "Layer version arn:aws:lambda:eu-central-1:000000000000:layer:l:1 does not exist."),
        Case(
            ["Layers": .list((1...6).map { .text("arn:aws:lambda:eu-central-1:000000000000:layer:l\($0):1") })],
            invalid,
            "Cannot reference more than 5 layers."),
        Case(["PackageType": "Image"], invalid, "container images"),
        Case(["PackageType": "Tar"], validation, "[Zip, Image]"),
        Case(["Code": [:]], invalid, "Please provide a source for function code."),
        Case(["Code": ["S3Bucket": "b", "S3Key": "k"]], invalid, "S3"),
        Case(
            ["Code": ["ZipFile": "bm8gemlw"]], invalid,
            "Could not unzip uploaded file. Please check your file, then try to upload again."),
        Case(["Code": ["ZipFile": ""]], invalid, "Could not unzip uploaded file."),
        Case(["VpcConfig": ["SubnetIds": ["subnet-1"]]], invalid, "does not support VpcConfig"),
        Case(["KMSKeyArn": "arn:aws:kms:eu-central-1:000000000000:key/1"], invalid, "does not support KMSKeyArn"),
        Case(["FileSystemConfigs": [["Arn": "x"]]], invalid, "does not support FileSystemConfigs"),
        Case(
            ["DeadLetterConfig": ["TargetArn": "arn:aws:sqs:eu-central-1:000000000000:q"]], invalid, "DeadLetterConfig"),
        Case(["Tags": ["aws:x": "1"]], invalid, "must not begin with aws:"),
        Case(["Tags": ["cloister:tenant-id-length-max": "300"]], invalid, "must be a number from 1 to 256"),
        Case(["Tags": ["cloister:isolation-minimum": "strong"]], invalid, "container, gvisor, microvm"),
        Case(["Timeout": "3"], "SerializationException", "Member 'Timeout' must be a number."),
        Case(["FunctionName": 7], "SerializationException", "Member 'FunctionName' must be a string."),
        Case(["Environment": "x"], "SerializationException", "Member 'Environment'"),
        Case(["Environment": ["Variables": ["AA": 1]]], "SerializationException", "Member 'Environment.Variables.AA'"),
        Case(["Code": ["ZipFile": "###"]], "SerializationException", "Member 'Code.ZipFile' has no valid value."),
        Case(["Timeout": 3.5], "SerializationException", "no valid value"),
        Case(["Timeout": 1e300], "SerializationException", "no valid value"),
        Case(["Layers": "x"], "SerializationException", "Member 'Layers' must be a list."),
    ]

    @Test(arguments: cases) func createRefuses(_ wrong: Case) async throws {
        let answer = try await harness.create("hello", wrong.changes)
        #expect(answer.status == 400)
        #expect(answer.error == wrong.error)
        #expect(answer.body["Type"] == "User")
        #expect(answer.message?.contains(wrong.message) == true, "\(answer.message ?? "")")
        #expect(try await harness.send("GET", "/2015-03-31/functions").body["Functions"] == [])
        #expect(harness.directory.published == 0)
    }

    @Test(arguments: [
        "", "{", "[]", "null", "7", "\"x\"", "{\"FunctionName\":\"a\",}", "not json", "{\"a\":1}garbage",
    ])
    func bodiesThatAreNoObject(text: String) async throws {
        let answer = try await harness.send("POST", "/2015-03-31/functions", bytes: Array(text.utf8))
        #expect(answer.status == 400)
        #expect(answer.error != nil)
    }

    @Test func hostileJSON() async throws {
        let deep = String(repeating: "{\"Environment\":", count: 50_000) + "1" + String(repeating: "}", count: 50_000)
        let list = String(repeating: "[", count: 100_000)
        for text in [deep, list, "{\"Layers\":" + list, "{\"Timeout\":" + String(repeating: "9", count: 100_000) + "}"]
        {
            let answer = try await harness.send("POST", "/2015-03-31/functions", bytes: Array(text.utf8))
            #expect(answer.status == 400)
        }
        for bytes in [[0xff, 0xfe, 0x7b], [0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d], [0]] as [[UInt8]] {
            let answer = try await harness.send("POST", "/2015-03-31/functions", bytes: bytes)
            #expect(answer.status == 400)
        }
        let malformed = try await harness.send("POST", "/2015-03-31/functions", bytes: Array("{".utf8))
        #expect(malformed.error == "InvalidRequestContentException")
        #expect(malformed.message?.hasPrefix("Could not parse request body into json: ") == true)
    }

    @Test func lowerCaseMembersAreNotAWSs() async throws {
        var members = harness.functionBody("hello").members
        members["functionName"] = members.removeValue(forKey: "FunctionName")
        let answer = try await harness.send("POST", "/2015-03-31/functions", .object(members))
        #expect(answer.message?.contains("Value null at 'functionName'") == true)
    }

    @Test func aLongValueIsCutInTheMessage() async throws {
        let answer = try await harness.create("hello", ["Role": .text(String(repeating: "r", count: 100_000))])
        #expect(answer.bytes.count < 2_000)
    }

    @Test func aTooLargeArchive() async throws {
        let harness = try Harness(configuration: LambdaConfiguration(archiveBytesMax: 50, architecture: "x86_64"))
        let answer = try await harness.create("hello")
        #expect(answer.status == 413)
        #expect(answer.error == "RequestEntityTooLargeException")
    }

    @Test(arguments: [
        "hello world", "%zz", "hello%00", "a:b:c:d", "%ff", "hello:" + String(repeating: "q", count: 300),
    ])
    func pathsThatAreWrong(name: String) async throws {
        for path in ["/2015-03-31/functions/\(name)", "/2015-03-31/functions/\(name)/configuration"] {
            let answer = try await harness.send("GET", path)
            #expect(answer.status == 400 || answer.status == 404)
        }
    }

    @Test func paths() async throws {
        for path in [
            "/", "x", "/2015-03-31", "/2015-03-31/functions/a/b/c/d", "/9999-01-01/functions",
            "/" + String(repeating: "a/", count: 10_000),
        ] {
            let answer = try await harness.send("GET", path)
            #expect(answer.status == 404)
            #expect(answer.error == "UnknownOperationException")
        }
    }
}
