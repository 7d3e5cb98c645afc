import CloisterCore
import CloisterServiceKit

struct EventInvokeShape: Codable {
    struct Destination: Codable { var destination: String? }

    struct Destinations: Codable {
        var onSuccess: Destination?
        var onFailure: Destination?
    }

    /// Seconds since 1970.
    var lastModified: Double?
    var functionArn: String?
    var maximumRetryAttempts: Int?
    var maximumEventAgeInSeconds: Int?
    var destinationConfig: Destinations?
}

struct EventInvokeListShape: Encodable {
    var functionEventInvokeConfigs: [EventInvokeShape]
    var nextMarker: String?
}

extension LambdaService {
    func putFunctionEventInvokeConfig(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let request = try call.body(EventInvokeShape.self)
        guard
            request.maximumRetryAttempts != nil || request.maximumEventAgeInSeconds != nil
                || request.destinationConfig != nil
        else {
            throw .invalidParameter("You must specify at least one of error handling or destination setting.")
        }
        return try await changeEventInvoke(call, request) { _ in EventInvokeRecord(lastModified: 0) }
    }

    func updateFunctionEventInvokeConfig(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        try await changeEventInvoke(call, try call.body(EventInvokeShape.self)) { $0 }
    }

    func getFunctionEventInvokeConfig(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let (key, qualifier) = try call.function()
        guard let function = try await store.function(key)?.record else {
            throw .notFound("The function \(call.arn(key, qualifier)) doesn't exist.")
        }
        guard let record = function.eventInvoke[qualifier ?? "$LATEST"] else {
            throw LambdaService.noEventInvoke(key, qualifier, call)
        }
        return try .json(LambdaService.shape(record, key, qualifier ?? "$LATEST", call))
    }

    func deleteFunctionEventInvokeConfig(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let (key, qualifier) = try call.function()
        try await change(key, arn: call.arn(key, qualifier)) { (function, _) async throws(ServiceError) in
            guard function.eventInvoke.removeValue(forKey: qualifier ?? "$LATEST") != nil else {
                throw LambdaService.noEventInvoke(key, qualifier, call)
            }
        }
        return .noContent
    }

    func listFunctionEventInvokeConfigs(_ call: LambdaCall) async throws(ServiceError) -> ServiceResponse {
        let key = try call.function().key
        guard let function = try await store.function(key)?.record else {
            throw .notFound("The function \(call.arn(key)) doesn't exist.")
        }
        let all = function.eventInvoke.sorted { $0.key < $1.key }
        let page = try Marker.page(
            all, marker: call.marker, limit: try call.maxItems(allowed: 50), name: \.key)
        return try .json(
            EventInvokeListShape(
                functionEventInvokeConfigs: page.items.map { LambdaService.shape($0.value, key, $0.key, call) },
                nextMarker: page.next))
    }

    /// `base` makes the record that the request is laid over, out of the one that is there; nil when none is needed.
    private func changeEventInvoke(
        _ call: LambdaCall, _ request: EventInvokeShape,
        _ base: @Sendable (EventInvokeRecord?) -> EventInvokeRecord?
    ) async throws(ServiceError) -> ServiceResponse {
        let (key, qualifier) = try call.function()
        try check(request, function: key, call)
        let name = qualifier ?? "$LATEST"
        let shape = try await change(key, arn: call.arn(key, qualifier)) {
            (function, _) async throws(ServiceError) -> EventInvokeShape in
            try await requireQualifier(qualifier, of: function, call)
            guard var record = base(function.eventInvoke[name]) else {
                throw LambdaService.noEventInvoke(key, qualifier, call)
            }
            record.retryAttemptsMax = request.maximumRetryAttempts ?? record.retryAttemptsMax
            record.eventAgeMaxSeconds = request.maximumEventAgeInSeconds ?? record.eventAgeMaxSeconds
            if let success = request.destinationConfig?.onSuccess {
                record.onSuccess = (success.destination ?? "").isEmpty ? nil : success.destination
            }
            if let failure = request.destinationConfig?.onFailure {
                record.onFailure = (failure.destination ?? "").isEmpty ? nil : failure.destination
            }
            record.lastModified = now()
            function.eventInvoke[name] = record
            return LambdaService.shape(record, key, name, call)
        }
        return try .json(shape)
    }

    private func check(
        _ request: EventInvokeShape, function key: FunctionKey, _ call: LambdaCall
    ) throws(ServiceError) {
        var constraints = Constraints()
        constraints.range(request.maximumRetryAttempts, "maximumRetryAttempts", 0...2)
        constraints.range(request.maximumEventAgeInSeconds, "maximumEventAgeInSeconds", 60...21_600)
        let destinations = [
            request.destinationConfig?.onSuccess?.destination, request.destinationConfig?.onFailure?.destination,
        ]
        for destination in destinations {
            constraints.length(destination, "destinationConfig", max: 350)
        }
        try constraints.check()
        for destination in destinations {
            guard let target = try rules.functionTarget(destination, "DestinationConfig") else { continue }
            guard target.name != key.name || target.region != key.region else {
                throw .invalidParameter("You can't specify the function as a destination for itself.")
            }
        }
    }

    private static func noEventInvoke(_ key: FunctionKey, _ qualifier: String?, _ call: LambdaCall) -> ServiceError {
        .notFound("The function \(call.arn(key, qualifier ?? "$LATEST")) doesn't have an EventInvokeConfig")
    }

    private static func shape(
        _ record: EventInvokeRecord, _ key: FunctionKey, _ qualifier: String, _ call: LambdaCall
    ) -> EventInvokeShape {
        EventInvokeShape(
            lastModified: Double(record.lastModified) / 1_000, functionArn: call.arn(key, qualifier),
            maximumRetryAttempts: record.retryAttemptsMax, maximumEventAgeInSeconds: record.eventAgeMaxSeconds,
            destinationConfig: .init(
                onSuccess: .init(destination: record.onSuccess), onFailure: .init(destination: record.onFailure)))
    }
}
