import CloisterCore
import CloisterServiceKit

extension LambdaService {
    func publishVersion(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let (key, qualifier) = try call.function()
        try LambdaService.refuseQualifier(qualifier)
        let request = try call.body(PublishVersionRequest.self)
        var constraints = Constraints()
        constraints.length(request.description, "description", max: 256)
        try constraints.check()
        if request.publishTo != nil { throw .unsupported("PublishTo") }
        let shape = try await change(key, arn: call.arn(key)) {
            (function, changes) async throws(ServiceError) -> FunctionConfigurationShape in
            try LambdaService.checkUpdatable(function, revision: request.revisionId, arn: call.arn(key))
            let digest = Shapes.base64(function.latest.code.digest)
            if let expected = request.codeSha256, !expected.isEmpty, expected != digest {
                throw .invalidParameter(
                    "CodeSHA256 (\(expected.prefix(128))) is different from current CodeSHA256 in $LATEST (\(digest)). "
                        + "Please try again with the CodeSHA256 in $LATEST.")
            }
            let version = try await addVersion(&function, &changes, description: request.description)
            return Shapes(call).configuration(
                function, version.configuration, version: String(version.number), isQualified: true)
        }
        return try .json(shape, status: 201)
    }

    /// A new version of what `$LATEST` is, or the last one if nothing changed since.
    func addVersion(
        _ function: inout FunctionRecord, _ changes: inout [DocumentChange], description: String?
    ) async throws(ServiceError) -> PublishedVersion {
        if let last = function.lastPublished, let version = try await store.version(last, of: function.key),
            function.latest.isSameVersion(as: version.configuration)
        {
            return version
        }
        let counterName = FunctionStore.versionCounter(function.key)
        let counter = try await store.counter(counterName)
        var version = PublishedVersion(number: counter.record + 1, configuration: function.latest)
        if let description, !description.isEmpty { version.configuration.description = description }
        version.configuration.lastModified = now()
        version.configuration.revisionID = randomUUID()
        function.lastPublished = version.number
        changes.append(try FunctionStore.put(counter: counterName, counter))
        changes.append(
            try FunctionStore.put(
                FunctionStore.key(version: version.number, of: function.key), version, expecting: .absent))
        return version
    }

    func listVersionsByFunction(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let (key, _) = try call.function()
        guard let function = try await store.function(key)?.record else {
            throw .notFound("Function not found: \(call.arn(key))")
        }
        let versions = try await store.versions(of: key)
        let all =
            [Shapes(call).configuration(function, function.latest, version: nil, isQualified: true)]
            + versions.map {
                Shapes(call).configuration(function, $0.configuration, version: String($0.number), isQualified: true)
            }
        let page = try Marker.page(all, marker: call.marker, limit: try call.maxItems(), name: \.version)
        return try .json(VersionListShape(versions: page.items, nextMarker: page.next))
    }
}
