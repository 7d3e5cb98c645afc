import CloisterCore
import CloisterServiceKit
import CloisterWire
import NIOCore

/// The parameters of one invoke request, validated.
struct InvokeRequest {
    enum InvocationType {
        case requestResponse, event, dryRun
    }

    let reference: FunctionReference
    let qualifier: String?
    let type: InvocationType
    let wantsLogTail: Bool
    let clientContext: ClientContext?
    let tenantClaim: TenantAdmission.Claim
    let traceHeader: String?
    let payload: ByteBuffer

    init(_ route: InvokeRoute, head: HTTPHead, body: ByteBuffer) throws(ServiceError) {
        guard let reference = FunctionReference(route.functionName) else {
            throw InvokeErrors.validation("functionName", "Member must be a function name, partial ARN or ARN")
        }
        self.reference = reference
        qualifier = try InvokeRequest.qualifier(head, reference)
        type = try InvokeRequest.type(head, isStreaming: route.isStreaming)
        switch head.first("x-amz-log-type") {
        case nil, "None": wantsLogTail = false
        case "Tail": wantsLogTail = true
        default: throw InvokeErrors.validation("logType", "Member must satisfy enum value set: [None, Tail]")
        }
        if let encoded = head.first("x-amz-client-context") {
            guard let context = try? ClientContext(base64: encoded) else {
                throw InvokeErrors.parameter(
                    "The client context must be a JSON object in base64 of at most \(ClientContext.base64BytesMax) bytes.")
            }
            clientContext = context
        } else {
            clientContext = nil
        }
        let tenants = head.all("x-amz-tenant-id")
        tenantClaim = tenants.count > 1 ? .malformed : tenants.first.map { .text($0) } ?? .absent
        traceHeader = head.first("x-amzn-trace-id")
        payload = body.readableBytes == 0 ? ByteBuffer(string: "{}") : body
        guard payload.withUnsafeReadableBytes({ JSONValidator.isValid($0) }) else {
            throw ServiceError(
                "InvalidRequestContentException", status: 400,
                message: "Could not parse request body into json: the payload is not one JSON value")
        }
    }

    /// The client context as the runtime gets it: with the tenant in `custom.tenantId`, however it was given.
    func contextText(admitting tenant: TenantID?) -> String? {
        clientContext?.text(admitting: tenant) ?? tenant.map { ClientContext.text(for: $0) }
    }

    private static func qualifier(_ head: HTTPHead, _ reference: FunctionReference) throws(ServiceError) -> String? {
        guard !head.query.isEmpty else { return nil }
        guard let items = PercentEncoding.queryItems(head.query) else {
            throw InvokeErrors.validation("qualifier", "The query string must be percent-encoded")
        }
        guard let qualifier = items.first(where: { $0.name == "Qualifier" })?.value else { return nil }
        guard FunctionReference.isQualifier(qualifier) else {
            throw InvokeErrors.validation("qualifier", "Member must satisfy regular expression pattern: (|[a-zA-Z0-9$_-]+)")
        }
        if let named = reference.qualifier, named != qualifier {
            throw InvokeErrors.parameter("The derived qualifier from the function name does not match the specified qualifier.")
        }
        return qualifier
    }

    private static func type(_ head: HTTPHead, isStreaming: Bool) throws(ServiceError) -> InvocationType {
        switch head.first("x-amz-invocation-type") {
        case nil, "RequestResponse": return .requestResponse
        case "DryRun": return .dryRun
        case "Event" where !isStreaming: return .event
        default:
            throw InvokeErrors.validation(
                "invocationType", "Member must satisfy enum value set: [Event, RequestResponse, DryRun]")
        }
    }
}
