import CloisterServiceKit

extension LogsService {
    func putLogEvents(_ call: LogsCall) async throws -> Responses.PutLogEvents {
        let input = try call.input(Requests.PutLogEvents.self)
        let group = try Check.groupName(input.logGroupName)
        let stream = try Check.streamName(input.logStreamName)
        guard let events = input.logEvents else { throw LogsError.required("logEvents") }
        let records = try LogsService.records(events)
        let row = try await store.group(region: call.region, name: group)
        let (accepted, rejected) = LogsService.accepted(records, now: store.now(), retentionDays: row.retentionDays)
        try await store.put(Array(accepted), region: call.region, group: group, stream: stream)
        return Responses.PutLogEvents(rejectedLogEventsInfo: rejected)
    }

    /// Checks the batch as a whole.
    private static func records(_ events: [Requests.PutLogEvents.Event]) throws(ServiceError) -> [LogRecord] {
        guard !events.isEmpty else {
            throw LogsError.constraint("logEvents", value: "[]", "Member must have length greater than or equal to 1")
        }
        guard events.count <= LogsLimits.batchEventsMax else {
            throw LogsError.constraint(
                "logEvents", value: "[...]", "Member must have length less than or equal to \(LogsLimits.batchEventsMax)")
        }
        var records: [LogRecord] = []
        var size = 0
        for (index, event) in events.enumerated() {
            let record = try record(event, index: index)
            size += record.message.utf8.count + LogsLimits.eventOverheadBytes
            if let last = records.last, last.timestamp > record.timestamp {
                throw LogsError.invalidParameter("Log events in a single PutLogEvents request must be in chronological order.")
            }
            records.append(record)
        }
        guard size <= LogsLimits.batchBytesMax else {
            throw LogsError.invalidParameter("Upload too large: \(size) bytes exceeds limit of \(LogsLimits.batchBytesMax)")
        }
        let span = (records.last?.timestamp ?? 0) - (records.first?.timestamp ?? 0)
        guard span <= LogsLimits.batchSpanMillisecondsMax else {
            throw LogsError.invalidParameter(
                "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
        }
        return records
    }

    private static func record(_ event: Requests.PutLogEvents.Event, index: Int) throws(ServiceError) -> LogRecord {
        let member = "logEvents.\(index + 1).member"
        guard let message = event.message else { throw LogsError.required("\(member).message") }
        guard let timestamp = try Check.time(event.timestamp, "\(member).timestamp") else {
            throw LogsError.required("\(member).timestamp")
        }
        guard !message.isEmpty else {
            throw LogsError.constraint("\(member).message", value: "", "Member must have length greater than or equal to 1")
        }
        let size = message.utf8.count + LogsLimits.eventOverheadBytes
        guard size <= LogsLimits.messageBytesMax else {
            throw LogsError.invalidParameter("Log event too large: \(size) bytes exceeds limit of \(LogsLimits.messageBytesMax)")
        }
        return LogRecord(timestamp: timestamp, message: message, tenant: nil, requestID: nil)
    }

    /// AWS takes the rest of a batch in which some events are too old or too new, and tells which those are. `records`
    /// are in order.
    private static func accepted(
        _ records: [LogRecord], now: Int64, retentionDays: Int?
    ) -> (ArraySlice<LogRecord>, Responses.PutLogEvents.Rejected?) {
        func count(before timestamp: Int64) -> Int { records.prefix { $0.timestamp < timestamp }.count }
        let old = count(before: now - LogsLimits.eventAgeMillisecondsMax)
        let expired = retentionDays.map { count(before: now - Int64($0) * LogsLimits.millisecondsPerDay) } ?? 0
        let current = count(before: now + LogsLimits.eventFutureMillisecondsMax + 1)
        let first = max(old, expired)
        guard first > 0 || current < records.count else { return (records[...], nil) }
        let rejected = Responses.PutLogEvents.Rejected(
            tooNewLogEventStartIndex: current < records.count ? current : nil,
            tooOldLogEventEndIndex: old > 0 ? old : nil, expiredLogEventEndIndex: expired > 0 ? expired : nil)
        return (records[min(first, current)..<current], rejected)
    }
}
