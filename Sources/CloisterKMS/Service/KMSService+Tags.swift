import CloisterServiceKit

extension KMSService {
    func tagResource(_ call: KMSCall) async throws -> Responses.Empty {
        let input = try call.input(Requests.Key.self)
        let tags = try Check.tags(try Check.required(input.Tags, "tags"))
        let access = KeyAccess("TagResource", conditions: KMSService.tagConditions(tags), takesAliases: false)
        try await changeKey(call, input.KeyId, access) { record in
            for tag in tags {
                record.tags.removeAll { $0.key == tag.key }
                record.tags.append(tag)
            }
            guard record.tags.count <= KMSLimits.tagsMax else { throw KMSError.limit("Too many tags") }
        }
        return Responses.Empty()
    }

    func untagResource(_ call: KMSCall) async throws -> Responses.Empty {
        let input = try call.input(Requests.Key.self)
        let keys = try Check.required(input.TagKeys, "tagKeys")
        for key in keys { try Check.length(key, "tagKeys", 1...128) }
        let access = KeyAccess("UntagResource", conditions: ["aws:TagKeys": keys], takesAliases: false)
        try await changeKey(call, input.KeyId, access) { record in record.tags.removeAll { keys.contains($0.key) } }
        return Responses.Empty()
    }

    func listResourceTags(_ call: KMSCall) async throws -> Responses.Tags {
        let input = try call.input(Requests.Key.self)
        let limit = try Page.limit(input.Limit, default: 50)
        let access = KeyAccess("ListResourceTags", takesAliases: false)
        let key = try await ring.key(input.KeyId, access, for: call.requester)
        let sorted = key.record.tags.sorted { $0.key < $1.key }
        let page = try Page.of(sorted, marker: input.Marker, limit: limit) { $0.key }
        return Responses.Tags(
            Tags: page.items.map { Requests.Tag(TagKey: $0.key, TagValue: $0.value) }, NextMarker: page.next,
            Truncated: page.next != nil)
    }

    /// IAM's condition keys for tags in a request.
    static func tagConditions(_ tags: [KeyRecord.Tag]) -> [String: [String]] {
        guard !tags.isEmpty else { return [:] }
        var conditions = ["aws:TagKeys": tags.map(\.key)]
        for tag in tags { conditions["aws:RequestTag/\(tag.key)"] = [tag.value] }
        return conditions
    }
}
