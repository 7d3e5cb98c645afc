import ArgumentParser
import CloisterCore
import CloisterTemplates
import Foundation

/// `cloister invoke`: calls a function and prints its answer.
struct InvokeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invoke", abstract: "Invoke a function and print its answer.",
        discussion: "The answer goes to standard output; errors go to standard error, with exit status 1.")

    @Argument(help: "The function's name or ARN.")
    var function: String

    @Option(help: "The tenant to invoke it for.")
    var tenantId: String?

    @Option(help: "The event, JSON.")
    var payload: String?

    @Option(help: ArgumentHelp("A file with the event; - for standard input.", valueName: "file"))
    var payloadFile: String?

    @Option(help: "A version or an alias.")
    var qualifier: String?

    @Flag(help: "Show the end of the invocation's log.")
    var log = false

    @Flag(name: .customLong("async"), help: "Queue the event and don't wait for the answer.")
    var isAsynchronous = false

    @Flag(help: "Print JSON: status, answer, error, version, request id and log.")
    var json = false

    @OptionGroup var client: ClientOptions

    func validate() throws {
        if payload != nil, payloadFile != nil { throw ValidationError("--payload or --payload-file, not both") }
        if log, isAsynchronous { throw ValidationError("--log needs an invocation that is waited for") }
    }

    func run() throws {
        let response = try client.client().send(request())
        let outcome = InvocationOutcome(response)
        if json {
            try Terminal.printJSON(outcome)
        } else {
            show(outcome, body: response.body)
        }
        if outcome.functionError != nil { throw ExitCode(1) }
    }

    /// The invocation as it is sent. Throws `CommandFailure` when a payload can't be read.
    func request() throws -> APIRequest {
        var request = APIRequest("POST", "/2015-03-31/functions/\(APIRequest.encode(function))/invocations")
        if let qualifier { request.query = [(name: "Qualifier", value: qualifier)] }
        request.body = try event()
        request.fields = [
            (name: "x-amz-invocation-type", value: isAsynchronous ? "Event" : "RequestResponse")
        ]
        if log { request.fields.append((name: "x-amz-log-type", value: "Tail")) }
        if let tenantId {
            guard TenantID(tenantId) != nil else {
                throw CommandFailure(
                    "`\(Terminal.harmless(tenantId))` isn't a tenant id",
                    hint: "1 to 256 letters, digits, single blanks and . _ : / = + - @", status: .badInput)
            }
            request.fields.append((name: "x-amz-tenant-id", value: tenantId))
        }
        request.timeoutSeconds = 960
        return request
    }

    private func event() throws -> [UInt8] {
        if let payload { return Array(payload.utf8) }
        guard let payloadFile else { return Array("{}".utf8) }
        if payloadFile == "-" { return [UInt8](FileHandle.standardInput.readDataToEndOfFile()) }
        guard let contents = FileManager.default.contents(atPath: payloadFile) else {
            throw CommandFailure("the file `\(payloadFile)` can't be read", status: .badInput)
        }
        return [UInt8](contents)
    }

    private func show(_ outcome: InvocationOutcome, body: [UInt8]) {
        if let log = outcome.log { for line in log { Terminal.note(Terminal.harmless(line)) } }
        if isAsynchronous {
            Terminal.note("Queued as \(outcome.requestId ?? "?").")
        } else if let error = outcome.functionError {
            Terminal.note("error: the function failed (\(error))")
            Terminal.note(String(decoding: body, as: UTF8.self))
        } else {
            Terminal.write(body + [UInt8(ascii: "\n")])
        }
    }
}

/// What came of an invocation.
struct InvocationOutcome: Encodable, Equatable {
    var status: Int
    var functionError: String?
    var executedVersion: String?
    var requestId: String?
    /// Nil when the answer is empty or no JSON.
    var payload: JSONValue?
    var log: [String]?

    init(_ response: HTTPResponse) {
        status = response.status
        functionError = response.field("x-amz-function-error")
        executedVersion = response.field("x-amz-executed-version")
        requestId = response.field("x-amzn-requestid")
        payload = JSONValue(bytes: response.body)
        log = response.field("x-amz-log-result").flatMap { Data(base64Encoded: $0) }.map { data in
            String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }
}
