import CloisterServiceKit

extension LogsService {
    func describeLogStreams(_ call: LogsCall) async throws -> Responses.DescribeLogStreams {
        let input = try call.input(Requests.DescribeLogStreams.self)
        let group = try Check.group(name: input.logGroupName, identifier: input.logGroupIdentifier, caller: call.caller)
        let limit = try Check.number(input.limit, "limit", 1...LogsLimits.describeMax) ?? LogsLimits.describeMax
        let prefix = input.logStreamNamePrefix
        if let prefix { _ = try Check.streamName(prefix, member: "logStreamNamePrefix") }
        let isByName = try LogsService.isByName(input)
        let isDescending = input.descending ?? false
        let token = token(call, group, prefix ?? "", isByName ? "name" : "time", isDescending ? "down" : "up")
        let order = try LogsService.order(isByName: isByName, token: token, input.nextToken)
        let streams = try await store.streams(
            region: call.region, group: group, prefix: prefix, order: order, isDescending: isDescending, limit: limit + 1)
        let page = streams.prefix(limit)
        let next = streams.count > limit ? page.last.map { LogsService.encode($0, isByName, token) } : nil
        return Responses.DescribeLogStreams(
            logStreams: page.map { LogsService.describe($0, call.groupARN(group)) }, nextToken: next)
    }

    private static func isByName(_ input: Requests.DescribeLogStreams) throws(ServiceError) -> Bool {
        switch input.orderBy {
        case nil, "LogStreamName": return true
        case "LastEventTime":
            guard input.logStreamNamePrefix == nil else {
                throw LogsError.invalidParameter("Cannot order by LastEventTime with a logStreamNamePrefix.")
            }
            return false
        case let value:
            throw LogsError.constraint("orderBy", value: value, "Member must satisfy enum value set: [LogStreamName, LastEventTime]")
        }
    }

    private static func order(
        isByName: Bool, token: PageToken, _ text: String?
    ) throws(ServiceError) -> LogStore.StreamOrder {
        guard let text else { return isByName ? .name(after: nil) : .lastEvent(after: nil) }
        let fields = try token.decode(text, count: 2)
        guard !isByName else { return .name(after: fields[1]) }
        guard let timestamp = Int64(fields[0]) else { throw LogsError.invalidToken }
        return .lastEvent(after: LogStore.LastEvent(timestamp: timestamp, name: fields[1]))
    }

    private static func encode(_ stream: LogStreamRow, _ isByName: Bool, _ token: PageToken) -> String {
        token.encode([isByName ? "" : String(stream.lastTimestamp ?? -1), stream.name])
    }

    private static func describe(_ stream: LogStreamRow, _ groupARN: String) -> Responses.DescribeLogStreams.Stream {
        Responses.DescribeLogStreams.Stream(
            logStreamName: stream.name, creationTime: stream.createdAt, firstEventTimestamp: stream.firstTimestamp,
            lastEventTimestamp: stream.lastTimestamp, lastIngestionTime: stream.ingestedAt,
            arn: "\(groupARN):log-stream:\(stream.name)")
    }

    func createLogStream(_ call: LogsCall) async throws -> Responses.Empty {
        let input = try call.input(Requests.Stream.self)
        let group = try Check.groupName(input.logGroupName)
        try await store.createStream(region: call.region, group: group, name: try Check.streamName(input.logStreamName))
        return Responses.Empty()
    }

    func deleteLogStream(_ call: LogsCall) async throws -> Responses.Empty {
        let input = try call.input(Requests.Stream.self)
        let group = try Check.groupName(input.logGroupName)
        try await store.deleteStream(region: call.region, group: group, name: try Check.streamName(input.logStreamName))
        return Responses.Empty()
    }
}
