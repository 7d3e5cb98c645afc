import CloisterCore
import CloisterLogs
import CloisterServiceKit
import Foundation

/// One function's log as JSON lines, up to now or, with `follow=1`, from now on as well.
struct LogLines {
    let logs: LogStore
    let request: ServiceRequest

    private struct Line: Encodable {
        let timestamp: Int64
        let stream: String
        let tenantId: String?
        let requestId: String?
        let message: String
    }

    private static let recordsMax = 10_000

    func respond() async throws -> ServiceResponse {
        guard let function = request.queryValue("function"), FunctionReference.isName(function) else {
            throw ServiceError("ValidationError", status: 400, message: "The parameter 'function' must name a function.")
        }
        let tenant = try tenant()
        let group = request.queryValue("group") ?? "/aws/lambda/\(function)"
        let isFollowing = request.queryValue("follow") == "1"
        // Subscribed before the past is read, so that nothing falls between; what both have is left out below.
        let live = isFollowing
            ? try logs.subscribe(LogSubscriptionFilter(region: request.caller.region, groups: [group], tenant: tenant)) : nil
        let past = try await past(group: group, tenant: tenant)
        var body: [UInt8] = []
        for record in past { body += LogLines.encode(record) }
        let last = past.last?.position
        let stream = live.map { live in
            // A reader that stalls loses the oldest lines, not the server its memory.
            AsyncStream<[UInt8]>(bufferingPolicy: .bufferingNewest(LogLines.recordsMax)) { continuation in
                let task = Task {
                    for await record in live where last.map({ $0 < record.position }) ?? true {
                        continuation.yield(LogLines.encode(record))
                    }
                    continuation.finish()
                }
                continuation.onTermination = { _ in task.cancel() }
            }
        }
        return ServiceResponse(
            status: 200, headers: [("Content-Type", "application/x-ndjson")], body: body, stream: stream)
    }

    private func tenant() throws -> TenantID? {
        guard let text = request.queryValue("tenantId") else { return nil }
        guard let tenant = TenantID(text) else {
            throw ServiceError("ValidationError", status: 400, message: "The parameter 'tenantId' is no tenant id.")
        }
        return tenant
    }

    private func past(group: String, tenant: TenantID?) async throws -> [StoredLogRecord] {
        let since = request.queryValue("since").flatMap { Int64($0) } ?? 0
        do {
            return try await logs.records(
                LogQuery(
                    region: request.caller.region, group: group, scope: .group(streams: nil, prefix: nil), tenant: tenant,
                    from: since, through: .max, beyond: nil, limit: LogLines.recordsMax, pattern: nil)
            ).records
        } catch is LogStoreError {
            // No invocation has logged there yet.
            return []
        }
    }

    private static func encode(_ record: StoredLogRecord) -> [UInt8] {
        let line = Line(
            timestamp: record.timestamp, stream: record.stream, tenantId: record.tenant?.rawValue,
            requestId: record.requestID?.rawValue, message: record.message)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        return ((try? encoder.encode(line)).map { Array($0) } ?? []) + [0x0a]
    }
}
