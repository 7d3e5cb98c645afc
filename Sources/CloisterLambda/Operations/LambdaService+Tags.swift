import CloisterCore
import CloisterServiceKit

struct TagsShape: Codable { var tags: [String: String]? }

extension LambdaService {
    func listTags(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let key = try taggedFunction(call)
        guard let function = try await store.function(key)?.record else {
            throw .notFound("Function not found: \(call.arn(key))")
        }
        return try .json(TagsShape(tags: function.tags))
    }

    func tagResource(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let key = try taggedFunction(call)
        guard let tags = try call.body(TagsShape.self).tags else {
            var constraints = Constraints()
            constraints.require(false, "tags")
            try constraints.check()
            return .noContent
        }
        try await changeTags(key, call) { $0.merge(tags) { $1 } }
        return .noContent
    }

    func untagResource(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let key = try taggedFunction(call)
        let names = call.request.query.filter { $0.name == "tagKeys" }.map(\.value)
        var constraints = Constraints()
        constraints.require(!names.isEmpty, "tagKeys")
        try constraints.check()
        try await changeTags(key, call) { tags in
            for name in names { tags[name] = nil }
        }
        return .noContent
    }

    private func changeTags(
        _ key: FunctionKey, _ call: LambdaCall, _ edit: (inout [String: String]) -> Void
    ) async throws(ServiceError) {
        try await change(key, arn: call.arn(key)) { (function, _) async throws(ServiceError) in
            try LambdaService.checkUpdatable(function, revision: nil, arn: call.arn(key))
            edit(&function.tags)
            try TagRules.check(function.tags, max: configuration.tagsMax)
        }
    }

    private func taggedFunction(_ call: LambdaCall) throws(ServiceError) -> FunctionKey {
        let arn = call.label("Resource")
        guard arn.hasPrefix("arn:"), FunctionReference(arn) != nil else {
            throw .invalidParameter(
                "Cloister supports tags on functions only; '\(arn.prefix(256))' is no function's ARN.")
        }
        let reference = try call.reference(arn)
        guard reference.qualifier == nil else {
            throw .invalidParameter(
                "Tags on function aliases and versions are not supported. Please specify a function ARN.")
        }
        return FunctionKey(region: call.region, name: reference.name)
    }
}
