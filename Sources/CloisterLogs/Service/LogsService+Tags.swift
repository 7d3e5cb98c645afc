import CloisterServiceKit

extension LogsService {
    func listTagsForResource(_ call: LogsCall) async throws -> Responses.Tags {
        let input = try call.input(Requests.Tags.self)
        return Responses.Tags(tags: try await store.tags(region: call.region, group: try group(input.resourceArn, call)))
    }

    func tagResource(_ call: LogsCall) async throws -> Responses.Empty {
        let input = try call.input(Requests.Tags.self)
        let tags = try Check.tags(input.tags, isRequired: true)
        try await store.changeTags(region: call.region, group: try group(input.resourceArn, call), set: tags, remove: [])
        return Responses.Empty()
    }

    func untagResource(_ call: LogsCall) async throws -> Responses.Empty {
        let input = try call.input(Requests.Tags.self)
        guard let keys = input.tagKeys else { throw LogsError.required("tagKeys") }
        try await store.changeTags(region: call.region, group: try group(input.resourceArn, call), set: [:], remove: keys)
        return Responses.Empty()
    }

    func listTagsLogGroup(_ call: LogsCall) async throws -> Responses.Tags {
        let name = try Check.groupName(try call.input(Requests.Group.self).logGroupName)
        return Responses.Tags(tags: try await store.tags(region: call.region, group: name))
    }

    func tagLogGroup(_ call: LogsCall) async throws -> Responses.Empty {
        let input = try call.input(Requests.Group.self)
        let name = try Check.groupName(input.logGroupName)
        let tags = try Check.tags(input.tags, isRequired: true)
        try await store.changeTags(region: call.region, group: name, set: tags, remove: [])
        return Responses.Empty()
    }

    func untagLogGroup(_ call: LogsCall) async throws -> Responses.Empty {
        let input = try call.input(Requests.GroupTagKeys.self)
        let name = try Check.groupName(input.logGroupName)
        guard let keys = input.tags, !keys.isEmpty else { throw LogsError.required("tags") }
        try await store.changeTags(region: call.region, group: name, set: [:], remove: keys)
        return Responses.Empty()
    }

    private func group(_ arn: String?, _ call: LogsCall) throws(ServiceError) -> String {
        guard let arn else { throw LogsError.required("resourceArn") }
        guard arn.hasPrefix("arn:") else { throw LogsError.invalidParameter("resourceArn is no log group's ARN") }
        return try Check.groupIdentifier(arn, member: "resourceArn", caller: call.caller)
    }
}
