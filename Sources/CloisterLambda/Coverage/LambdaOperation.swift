/// One operation of AWS's Lambda API.
public struct LambdaOperation: Sendable, Equatable {
    public enum Method: String, Sendable {
        case get = "GET"
        case put = "PUT"
        case post = "POST"
        case delete = "DELETE"
    }

    public enum Status: Sendable, Equatable {
        case implemented
        /// Implemented, but served by the data plane instead of `LambdaService`.
        case dataPlane
        /// Answered with 501 and the operation's name.
        case missing
    }

    public let name: String
    public let method: Method
    /// With labels in braces; what follows `?` are fixed query parameters.
    public let path: String
    public let status: Status
    /// For the coverage page: what is different from AWS.
    public let notes: String

    init(_ name: String, _ method: Method, _ path: String, _ status: Status, notes: String = "") {
        self.name = name
        self.method = method
        self.path = path
        self.status = status
        self.notes = notes
    }
}

extension LambdaCoverage {
    /// The coverage page `docs/coverage/lambda.md`.
    public static func markdown() -> String {
        let implemented = operations.filter { $0.status != .missing }.count
        let rows = operations.sorted { $0.name < $1.name }.map { operation in
            let status = operation.status == .missing ? "no (501)" : "yes"
            return "| \(operation.name) | `\(operation.method.rawValue) \(operation.path)` | \(status) "
                + "| \(operation.notes) |"
        }
        return """
            # Lambda API coverage

            Generated from `LambdaCoverage.operations`: \(implemented) of \(operations.count) operations. Every other
            operation is answered with HTTP 501, error `NotImplementedException`, and its name.

            | operation | request | built | notes |
            | --- | --- | --- | --- |
            \(rows.joined(separator: "\n"))

            """
    }
}
