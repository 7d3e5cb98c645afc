import CloisterCore
import CloisterServiceKit

struct AddPermissionRequest: Decodable {
    var statementId: String?
    var action: String?
    var principal: String?
    var sourceArn: String?
    var sourceAccount: String?
    var eventSourceToken: String?
    var revisionId: String?
    var principalOrgID: String?
    var functionUrlAuthType: String?
    var invokedViaFunctionUrl: Bool?
}

struct AddPermissionShape: Encodable { var statement: String }

struct PolicyShape: Encodable {
    var policy: String
    var revisionId: String
}

extension LambdaService {
    func addPermission(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let (key, qualifier) = try call.function()
        let request = try call.body(AddPermissionRequest.self)
        try LambdaService.check(request)
        guard qualifier != "$LATEST" else {
            throw .invalidParameter("We currently do not support adding policies for $LATEST.")
        }
        let json = try PolicyStatement(request, resource: call.arn(key, qualifier), account: account).json
        try await change(key, arn: call.arn(key, qualifier)) { (function, _) async throws(ServiceError) in
            try await requireQualifier(qualifier, of: function, call)
            var policy = function.policies[qualifier ?? ""] ?? PolicyRecord(revisionID: "")
            if let revision = request.revisionId, revision != policy.revisionID { throw .wrongRevision }
            let id = request.statementId ?? ""
            guard !policy.statements.contains(where: { $0.id == id }) else {
                throw .conflict(
                    "The statement id (\(id)) provided already exists. Please provide a new statement id, "
                        + "or remove the existing statement.")
            }
            policy.statements.append(PolicyRecord.Statement(id: id, json: json))
            policy.revisionID = randomUUID()
            let size = LambdaService.document(policy).utf8.count
            guard size <= configuration.policyBytesMax else {
                throw ServiceError(
                    "PolicyLengthExceededException", status: 400,
                    message: "The final policy size (\(size)) is bigger than the limit "
                        + "(\(configuration.policyBytesMax)).")
            }
            function.policies[qualifier ?? ""] = policy
        }
        return try .json(AddPermissionShape(statement: json), status: 201)
    }

    func removePermission(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let (key, qualifier) = try call.function()
        let id = call.label("StatementId")
        let revision = call.request.queryValue("RevisionId")
        try await change(key, arn: call.arn(key, qualifier)) { (function, _) async throws(ServiceError) in
            guard var policy = function.policies[qualifier ?? ""] else { throw LambdaService.noPolicy }
            if let revision, revision != policy.revisionID { throw .wrongRevision }
            guard let index = policy.statements.firstIndex(where: { $0.id == id }) else {
                throw .notFound("Statement \(id.prefix(100)) is not found in resource policy.")
            }
            policy.statements.remove(at: index)
            policy.revisionID = randomUUID()
            function.policies[qualifier ?? ""] = policy.statements.isEmpty ? nil : policy
        }
        return .noContent
    }

    func getPolicy(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let (key, qualifier) = try call.function()
        guard let function = try await store.function(key)?.record else {
            throw .notFound("Function not found: \(call.arn(key, qualifier))")
        }
        guard let policy = function.policies[qualifier ?? ""] else { throw LambdaService.noPolicy }
        return try .json(PolicyShape(policy: LambdaService.document(policy), revisionId: policy.revisionID))
    }

    /// Throws unless `qualifier` is nil, `$LATEST`, or a version or an alias that exists.
    func requireQualifier(
        _ qualifier: String?, of function: FunctionRecord, _ call: LambdaCall
    ) async throws(ServiceError) {
        guard let qualifier, qualifier != "$LATEST", function.aliases[qualifier] == nil else { return }
        if case .number(let number) = FunctionVersion(qualifier),
            try await store.version(number, of: function.key) != nil
        {
            return
        }
        throw .notFound("Function not found: \(call.arn(function.key, qualifier))")
    }

    private static var noPolicy: ServiceError { .notFound("The resource you requested does not exist.") }

    private static func document(_ policy: PolicyRecord) -> String {
        let statements = policy.statements.map(\.json).joined(separator: ",")
        return "{\"Version\":\"2012-10-17\",\"Id\":\"default\",\"Statement\":[\(statements)]}"
    }

    private static func check(_ request: AddPermissionRequest) throws(ServiceError) {
        var constraints = Constraints()
        constraints.require(request.statementId != nil, "statementId")
        constraints.length(request.statementId, "statementId", min: 1, max: 100)
        constraints.pattern(request.statementId, "statementId", .name)
        constraints.require(request.action != nil, "action")
        constraints.pattern(request.action, "action", .action)
        constraints.require(request.principal != nil, "principal")
        constraints.length(request.principal, "principal", max: 1_024)
        constraints.pattern(request.principal, "principal", .principal)
        constraints.pattern(request.sourceArn, "sourceArn", .arn)
        constraints.pattern(request.sourceAccount, "sourceAccount", .account)
        constraints.length(request.eventSourceToken, "eventSourceToken", max: 256)
        constraints.length(request.principalOrgID, "principalOrgID", min: 12, max: 34)
        constraints.oneOf(request.functionUrlAuthType, "functionUrlAuthType", ["NONE", "AWS_IAM"])
        try constraints.check()
    }
}

/// One statement of a resource policy, in AWS's form.
private struct PolicyStatement {
    enum Principal: Encodable {
        case everyone
        case service(String)
        case account(String)

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .everyone: try container.encode("*")
            case .service(let name): try container.encode(["Service": name])
            case .account(let arn): try container.encode(["AWS": arn])
            }
        }
    }

    struct Wire: Encodable {
        var sid: String
        var effect = "Allow"
        var principal: Principal
        var action: String
        var resource: String
        var condition: [String: [String: String]]?
    }

    let json: String

    init(_ request: AddPermissionRequest, resource: String, account: AccountID) throws(ServiceError) {
        var condition: [String: [String: String]] = [:]
        func add(_ test: String, _ name: String, _ value: String?) {
            if let value { condition[test, default: [:]][name] = value }
        }
        add("ArnLike", "AWS:SourceArn", request.sourceArn)
        add("StringEquals", "AWS:SourceAccount", request.sourceAccount)
        add("StringEquals", "aws:PrincipalOrgID", request.principalOrgID)
        add("StringEquals", "lambda:EventSourceToken", request.eventSourceToken)
        add("StringEquals", "lambda:FunctionUrlAuthType", request.functionUrlAuthType)
        add("Bool", "lambda:InvokedViaFunctionUrl", request.invokedViaFunctionUrl.map { "\($0)" })
        let wire = Wire(
            sid: request.statementId ?? "", principal: PolicyStatement.principal(request.principal ?? ""),
            action: request.action ?? "", resource: resource, condition: condition.isEmpty ? nil : condition)
        json = String(decoding: try LambdaJSON.encode(wire), as: UTF8.self)
    }

    private static func principal(_ text: String) -> Principal {
        if text == "*" { return .everyone }
        if AccountID(text) != nil { return .account("arn:aws:iam::\(text):root") }
        return text.hasPrefix("arn:") ? .account(text) : .service(text)
    }
}
