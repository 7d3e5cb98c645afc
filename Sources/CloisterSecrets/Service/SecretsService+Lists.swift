import CloisterServiceKit
import Foundation

extension SecretsService {
    func listSecrets(_ call: SecretsCall) async throws -> Responses.List {
        let input = try call.input(Requests.List.self)
        let filters = try SecretFilter.list(input.Filters)
        let limit = try Check.number(input.MaxResults, "maxResults", 1...SecretsLimits.pageMax) ?? SecretsLimits.pageMax
        let order = try SecretsService.order(input)
        let position = try SecretsService.position(input.NextToken)
        try await vault.authorize("ListSecrets", arn: "*", record: nil, for: call.caller)
        let shown = try await matching(filters, includingDeleted: input.IncludePlannedDeletion ?? false, call)
        let page = try SecretsService.page(shown.sorted(by: order), after: position, limit: limit)
        return Responses.List(
            SecretList: page.items.map { secret in
                var entry = Responses.Description(secret)
                let staged = secret.record.staged
                entry.SecretVersionsToStages = staged.isEmpty ? nil : staged
                return entry
            },
            NextToken: page.next)
    }

    func listSecretVersionIds(_ call: SecretsCall) async throws -> Responses.Versions {
        let input = try call.input(Requests.Secret.self)
        let limit = try Check.number(input.MaxResults, "maxResults", 1...SecretsLimits.pageMax) ?? SecretsLimits.pageMax
        let position = try SecretsService.position(input.NextToken)
        let secret = try await vault.secret(
            input.SecretId, "ListSecretVersionIds", for: call.caller, includingDeleted: true)
        let all = secret.record.versions.filter { input.IncludeDeprecated ?? false || !$0.stages.isEmpty }
        let start = try SecretsService.start(position, in: all.map(\.id))
        let page = all[start...].prefix(limit)
        return Responses.Versions(
            Versions: page.map { version in
                Responses.Versions.Entry(
                    VersionId: version.id, VersionStages: version.stages.isEmpty ? nil : version.stages,
                    LastAccessedDate: version.accessedAt.map(Responses.seconds),
                    CreatedDate: Responses.seconds(version.createdAt),
                    KmsKeyIds: [secret.record.keyID == nil ? "DefaultEncryptionKey" : version.keyARN ?? ""])
            },
            NextToken: page.endIndex < all.endIndex ? page.last.map { SecretsService.token($0.id) } : nil,
            ARN: secret.arn, Name: secret.record.name)
    }

    /// Secrets that can't be read are listed with their errors, and don't keep the others from being read.
    func batchGetSecretValue(_ call: SecretsCall) async throws -> Responses.Batch {
        let input = try call.input(Requests.List.self)
        guard (input.SecretIdList == nil) != (input.Filters == nil) else {
            throw SecretsError.invalidParameter("Either 'SecretIdList' or 'Filters' must be provided, but not both.")
        }
        let filters = try SecretFilter.list(input.Filters)
        let limit = try Check.number(input.MaxResults, "maxResults", 1...SecretsLimits.batchMax) ?? SecretsLimits.batchMax
        guard input.MaxResults == nil || input.SecretIdList == nil else {
            throw SecretsError.invalidParameter("'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.")
        }
        let position = try SecretsService.position(input.NextToken)
        try await vault.authorize("BatchGetSecretValue", arn: "*", record: nil, for: call.caller)
        if let ids = input.SecretIdList {
            guard (1...SecretsLimits.batchMax).contains(ids.count) else {
                throw SecretsError.constraint(
                    "secretIdList", value: nil, "Member must have length between 1 and \(SecretsLimits.batchMax)")
            }
            return try await batch(ids, call)
        }
        let shown = try await matching(filters, includingDeleted: false, call)
        let page = try SecretsService.page(shown, after: position, limit: limit)
        var answer = try await batch(page.items.map(\.arn), call)
        answer.NextToken = page.next
        return answer
    }

    private func batch(_ ids: [String], _ call: SecretsCall) async throws -> Responses.Batch {
        var answer = Responses.Batch(SecretValues: [], Errors: [])
        for id in ids {
            do {
                answer.SecretValues.append(try await value(of: id, version: nil, stage: nil, call))
            } catch let error as ServiceError where error.status < 500 {
                answer.Errors.append(.init(SecretId: id, ErrorCode: error.code, Message: error.message))
            }
        }
        return answer
    }

    private func matching(
        _ filters: [SecretFilter], includingDeleted: Bool, _ call: SecretsCall
    ) async throws -> [SecretStore.Stored] {
        let time = vault.now()
        return try await vault.store.secrets(SecretScope(call.caller)).filter { secret in
            guard secret.record.purgeAt.map({ $0 > time }) ?? true else { return false }
            guard includingDeleted || secret.record.deletedAt == nil else { return false }
            return filters.allSatisfy { $0.matches(secret.record) }
        }
    }

    private static func order(
        _ input: Requests.List
    ) throws -> (SecretStore.Stored, SecretStore.Stored) -> Bool {
        let isDescending = input.SortOrder == "desc"
        guard [nil, "asc", "desc"].contains(input.SortOrder) else {
            throw SecretsError.constraint(
                "sortOrder", value: input.SortOrder, "Member must satisfy enum value set: [asc, desc]")
        }
        let key: (SecretRecord) -> Int64
        switch input.SortBy ?? "created-date" {
        case "created-date": key = { $0.createdAt }
        case "last-changed-date": key = { $0.changedAt }
        case "last-accessed-date": key = { $0.accessedAt ?? 0 }
        case "name": key = { _ in 0 }
        case let other:
            throw SecretsError.constraint(
                "sortBy", value: other,
                "Member must satisfy enum value set: [created-date, last-accessed-date, last-changed-date, name]")
        }
        return { first, second in
            let (a, b) = isDescending ? (second.record, first.record) : (first.record, second.record)
            return (key(a), a.name) < (key(b), b.name)
        }
    }

    /// A token is the name after which to go on, within what the caller sees anyway.
    static func token(_ last: String) -> String { Data(last.utf8).base64EncodedString() }

    static func position(_ token: String?) throws -> String? {
        guard let token else { return nil }
        guard token.utf8.count <= 4_096, let bytes = Data(base64Encoded: token), !bytes.isEmpty,
            let text = String(bytes: bytes, encoding: .utf8)
        else { throw SecretsError.invalidToken }
        return text
    }

    private static func start(_ position: String?, in names: [String]) throws -> Int {
        guard let position else { return 0 }
        guard let index = names.firstIndex(of: position) else { throw SecretsError.invalidToken }
        return index + 1
    }

    private static func page(
        _ secrets: [SecretStore.Stored], after position: String?, limit: Int
    ) throws -> (items: [SecretStore.Stored], next: String?) {
        let start = try start(position, in: secrets.map(\.record.name))
        let page = Array(secrets[start...].prefix(limit))
        return (page, start + page.count < secrets.count ? page.last.map { token($0.record.name) } : nil)
    }
}
