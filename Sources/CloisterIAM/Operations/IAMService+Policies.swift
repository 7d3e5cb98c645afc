import CloisterServiceKit
import Foundation

/// Inline and attached policies, boundaries and tags, of users, groups and roles alike.
extension IAMService {
    static let attachedMax = 20
    static let documentLengthMax = 131_072

    /// The entity that the call names, once the caller may do the operation to it.
    func entity<Entity: IAMEntity>(
        _ type: Entity.Type, _ call: QueryCall, _ conditions: [String: [String]] = [:]
    ) async throws(ServiceError) -> Entity {
        let name = try call.name(Entity.parameter, lengthMax: 128)
        let found = store.read { Entity.find(name, in: $0) }
        // Without it the path isn't known; a caller who may not ask doesn't learn whether it is there.
        try await authorize(call, found?.arn(account) ?? Entity.arn(path: "/", name: name, account), conditions)
        return try Entity.existing(name, in: store.snapshot)
    }

    /// Changes it, as it is when its turn comes.
    func update<Entity: IAMEntity>(
        _ entity: Entity, _ body: @escaping @Sendable (inout Entity, IAMState) throws(ServiceError) -> Void
    ) async throws(ServiceError) {
        let name = entity.name
        try await store.change { (state) throws(ServiceError) in
            var current = try Entity.existing(name, in: state)
            try body(&current, state)
            try current.put(in: &state)
        }
    }

    // MARK: Inline

    func putInlinePolicy<Entity: IAMEntity>(_ type: Entity.Type, _ call: QueryCall) async throws(ServiceError) -> XML {
        let entity = try await entity(type, call)
        let name = try call.name("PolicyName", lengthMax: 128)
        let policy = try document(call, "PolicyDocument", .identity)
        try await update(entity) { (entity, _) throws(ServiceError) in
            entity.inlinePolicies[name] = policy
            let characters = entity.inlinePolicies.values.reduce(0) { $0 + IAMService.characters($1.text) }
            guard characters <= Entity.inlineCharactersMax else {
                throw IAMError.limitExceeded(
                    "Maximum policy size of \(Entity.inlineCharactersMax) bytes exceeded for \(Entity.noun) \(entity.name)")
            }
        }
        return XML()
    }

    func getInlinePolicy<Entity: IAMEntity>(_ type: Entity.Type, _ call: QueryCall) async throws(ServiceError) -> XML {
        let entity = try await entity(type, call)
        let name = try call.name("PolicyName", lengthMax: 128)
        guard let policy = entity.inlinePolicies[name] else { throw IAMService.noInlinePolicy(type, name) }
        var xml = XML()
        xml.add(Entity.parameter, entity.name)
        xml.add("PolicyName", name)
        xml.add("PolicyDocument", IAMService.encoded(policy.text))
        return xml
    }

    func listInlinePolicies<Entity: IAMEntity>(_ type: Entity.Type, _ call: QueryCall) async throws(ServiceError) -> XML {
        let entity = try await entity(type, call)
        return try page(call, entity.inlinePolicies.keys.sorted(), by: \.self) { xml, names in
            xml.texts("PolicyNames", names)
        }
    }

    func deleteInlinePolicy<Entity: IAMEntity>(_ type: Entity.Type, _ call: QueryCall) async throws(ServiceError) -> XML {
        let entity = try await entity(type, call)
        let name = try call.name("PolicyName", lengthMax: 128)
        try await update(entity) { (entity, _) throws(ServiceError) in
            guard entity.inlinePolicies.removeValue(forKey: name) != nil else { throw IAMService.noInlinePolicy(type, name) }
        }
        return XML()
    }

    private static func noInlinePolicy<Entity: IAMEntity>(_ type: Entity.Type, _ name: String) -> ServiceError {
        IAMError.noSuchEntity("The \(Entity.noun) policy with name \(name) cannot be found.")
    }

    // MARK: Attached

    func attachPolicy<Entity: IAMEntity>(_ type: Entity.Type, _ call: QueryCall) async throws(ServiceError) -> XML {
        let arn = try call.required("PolicyArn", length: 20...2_048)
        let entity = try await entity(type, call, ["iam:PolicyARN": [arn]])
        try await update(entity) { (entity, state) throws(ServiceError) in
            guard state.document(arn: arn) != nil else {
                throw IAMError.noSuchEntity("Policy \(arn) does not exist or is not attachable.")
            }
            guard !entity.attachedPolicies.contains(arn) else { return }
            guard entity.attachedPolicies.count < IAMService.attachedMax else {
                throw IAMError.limitExceeded(
                    "Cannot exceed quota for PoliciesPer\(Entity.noun.capitalized): \(IAMService.attachedMax)")
            }
            entity.attachedPolicies.append(arn)
        }
        return XML()
    }

    func detachPolicy<Entity: IAMEntity>(_ type: Entity.Type, _ call: QueryCall) async throws(ServiceError) -> XML {
        let arn = try call.required("PolicyArn", length: 20...2_048)
        let entity = try await entity(type, call, ["iam:PolicyARN": [arn]])
        try await update(entity) { (entity, _) throws(ServiceError) in
            guard let index = entity.attachedPolicies.firstIndex(of: arn) else {
                throw IAMError.noSuchEntity("Policy \(arn) was not found.")
            }
            entity.attachedPolicies.remove(at: index)
        }
        return XML()
    }

    func listAttachedPolicies<Entity: IAMEntity>(_ type: Entity.Type, _ call: QueryCall) async throws(ServiceError) -> XML {
        let entity = try await entity(type, call)
        return try page(call, entity.attachedPolicies.sorted(), by: \.self) { xml, arns in
            IAMService.attached(&xml, arns)
        }
    }

    static func attached(_ xml: inout XML, name: String = "AttachedPolicies", _ arns: some Sequence<String>) {
        xml.list(name, arns) { xml, arn in
            xml.add("PolicyName", arn.split(separator: "/").last.map(String.init))
            xml.add("PolicyArn", arn)
        }
    }

    // MARK: Boundaries

    func putBoundary<Entity: IAMEntity>(_ type: Entity.Type, _ call: QueryCall) async throws(ServiceError) -> XML {
        let arn = try call.required("PermissionsBoundary", length: 20...2_048)
        let entity = try await entity(type, call, ["iam:PermissionsBoundary": [arn]])
        try await update(entity) { (entity, state) throws(ServiceError) in
            try IAMService.checkBoundary(arn, state)
            entity.permissionsBoundary = arn
        }
        return XML()
    }

    func deleteBoundary<Entity: IAMEntity>(_ type: Entity.Type, _ call: QueryCall) async throws(ServiceError) -> XML {
        let entity = try await entity(type, call)
        try await update(entity) { (entity, _) throws(ServiceError) in
            guard entity.permissionsBoundary != nil else {
                throw IAMError.noSuchEntity("The \(Entity.noun) with name \(entity.name) has no permissions boundary.")
            }
            entity.permissionsBoundary = nil
        }
        return XML()
    }

    static func checkBoundary(_ arn: String, _ state: IAMState) throws(ServiceError) {
        guard state.document(arn: arn) != nil else {
            throw IAMError.noSuchEntity("Scope ARN: \(arn) does not exist or is not attachable.")
        }
    }

    // MARK: Tags

    func tag<Entity: IAMEntity>(_ type: Entity.Type, _ call: QueryCall) async throws(ServiceError) -> XML {
        let tags = try call.tags()
        let entity = try await entity(type, call, IAMService.conditions(tags))
        try await update(entity) { (entity, _) throws(ServiceError) in
            try IAMService.add(tags, to: &entity.tags)
        }
        return XML()
    }

    func untag<Entity: IAMEntity>(_ type: Entity.Type, _ call: QueryCall) async throws(ServiceError) -> XML {
        let keys = call.texts("TagKeys")
        let entity = try await entity(type, call, ["aws:TagKeys": keys])
        try await update(entity) { (entity, _) throws(ServiceError) in
            for key in keys { entity.tags = entity.tags.filter { $0.key.lowercased() != key.lowercased() } }
        }
        return XML()
    }

    func listTags<Entity: IAMEntity>(_ type: Entity.Type, _ call: QueryCall) async throws(ServiceError) -> XML {
        let entity = try await entity(type, call)
        return try tagPage(call, entity.tags)
    }

    func tagPage(_ call: QueryCall, _ tags: [String: String]) throws(ServiceError) -> XML {
        try page(call, tags.sorted { $0.key < $1.key }, by: \.key) { xml, tags in
            xml.tags(Dictionary(tags.map { ($0.key, $0.value) }) { first, _ in first })
        }
    }

    /// A key in another case takes the place of the one that was there.
    static func add(_ tags: [String: String], to existing: inout [String: String]) throws(ServiceError) {
        for (key, value) in tags {
            existing = existing.filter { $0.key.lowercased() != key.lowercased() }
            existing[key] = value
        }
        guard existing.count <= 50 else { throw IAMError.limitExceeded("Cannot exceed quota for Tags: 50") }
    }

    static func conditions(_ tags: [String: String]) -> [String: [String]] {
        guard !tags.isEmpty else { return [:] }
        var conditions = Dictionary(uniqueKeysWithValues: tags.map { ("aws:RequestTag/\($0.key)", [$0.value]) })
        conditions["aws:TagKeys"] = tags.keys.sorted()
        return conditions
    }

    // MARK: Documents

    func document(_ call: QueryCall, _ parameter: String, _ kind: PolicyDocument.Kind) throws(ServiceError) -> StoredPolicy {
        let text = try call.required(parameter, length: 1...IAMService.documentLengthMax)
        do throws(PolicyError) { return try StoredPolicy(text, kind: kind) } catch { throw IAMError.malformedPolicy(error) }
    }

    /// Characters that count against AWS's quotas.
    static func characters(_ text: String) -> Int { text.unicodeScalars.count { !$0.properties.isWhitespace } }

    /// Documents are percent-encoded inside the XML; clients decode them.
    static func encoded(_ document: String) -> String {
        document.addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
    }

    private static let unreserved = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

    // MARK: Pages

    /// One page of `items`, which are sorted by `key`, and where the next one begins.
    func page<Item>(
        _ call: QueryCall, _ items: [Item], by key: (Item) -> String, _ body: (inout XML, ArraySlice<Item>) -> Void
    ) throws(ServiceError) -> XML {
        let count = try call.integer("MaxItems", in: 1...1_000) ?? 100
        var rest = items[...]
        if let marker = call.text("Marker") {
            guard let bytes = Data(base64Encoded: marker), let last = String(validating: bytes, as: UTF8.self) else {
                throw IAMError.validation("Invalid Marker.")
            }
            rest = rest.drop { key($0) <= last }
        }
        let page = rest.prefix(count)
        var xml = XML()
        xml.add("IsTruncated", rest.count > count)
        body(&xml, page)
        if rest.count > count, let last = page.last { xml.add("Marker", Data(key(last).utf8).base64EncodedString()) }
        return xml
    }
}
