import CloisterCore
import CloisterServiceKit

/// One request to one operation, with its path's labels and query read as AWS reads them.
struct LambdaCall: Sendable {
    let operation: LambdaOperation
    let labels: [String: String]
    let request: ServiceRequest
    let account: AccountID

    var region: String { request.caller.region }

    func body<Value: Decodable>(_ type: Value.Type) throws(ServiceError) -> Value {
        try LambdaJSON.decode(type, request.body)
    }

    func label(_ name: String) -> String { labels[name] ?? "" }

    /// The function that the path means, and the qualifier, from the path or the query.
    func function() throws(ServiceError) -> (key: FunctionKey, qualifier: String?) {
        let reference = try reference(label("FunctionName"))
        let qualifier = request.queryValue("Qualifier")
        if let qualifier, !FunctionReference.isQualifier(qualifier) {
            var constraints = Constraints()
            constraints.length(qualifier, "qualifier", min: 1, max: 128)
            constraints.pattern(
                qualifier, "qualifier",
                Pattern(text: "\\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+") { FunctionReference.isQualifier($0) })
            try constraints.check()
        }
        if let derived = reference.qualifier, let qualifier, derived != qualifier {
            throw .invalidParameter(
                "The derived qualifier from the function name does not match the specified qualifier.")
        }
        return (FunctionKey(region: region, name: reference.name), qualifier ?? reference.qualifier)
    }

    /// A function's name or ARN, which must be of this account and of the region that the request was signed for.
    func reference(_ text: String) throws(ServiceError) -> FunctionReference {
        guard text.utf8.count <= FunctionReference.lengthMax, let reference = FunctionReference(text) else {
            throw invalidName(text)
        }
        if let other = reference.region, other != region {
            throw .invalidParameter("Functions from '\(other)' are not reachable in this region ('\(region)')")
        }
        if let other = reference.account, other != account.rawValue {
            throw .notFound("Function not found: \(text)")
        }
        return reference
    }

    func arn(_ key: FunctionKey, _ qualifier: String? = nil) -> String {
        key.arn(account: account) + (qualifier.map { ":" + $0 } ?? "")
    }

    /// `MaxItems`, at most `max` even where the model allows more, as AWS does.
    func maxItems(allowed: Int = 10_000, max: Int = 50) throws(ServiceError) -> Int {
        guard let text = request.queryValue("MaxItems") else { return max }
        guard let count = Int(text) else { throw .serialization("Member 'MaxItems' must be a number.") }
        var constraints = Constraints()
        constraints.range(count, "maxItems", 1...allowed)
        try constraints.check()
        return min(count, max)
    }

    var marker: String? {
        guard let marker = request.queryValue("Marker"), !marker.isEmpty else { return nil }
        return marker
    }
}

private func invalidName(_ text: String) -> ServiceError {
    var constraints = Constraints()
    // AWS's model says 140, its service holds a bare name to 64.
    constraints.length(text, "functionName", min: 1, max: text.contains(":") ? 140 : FunctionReference.nameLengthMax)
    constraints.pattern(text, "functionName", .functionName)
    do throws(ServiceError) { try constraints.check() } catch { return error }
    return .validation("1 validation error detected: Value at 'functionName' is not valid")
}

extension ServiceResponse {
    static func json(
        _ value: some Encodable, status: Int = 200, warnings: [String] = []
    ) throws(ServiceError) -> ServiceResponse {
        var headers = [(name: "Content-Type", value: "application/json")]
        headers += warnings.map { (name: "x-cloister-warning", value: $0) }
        return ServiceResponse(status: status, headers: headers, body: try LambdaJSON.encode(value))
    }

    static var noContent: ServiceResponse { ServiceResponse(status: 204) }
}
