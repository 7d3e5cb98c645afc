import CloisterServiceKit
import Foundation

extension KMSService {
    typealias Requests = KMSRequests
    typealias Responses = KMSResponses
    typealias Check = KMSValidation

    func createKey(_ call: KMSCall) async throws -> Responses.Key {
        let input = try call.input(Requests.CreateKey.self)
        let (spec, usage) = try KeyChoice.of(input)
        let tags = try Check.tags(input.Tags)
        let description = input.Description ?? ""
        try Check.length(description, "description", 0...KMSLimits.descriptionLengthMax)
        let scope = call.requester.scope
        let policy = try input.Policy.map { text throws(ServiceError) in try Check.policy(text) }
        var conditions = [
            "kms:KeySpec": [spec.rawValue], "kms:KeyUsage": [usage.rawValue], "kms:KeyOrigin": ["AWS_KMS"],
            "kms:MultiRegion": ["false"],
            "kms:BypassPolicyLockoutSafetyCheck": ["\(input.BypassPolicyLockoutSafetyCheck ?? false)"],
        ]
        conditions.merge(KMSService.tagConditions(tags)) { $1 }
        try await ring.authorize(KeyAccess("CreateKey", conditions: conditions), for: call.requester)
        let id = KeyID(random: ring.random(16))
        if let policy, !(input.BypassPolicyLockoutSafetyCheck ?? false) {
            try await checkNoLockout(policy, arn: scope.arn("key/\(id)"), call)
        }
        let made = try await ring.newMaterial(spec, id, scope)
        let record = KeyRecord(
            description: description, spec: spec, usage: usage, isAWSManaged: false, createdAt: ring.now(),
            isEnabled: true, policy: policy ?? KMSService.defaultPolicy(scope), tags: tags, aliases: [], grants: [],
            materials: [made.material], publicKey: made.publicKey.map { Data($0) })
        try await ring.store.transact { ([try KeyStore.put(record, id, scope, .absent)], ()) }
        return Responses.Key(KeyMetadata: Responses.KeyMetadata(record, id: id, scope: scope))
    }

    func describeKey(_ call: KMSCall) async throws -> Responses.Key {
        let input = try call.input(Requests.Key.self)
        try Check.grantTokens(input.GrantTokens)
        let key = try await ring.key(input.KeyId, KeyAccess("DescribeKey"), for: call.requester)
        return Responses.Key(KeyMetadata: Responses.KeyMetadata(key))
    }

    func listKeys(_ call: KMSCall) async throws -> Responses.Keys {
        let input = try call.input(Requests.Key.self)
        let limit = try Page.limit(input.Limit)
        let position = try Page.position(input.Marker)
        let after = position.flatMap { KeyID($0) }
        guard position == nil || after != nil else { throw KMSError.invalidMarker }
        try await ring.authorize(KeyAccess("ListKeys"), for: call.requester)
        let keys = try await ring.store.keys(call.requester.scope, after: after, limit: limit + 1)
        let page = keys.prefix(limit)
        return Responses.Keys(
            Keys: page.map { Responses.Keys.Entry(KeyId: $0.id.rawValue, KeyArn: $0.arn) },
            NextMarker: keys.count > limit ? page.last.map { Page.marker($0.id.rawValue) } : nil,
            Truncated: keys.count > limit)
    }

    func updateKeyDescription(_ call: KMSCall) async throws -> Responses.Empty {
        let input = try call.input(Requests.Key.self)
        let description = try Check.required(input.Description, "description")
        try Check.length(description, "description", 0...KMSLimits.descriptionLengthMax)
        try await changeKey(call, input.KeyId, KeyAccess("UpdateKeyDescription", takesAliases: false)) {
            $0.description = description
        }
        return Responses.Empty()
    }

    func enableKey(_ call: KMSCall) async throws -> Responses.Empty {
        try await setEnabled(true, "EnableKey", call)
    }

    func disableKey(_ call: KMSCall) async throws -> Responses.Empty {
        try await setEnabled(false, "DisableKey", call)
    }

    private func setEnabled(_ isEnabled: Bool, _ operation: String, _ call: KMSCall) async throws -> Responses.Empty {
        let input = try call.input(Requests.Key.self)
        try await changeKey(call, input.KeyId, KeyAccess(operation, takesAliases: false)) { $0.isEnabled = isEnabled }
        return Responses.Empty()
    }

    func scheduleKeyDeletion(_ call: KMSCall) async throws -> Responses.Deletion {
        let input = try call.input(Requests.Key.self)
        let days =
            try Check.number(input.PendingWindowInDays, "pendingWindowInDays", KMSLimits.deletionWindowDays)
            ?? KMSLimits.deletionWindowDaysDefault
        let access = KeyAccess(
            "ScheduleKeyDeletion", conditions: ["kms:ScheduleKeyDeletionPendingWindowInDays": ["\(days)"]],
            takesAliases: false)
        let at = ring.now() + Int64(days) * KMSLimits.millisecondsPerDay
        let key = try await changeKey(call, input.KeyId, access) {
            $0.deletion = KeyRecord.Deletion(at: at, windowDays: days)
            $0.isEnabled = false
        }
        return Responses.Deletion(KeyId: key.arn, DeletionDate: Responses.seconds(at), PendingWindowInDays: days)
    }

    /// The key is disabled afterwards, as on AWS.
    func cancelKeyDeletion(_ call: KMSCall) async throws -> Responses.KeyName {
        let input = try call.input(Requests.Key.self)
        let access = KeyAccess("CancelKeyDeletion", takesAliases: false)
        let key = try await ring.key(input.KeyId, access, for: call.requester)
        try await ring.change(key) { record in
            guard let deletion = record.deletion, deletion.at > ring.now() else {
                throw KMSError.invalidState("\(key.arn) is not pending deletion.")
            }
            record.deletion = nil
            record.isEnabled = false
        }
        return Responses.KeyName(KeyId: key.arn)
    }

    /// Changes a key that belongs to the customer and isn't about to be deleted.
    @discardableResult
    func changeKey(
        _ call: KMSCall, _ reference: String?, _ access: KeyAccess, _ body: (inout KeyRecord) throws -> Void
    ) async throws -> LoadedKey {
        let key = try await ring.key(reference, access, for: call.requester)
        try await ring.change(key) { record in
            try KMSService.checkChangeable(record, arn: key.arn, access.operation)
            try body(&record)
        }
        return key
    }

    static func checkChangeable(_ record: KeyRecord, arn: String, _ operation: String) throws {
        guard !record.isAWSManaged else {
            throw KMSError.unsupported("You cannot perform the \(operation) operation on an AWS-managed key.")
        }
        guard record.deletion == nil else { throw KMSError.pendingDeletion(arn) }
    }

    static func defaultPolicy(_ scope: KeyScope) -> String {
        """
        {
          "Version" : "2012-10-17",
          "Id" : "key-default-1",
          "Statement" : [ {
            "Sid" : "Enable IAM User Permissions",
            "Effect" : "Allow",
            "Principal" : {
              "AWS" : "arn:aws:iam::\(scope.account):root"
            },
            "Action" : "kms:*",
            "Resource" : "*"
          } ]
        }
        """
    }
}
