import CloisterCore
import CloisterServiceKit

extension LambdaService {
    func publishLayerVersion(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let name = try layerName(call)
        let request = try call.body(PublishLayerVersionRequest.self)
        var constraints = Constraints()
        constraints.require(request.content != nil, "content")
        constraints.length(request.description, "description", max: 256)
        constraints.length(request.licenseInfo, "licenseInfo", max: 512)
        constraints.count(request.compatibleRuntimes, "compatibleRuntimes", 0...15)
        constraints.count(request.compatibleArchitectures, "compatibleArchitectures", 0...2)
        for runtime in request.compatibleRuntimes ?? [] {
            constraints.length(runtime, "compatibleRuntimes", min: 1, max: 64)
        }
        for architecture in request.compatibleArchitectures ?? [] {
            constraints.oneOf(architecture, "compatibleArchitectures", ["x86_64", "arm64"])
        }
        try constraints.check()
        let stored = try await addCode(request.content, member: "content", call)
        let counterName = FunctionStore.layerCounter(name, region: call.region)
        let layer = try await sharedLocks.withLock(counterName) { () async throws(ServiceError) -> LayerVersionRecord in
            let counter = try await store.counter(counterName)
            let layer = LayerVersionRecord(
                region: call.region, name: name, number: counter.record + 1, code: stored,
                description: request.description ?? "", license: request.licenseInfo,
                runtimes: request.compatibleRuntimes ?? [], architectures: request.compatibleArchitectures ?? [],
                created: now())
            let key = FunctionStore.key(layer: name, number: layer.number, region: call.region)
            try await store.apply([
                try FunctionStore.put(counter: counterName, counter),
                try FunctionStore.put(key, layer, expecting: .absent),
            ])
            return layer
        }
        return try .json(shape(layer, call, isWhole: true), status: 201)
    }

    func getLayerVersion(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let name = try layerName(call)
        let number = try layerNumber(call)
        return try await layerAnswer(name, number, call)
    }

    func getLayerVersionByArn(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let arn = call.request.queryValue("Arn")
        var constraints = Constraints()
        constraints.require(arn != nil, "arn")
        constraints.length(arn, "arn", min: 1, max: 140)
        constraints.pattern(arn, "arn", .layerVersionARN)
        try constraints.check()
        guard let reference = LayerReference(versionARN: arn ?? ""), let number = reference.number else {
            throw LambdaService.noLayer
        }
        try checkOwn(reference, call)
        return try await layerAnswer(reference.name, number, call)
    }

    func deleteLayerVersion(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let name = try layerName(call)
        let number = try layerNumber(call)
        // Deleting one that isn't there succeeds; functions that use it keep it, both as on AWS.
        try await store.apply([.delete(FunctionStore.key(layer: name, number: number, region: call.region))])
        return .noContent
    }

    func listLayerVersions(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let name = try layerName(call)
        let layers = try await store.layerVersions(region: call.region, name: name).reversed()
        let all = layers.filter { LambdaService.matches($0, call) }.map { shape($0, call, isWhole: false) }
        let page = try Marker.page(
            all, marker: call.marker, limit: try call.maxItems(allowed: 50), name: \.layerVersionArn)
        return try .json(LayerVersionListShape(layerVersions: page.items, nextMarker: page.next))
    }

    func listLayers(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let versions = try await store.layerVersions(region: call.region, name: nil)
        var latest: [String: LayerVersionRecord] = [:]
        for version in versions where LambdaService.matches(version, call) { latest[version.name] = version }
        let all = latest.values.sorted { $0.name < $1.name }.map { version in
            LayerListShape.Layer(
                layerName: version.name, layerArn: layerARN(version.name, call),
                latestMatchingVersion: shape(version, call, isWhole: false))
        }
        let page = try Marker.page(
            all, marker: call.marker, limit: try call.maxItems(allowed: 50), name: \.layerName)
        return try .json(LayerListShape(layers: page.items, nextMarker: page.next))
    }

    private static var noLayer: ServiceError { .notFound("The resource you requested does not exist.") }

    private static func matches(_ layer: LayerVersionRecord, _ call: LambdaCall) -> Bool {
        if let runtime = call.request.queryValue("CompatibleRuntime"), !layer.runtimes.contains(runtime) {
            return false
        }
        guard let architecture = call.request.queryValue("CompatibleArchitecture") else { return true }
        return layer.architectures.contains(architecture)
    }

    private func layerAnswer(
        _ name: String, _ number: Int, _ call: LambdaCall
    ) async throws(ServiceError) -> ServiceResponse {
        guard let layer = try await store.layerVersion(number, name: name, region: call.region) else {
            throw LambdaService.noLayer
        }
        return try .json(shape(layer, call, isWhole: true))
    }

    private func layerName(_ call: LambdaCall) throws(ServiceError) -> String {
        let text = call.label("LayerName")
        guard let reference = LayerReference(name: text) else {
            var constraints = Constraints()
            constraints.length(text, "layerName", min: 1, max: text.contains(":") ? 140 : 64)
            constraints.pattern(text, "layerName", .layerName)
            try constraints.check()
            throw .validation("1 validation error detected: Value at 'layerName' is not valid")
        }
        try checkOwn(reference, call)
        return reference.name
    }

    private func checkOwn(_ reference: LayerReference, _ call: LambdaCall) throws(ServiceError) {
        guard reference.account ?? account.rawValue == account.rawValue, reference.region ?? call.region == call.region
        else { throw LambdaService.noLayer }
    }

    private func layerNumber(_ call: LambdaCall) throws(ServiceError) -> Int {
        guard let number = Int(call.label("VersionNumber")) else {
            throw .serialization("Member 'VersionNumber' must be a number.")
        }
        guard number > 0 else { throw .invalidParameter("Layer Version Cannot be less than 1") }
        return number
    }

    private func layerARN(_ name: String, _ call: LambdaCall) -> String {
        "arn:aws:lambda:\(call.region):\(account):layer:\(name)"
    }

    private func shape(_ layer: LayerVersionRecord, _ call: LambdaCall, isWhole: Bool) -> LayerVersionShape {
        let arn = layerARN(layer.name, call)
        return LayerVersionShape(
            content: isWhole
                ? .init(
                    location: codeLocation(layer.code.digest, call), codeSha256: Shapes.base64(layer.code.digest),
                    codeSize: layer.code.archiveBytes) : nil,
            layerArn: isWhole ? arn : nil, layerVersionArn: "\(arn):\(layer.number)", description: layer.description,
            createdDate: timestampText(layer.created), version: layer.number,
            compatibleRuntimes: layer.runtimes.isEmpty ? nil : layer.runtimes, licenseInfo: layer.license,
            compatibleArchitectures: layer.architectures.isEmpty ? nil : layer.architectures)
    }
}
