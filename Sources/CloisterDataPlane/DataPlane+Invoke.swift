import CloisterCore
import CloisterServiceKit
import CloisterWire
import NIOCore

/// What comes in by the front: who it is from, and where it goes.
extension DataPlane {
    // MARK: Services

    func serve(
        _ head: HTTPHead, body: ByteBuffer, caller: Caller, pending: SigV4Verifier.Pending?, on connection: FrontConnection
    ) throws(ServiceError) {
        let name = pending?.scope.service ?? unsignedServiceName(head)
        guard let service = services[name] else {
            throw ServiceError("UnknownServiceException", status: 501, message: "Cloister has no service '\(name)'.")
        }
        guard let query = PercentEncoding.queryItems(head.query) else {
            throw ServiceError("ValidationException", status: 400, message: "The query string is malformed.")
        }
        try allow(caller, service)
        let request = ServiceRequest(
            method: head.method, path: head.path, query: query, headers: head.allFields,
            body: Array(body.readableBytesView), caller: caller, requestID: connection.requestID)
        let bound = NIOLoopBound(connection, eventLoop: loop)
        let loop = self.loop
        Task {
            let response = await service.respond(to: request)
            loop.execute { bound.value.respond(response) }
        }
    }

    /// The refusal as the service's own clients read it; nil if JSON will do.
    func refusal(_ error: ServiceError, of service: String?, _ id: RequestID) -> ServiceResponse? {
        service.flatMap { services[$0] }?.refusal(error, requestID: id)
    }

    private func unsignedServiceName(_ head: HTTPHead) -> String {
        if carriesToken(head) { return "lambda" }
        if head.path.hasPrefix("/_cloister/") { return "cloister" }
        guard let target = head.first("x-amz-target") else { return "lambda" }
        let service = services.values.first { $0.targetPrefix.map(target.hasPrefix) ?? false }
        return service?.signingName ?? "lambda"
    }

    // MARK: Invoke

    func invoke(
        _ route: InvokeRoute, head: HTTPHead, body: ByteBuffer, caller: Caller, on connection: FrontConnection
    ) throws(ServiceError) {
        let request = try InvokeRequest(route, head: head, body: body)
        let target = try resolve(request, caller: caller)
        let tenant = try admit(request, target.version)
        try allowInvocation(caller, of: target.arn, tenant: tenant)
        switch request.type {
        case .dryRun:
            connection.respond(status: 204, fields: [], body: ByteBuffer())
        case .event:
            accept(request, target, tenant, on: connection)
        case .requestResponse:
            let sink: any InvocationSink =
                route.isStreaming ? StreamInvocationSink(connection) : BufferedInvocationSink(connection)
            begin(
                Invocation(
                    number: nextInvocationNumber(), requestID: connection.requestID, version: target.version,
                    invokedARN: target.arn, tenant: tenant, payload: request.payload,
                    clientContext: request.contextText(admitting: tenant),
                    traceHeader: traceHeader(request.traceHeader, isActive: target.version.snapshot.isTracingActive),
                    wantsLogTail: request.wantsLogTail && !route.isStreaming, sink: sink, receivedAt: Clock.now()),
                pool: target.version.pool)
        }
    }

    struct Target {
        let version: LoadedVersion
        let arn: String

        var function: FunctionSnapshot { version.snapshot }
    }

    private func resolve(_ request: InvokeRequest, caller: Caller) throws(ServiceError) -> Target {
        let reference = request.reference
        if let account = reference.account, account != configuration.account.rawValue {
            throw ServiceError(
                "AccessDeniedException", status: 403,
                message: "User: \(caller.principalARN) is not authorized to perform: lambda:InvokeFunction on a function of account \(account)")
        }
        if let region = reference.region, region != caller.region {
            throw InvokeErrors.notFound("arn:aws:lambda:\(region):\(configuration.account):function:\(reference.name)")
        }
        let key = FunctionKey(region: caller.region, name: reference.name)
        return try resolve(key, qualifier: reference.qualifier ?? request.qualifier)
    }

    func resolve(_ key: FunctionKey, qualifier: String?) throws(ServiceError) -> Target {
        guard let published = functions[key] else {
            throw InvokeErrors.notFound(qualified(key.arn(account: configuration.account), qualifier))
        }
        let arn = qualified(published.arn, qualifier)
        guard let number = published.entry.version(qualifier: qualifier, random: randomness.nextUnit()),
            let version = published.versions[number]
        else { throw InvokeErrors.notFound(arn) }
        if let reason = version.snapshot.unavailableReason {
            throw ServiceError("ResourceConflictException", status: 409, message: reason)
        }
        return Target(version: version, arn: arn)
    }

    private func qualified(_ arn: String, _ qualifier: String?) -> String { qualifier.map { "\(arn):\($0)" } ?? arn }

    private func admit(_ request: InvokeRequest, _ version: LoadedVersion) throws(ServiceError) -> TenantID? {
        let tenant: TenantID?
        do {
            tenant = try TenantAdmission.admit(
                header: request.tenantClaim, clientContext: request.clientContext?.tenantClaim ?? .absent,
                isTenantIsolated: version.snapshot.isTenantIsolated, lengthMax: version.snapshot.tenantIDLengthMax)
        } catch {
            throw InvokeErrors.parameter(error.message)
        }
        try checkRegistry(tenant, version.snapshot)
        return tenant
    }

    func begin(_ invocation: Invocation, pool: PoolNumber) {
        invocations[invocation.number] = invocation
        schedule {
            $0.invoke(invocation.number, pool: pool, owner: EnvironmentOwner(invocation.tenant), now: $1, into: &$2)
        }
    }

    /// The caller's trace header with what it lacks, or a new one.
    func traceHeader(_ given: String?, isActive: Bool) -> String {
        if let given, given.contains("Root=1-"), given.utf8.count <= 256 { return given }
        return traceHeaderText(
            epochSeconds: UInt32(truncatingIfNeeded: Clock.wallMilliseconds() / 1_000),
            root: (randomness.next(), randomness.next()), parent: randomness.next(), isSampled: isActive)
    }
}
