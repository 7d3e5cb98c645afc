import CloisterServiceKit

extension LogsService {
    typealias Requests = LogsRequests
    typealias Responses = LogsResponses
    typealias Check = LogsValidation

    func describeLogGroups(_ call: LogsCall) async throws -> Responses.DescribeLogGroups {
        let input = try call.input(Requests.DescribeLogGroups.self)
        let limit = try Check.number(input.limit, "limit", 1...LogsLimits.describeMax) ?? LogsLimits.describeMax
        if let prefix = input.logGroupNamePrefix { _ = try Check.groupName(prefix, member: "logGroupNamePrefix") }
        if let pattern = input.logGroupNamePattern, !pattern.isEmpty {
            _ = try Check.groupName(pattern, member: "logGroupNamePattern")
        }
        guard input.logGroupNamePrefix == nil || input.logGroupNamePattern == nil else {
            throw LogsError.invalidParameter("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
        }
        if let kind = input.logGroupClass, kind != "STANDARD" { return Responses.DescribeLogGroups(logGroups: []) }
        if let identifiers = input.logGroupIdentifiers { return try await describe(identifiers, call) }
        let token = token(call, input.logGroupNamePrefix ?? "", input.logGroupNamePattern ?? "")
        let groups = try await store.groups(
            region: call.region, prefix: input.logGroupNamePrefix, containing: input.logGroupNamePattern,
            after: try input.nextToken.map { try token.decode($0, count: 1)[0] }, limit: limit + 1)
        let page = groups.prefix(limit)
        let next = groups.count > limit ? page.last.map { token.encode([$0.name]) } : nil
        return Responses.DescribeLogGroups(logGroups: page.map { LogsService.describe($0, call) }, nextToken: next)
    }

    private func describe(_ identifiers: [String], _ call: LogsCall) async throws -> Responses.DescribeLogGroups {
        guard (1...LogsLimits.describeMax).contains(identifiers.count) else {
            throw LogsError.invalidParameter("logGroupIdentifiers must have between 1 and \(LogsLimits.describeMax) elements")
        }
        var groups: [Responses.DescribeLogGroups.Group] = []
        for identifier in identifiers {
            let name = try Check.groupIdentifier(identifier, member: "logGroupIdentifiers", caller: call.caller)
            groups.append(LogsService.describe(try await store.group(region: call.region, name: name), call))
        }
        return Responses.DescribeLogGroups(logGroups: groups)
    }

    private static func describe(_ group: LogGroupRow, _ call: LogsCall) -> Responses.DescribeLogGroups.Group {
        let arn = call.groupARN(group.name)
        return Responses.DescribeLogGroups.Group(
            logGroupName: group.name, creationTime: group.createdAt, retentionInDays: group.retentionDays,
            arn: arn + ":*", storedBytes: group.storedBytes, logGroupArn: arn)
    }

    func createLogGroup(_ call: LogsCall) async throws -> Responses.Empty {
        let input = try call.input(Requests.Group.self)
        let name = try Check.groupName(input.logGroupName)
        let tags = try Check.tags(input.tags, isRequired: false)
        // Never a wrong success: what isn't built is refused.
        if input.kmsKeyId != nil { throw LogsError.invalidParameter("kmsKeyId is not supported by Cloister yet") }
        if input.deletionProtectionEnabled == true {
            throw LogsError.invalidParameter("deletionProtectionEnabled is not supported by Cloister yet")
        }
        if let kind = input.logGroupClass, kind != "STANDARD" {
            throw LogsError.invalidParameter("Cloister has no log group class but STANDARD")
        }
        try await store.createGroup(region: call.region, name: name, tags: tags)
        return Responses.Empty()
    }

    func deleteLogGroup(_ call: LogsCall) async throws -> Responses.Empty {
        let input = try call.input(Requests.Group.self)
        try await store.deleteGroup(region: call.region, name: try Check.groupName(input.logGroupName))
        return Responses.Empty()
    }

    func putRetentionPolicy(_ call: LogsCall) async throws -> Responses.Empty {
        let input = try call.input(Requests.Group.self)
        let name = try Check.groupName(input.logGroupName)
        guard let days = input.retentionInDays else { throw LogsError.required("retentionInDays") }
        guard LogsLimits.retentionDays.contains(days) else {
            let values = LogsLimits.retentionDays.sorted().map(String.init).joined(separator: ", ")
            throw LogsError.constraint("retentionInDays", value: String(days), "Member must satisfy enum value set: [\(values)]")
        }
        try await store.setRetention(region: call.region, group: name, days: days)
        return Responses.Empty()
    }

    func deleteRetentionPolicy(_ call: LogsCall) async throws -> Responses.Empty {
        let input = try call.input(Requests.Group.self)
        try await store.setRetention(region: call.region, group: try Check.groupName(input.logGroupName), days: nil)
        return Responses.Empty()
    }
}
