import CloisterCore
import CloisterServiceKit

extension LogsService {
    func getLogEvents(_ call: LogsCall) async throws -> Responses.GetLogEvents {
        let input = try call.input(Requests.GetLogEvents.self)
        let group = try Check.group(name: input.logGroupName, identifier: input.logGroupIdentifier, caller: call.caller)
        let stream = try Check.streamName(input.logStreamName)
        let limit = try Check.number(input.limit, "limit", 1...LogsLimits.pageEventsMax) ?? LogsLimits.pageEventsMax
        let from = try Check.time(input.startTime, "startTime") ?? 0
        // The end is exclusive here, and inclusive in FilterLogEvents.
        let through = try Check.time(input.endTime, "endTime").map { $0 - 1 } ?? .max
        let token = token(call, group, stream)
        let start = try input.nextToken.map { try token.decodePosition($0) }
        let isForward = start.map { $0.kind == "f" } ?? (input.startFromHead ?? false)
        let page = try await store.records(
            LogQuery(
                region: call.region, group: group, scope: isForward ? .stream(stream) : .streamBackward(stream),
                from: from, through: through, beyond: start?.position, limit: limit))
        let ends = LogsService.ends(of: page, start: start?.position, isForward: isForward, from: from)
        return Responses.GetLogEvents(
            events: page.records.map {
                Responses.GetLogEvents.Event(timestamp: $0.timestamp, message: $0.message, ingestionTime: $0.ingestedAt)
            },
            nextForwardToken: token.encode("f", ends.last), nextBackwardToken: token.encode("b", ends.first))
    }

    /// Where the next forward and the next backward page begin. At the end of the stream it's where this one began,
    /// so that the token repeats, by which clients know the end.
    private static func ends(
        of page: LogPage, start: LogPosition?, isForward: Bool, from: Int64
    ) -> (first: LogPosition, last: LogPosition) {
        if let first = page.records.first?.position, let last = page.records.last?.position { return (first, last) }
        guard let start else {
            return (LogPosition(timestamp: from, sequence: 0), LogPosition(timestamp: from - 1, sequence: .max - 1))
        }
        return isForward
            ? (LogPosition(timestamp: start.timestamp, sequence: start.sequence + 1), start)
            : (start, LogPosition(timestamp: start.timestamp, sequence: start.sequence - 1))
    }

    func filterLogEvents(_ call: LogsCall) async throws -> Responses.FilterLogEvents {
        let input = try call.input(Requests.FilterLogEvents.self)
        let group = try Check.group(name: input.logGroupName, identifier: input.logGroupIdentifier, caller: call.caller)
        let limit = try Check.number(input.limit, "limit", 1...LogsLimits.pageEventsMax) ?? LogsLimits.pageEventsMax
        let from = try Check.time(input.startTime, "startTime") ?? 0
        let through = try Check.time(input.endTime, "endTime") ?? .max
        let tenant = try LogsService.tenant(input.tenantId)
        let token = token(
            call, group, input.filterPattern ?? "", input.logStreamNamePrefix ?? "", input.tenantId ?? "",
            (input.logStreamNames ?? []).joined(separator: ":"))
        let page = try await store.records(
            LogQuery(
                region: call.region, group: group, scope: try LogsService.scope(input), tenant: tenant, from: from,
                through: through, beyond: try input.nextToken.map { try token.decodePosition($0).position },
                limit: limit, pattern: try input.filterPattern.map { try LogFilterPattern($0) }))
        return Responses.FilterLogEvents(
            events: page.records.map(LogsService.event), nextToken: page.next.map { token.encode("f", $0) })
    }

    private static func scope(_ input: Requests.FilterLogEvents) throws(ServiceError) -> LogQuery.Scope {
        if let prefix = input.logStreamNamePrefix {
            guard input.logStreamNames == nil else {
                throw LogsError.invalidParameter("logStreamNames and logStreamNamePrefix can't be given together")
            }
            return .group(streams: nil, prefix: try Check.streamName(prefix, member: "logStreamNamePrefix"))
        }
        guard let names = input.logStreamNames else { return .group(streams: nil, prefix: nil) }
        guard (1...LogsLimits.streamNamesMax).contains(names.count) else {
            throw LogsError.invalidParameter("logStreamNames must have between 1 and \(LogsLimits.streamNamesMax) elements")
        }
        for name in names { _ = try Check.streamName(name, member: "logStreamNames") }
        return .group(streams: names, prefix: nil)
    }

    private static func tenant(_ text: String?) throws(ServiceError) -> TenantID? {
        guard let text else { return nil }
        guard let tenant = TenantID(text) else { throw LogsError.invalidParameter("tenantId is no tenant id") }
        return tenant
    }

    private static func event(_ record: StoredLogRecord) -> Responses.FilterLogEvents.Event {
        Responses.FilterLogEvents.Event(
            logStreamName: record.stream, timestamp: record.timestamp, message: record.message,
            ingestionTime: record.ingestedAt, eventId: eventID(record.position), tenantId: record.tenant?.rawValue)
    }

    /// 56 digits, as on AWS; unique, and in the records' order.
    private static func eventID(_ position: LogPosition) -> String {
        func padded(_ value: Int64, _ width: Int) -> String {
            let digits = String(max(0, value))
            return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        }
        return padded(position.timestamp, 28) + padded(position.sequence, 28)
    }
}
