import CloisterServiceKit

extension KMSService {
    func enableKeyRotation(_ call: KMSCall) async throws -> Responses.Empty {
        let input = try call.input(Requests.Key.self)
        let days =
            try Check.number(input.RotationPeriodInDays, "rotationPeriodInDays", KMSLimits.rotationPeriodDays)
            ?? KMSLimits.rotationPeriodDaysDefault
        let access = KeyAccess(
            "EnableKeyRotation", conditions: ["kms:RotationPeriodInDays": ["\(days)"]], takesAliases: false)
        let nextAt = ring.now() + Int64(days) * KMSLimits.millisecondsPerDay
        try await changeRotation(call, input.KeyId, access) {
            $0.rotation = KeyRecord.Rotation(periodDays: days, nextAt: nextAt)
        }
        return Responses.Empty()
    }

    func disableKeyRotation(_ call: KMSCall) async throws -> Responses.Empty {
        let input = try call.input(Requests.Key.self)
        try await changeRotation(call, input.KeyId, KeyAccess("DisableKeyRotation", takesAliases: false)) {
            $0.rotation = nil
        }
        return Responses.Empty()
    }

    func getKeyRotationStatus(_ call: KMSCall) async throws -> Responses.RotationStatus {
        let input = try call.input(Requests.Key.self)
        let access = KeyAccess("GetKeyRotationStatus", takesAliases: false)
        let key = try await ring.key(input.KeyId, access, for: call.requester)
        try checkRotatable(key.record, arn: key.arn)
        return Responses.RotationStatus(
            KeyRotationEnabled: key.record.rotation != nil, KeyId: key.arn,
            RotationPeriodInDays: key.record.rotation?.periodDays,
            NextRotationDate: key.record.deletion == nil ? key.record.rotation.map { Responses.seconds($0.nextAt) } : nil)
    }

    func rotateKeyOnDemand(_ call: KMSCall) async throws -> Responses.KeyName {
        let input = try call.input(Requests.Key.self)
        let access = KeyAccess("RotateKeyOnDemand", takesAliases: false)
        let key = try await ring.key(input.KeyId, access, for: call.requester)
        try checkRotationState(key.record, arn: key.arn, access.operation)
        let done = key.record.materials.filter { $0.cause == .onDemand }.count
        guard done < KMSLimits.onDemandRotationsMax else {
            throw KMSError.limit("\(key.arn) was rotated on demand \(KMSLimits.onDemandRotationsMax) times already.")
        }
        try await ring.rotate(key, cause: .onDemand)
        return Responses.KeyName(KeyId: key.arn)
    }

    func listKeyRotations(_ call: KMSCall) async throws -> Responses.Rotations {
        let input = try call.input(Requests.Key.self)
        let limit = try Page.limit(input.Limit)
        let access = KeyAccess("ListKeyRotations", takesAliases: false)
        let key = try await ring.key(input.KeyId, access, for: call.requester)
        try checkRotatable(key.record, arn: key.arn)
        let isAll = input.IncludeKeyMaterial == "ALL_KEY_MATERIAL"
        let shown = key.record.materials.filter { isAll || $0.cause != .creation }
        let page = try Page.of(shown, marker: input.Marker, limit: limit) { KMSService.padded($0.version) }
        let current = key.record.current?.version
        return Responses.Rotations(
            Rotations: page.items.map { material in
                Responses.Rotations.Entry(
                    KeyId: key.arn, KeyMaterialId: material.id,
                    KeyMaterialState: material.version == current ? "CURRENT" : "NON_CURRENT",
                    RotationDate: material.cause == .creation ? nil : Responses.seconds(material.madeAt),
                    RotationType: material.cause == .creation ? nil : material.cause.rawValue)
            },
            NextMarker: page.next, Truncated: page.next != nil)
    }

    private func changeRotation(
        _ call: KMSCall, _ reference: String?, _ access: KeyAccess, _ body: (inout KeyRecord) -> Void
    ) async throws {
        let key = try await ring.key(reference, access, for: call.requester)
        try await ring.change(key) { record in
            try checkRotationState(record, arn: key.arn, access.operation)
            body(&record)
        }
    }

    private func checkRotationState(_ record: KeyRecord, arn: String, _ operation: String) throws {
        try checkRotatable(record, arn: arn)
        try KMSService.checkChangeable(record, arn: arn, operation)
        guard record.isEnabled else { throw KMSError.disabled(arn) }
    }

    private func checkRotatable(_ record: KeyRecord, arn: String) throws {
        guard record.spec == .symmetricDefault else {
            throw KMSError.unsupported("\(arn) key spec is \(record.spec.rawValue) which can't be rotated.")
        }
    }

    /// Sorts as the number does.
    private static func padded(_ version: UInt32) -> String {
        let digits = "\(version)"
        return String(repeating: "0", count: 10 - digits.count) + digits
    }
}
