import CloisterCore
import CloisterServiceKit
import Logging

/// Tenants and their tiers. What is stored is in force in the data plane when a change returns, and after a restart
/// before anything is served.
public final class TenantRegistry: Sendable {
    static let tiersMax = 200

    let store: RegistryStore
    private let directory: any TenantDirectory
    private let account: AccountID
    private let logger: Logger
    /// Changes one at a time, so that what is published last is what was stored last.
    private let turns = Turns()

    public init(account: AccountID, documents: any DocumentStore, directory: any TenantDirectory, logger: Logger) {
        self.account = account
        self.store = RegistryStore(documents: documents)
        self.directory = directory
        self.logger = logger
    }

    /// Publishes every tenant. Call once, before anything is served. A tenant whose record, or whose tier's, can't be
    /// read counts as suspended.
    public func start() async throws(ServiceError) { try await publishAll { _ in true } }

    // MARK: Tiers

    func putTier(_ name: String, _ given: TierRecord, region: String) async throws(ServiceError) -> TierRecord {
        var tier = given
        guard tier.name ?? name == name else { throw .validation("'name' is not the name in the path.") }
        tier.name = name
        try tier.check()
        tier.reservation = tier.reservation ?? 0
        tier.functions = try arns(tier.functions, region: region)
        tier.limits = tier.limits ?? LimitsRecord()
        let stored = tier
        try await turns.take { () async throws(ServiceError) in
            let tiers = try await store.tiers()
            guard tiers.count < TenantRegistry.tiersMax || tiers.contains(where: { $0.name == name }) else {
                throw .conflict("There are at most \(TenantRegistry.tiersMax) tiers.")
            }
            try await store.put(RegistryStore.tierKind, name, stored)
            try await publishAll { $0 == name }
        }
        return stored
    }

    func tier(_ name: String) async throws(ServiceError) -> TierRecord {
        guard let tier = try await store.tier(name) else { throw .notFound("There is no tier \(name).") }
        return tier
    }

    func deleteTier(_ name: String) async throws(ServiceError) {
        try await turns.take { () async throws(ServiceError) in
            _ = try await tier(name)
            try await forEachTenant { (_, tenant) throws(ServiceError) in
                guard tenant?.tier != name else {
                    throw .conflict("The tier \(name) has tenants, among them \(tenant?.id ?? "").")
                }
            }
            try await store.delete(RegistryStore.tierKind, name)
        }
    }

    // MARK: Tenants

    func putTenant(_ id: TenantID, _ given: TenantRecord, region: String) async throws(ServiceError) -> TenantRecord {
        var tenant = given
        guard tenant.id ?? id.rawValue == id.rawValue else { throw .validation("'id' is not the one in the path.") }
        tenant.id = id.rawValue
        try tenant.check()
        tenant.functions = try arns(tenant.functions, region: region)
        tenant.limits = tenant.limits ?? LimitsRecord()
        let wanted = tenant
        return try await turns.take { () async throws(ServiceError) -> TenantRecord in
            var stored = wanted
            // Whoever changes a tier or a limit doesn't mean to end a suspension.
            if stored.status == nil { stored.status = try await store.tenant(id)?.status ?? .active }
            return try await keep(stored, id)
        }
    }

    func setStatus(_ status: TenantRecord.Status, of id: TenantID) async throws(ServiceError) -> TenantRecord {
        try await turns.take { () async throws(ServiceError) -> TenantRecord in
            var stored = try await tenant(id)
            stored.status = status
            return try await keep(stored, id)
        }
    }

    func tenant(_ id: TenantID) async throws(ServiceError) -> TenantRecord {
        guard let tenant = try await store.tenant(id) else { throw .notFound("There is no tenant \(id).") }
        return tenant
    }

    /// What holds for the tenant, its tier's part included.
    func effective(_ tenant: TenantRecord) async throws(ServiceError) -> EffectiveRecord {
        tenant.effective(try await tierOf(tenant))
    }

    func deleteTenant(_ id: TenantID) async throws(ServiceError) {
        try await turns.take { () async throws(ServiceError) in
            _ = try await tenant(id)
            try await store.delete(RegistryStore.tenantKind, id.rawValue)
            await directory.unregister([id])
        }
    }

    private func keep(_ tenant: TenantRecord, _ id: TenantID) async throws(ServiceError) -> TenantRecord {
        let tier = try await tierOf(tenant)
        try await store.put(RegistryStore.tenantKind, id.rawValue, tenant)
        await directory.register([
            tenant.effective(tier).settings(of: id, isSuspended: tenant.status == .suspended)
        ])
        return tenant
    }

    private func tierOf(_ tenant: TenantRecord) async throws(ServiceError) -> TierRecord? {
        guard let name = tenant.tier else { return nil }
        guard let tier = try await store.tier(name) else { throw .validation("There is no tier \(name.prefix(64)).") }
        return tier
    }

    // MARK: Publishing

    /// Publishes the tenants whose tier `isMeant`.
    private func publishAll(_ isMeant: (String?) -> Bool) async throws(ServiceError) {
        let tiers = Dictionary(try await store.tiers().map { ($0.name, $0.record) }) { first, _ in first }
        var batch: [TenantSettings] = []
        try await forEachTenant { (id, tenant) throws(ServiceError) in
            guard tenant.map({ isMeant($0.tier) }) ?? isMeant(nil) else { return }
            batch.append(settings(id, tenant, tiers))
        }
        await directory.register(batch)
    }

    private func settings(_ id: TenantID, _ tenant: TenantRecord?, _ tiers: [String: TierRecord?]) -> TenantSettings {
        let tier = tenant?.tier.flatMap { tiers[$0] ?? nil }
        guard let tenant, tenant.tier == nil || tier != nil else {
            logger.error("a tenant's record can't be read: it counts as suspended", metadata: ["tenant": "\(id)"])
            return TenantSettings(tenant: id, isSuspended: true)
        }
        return tenant.effective(tier).settings(of: id, isSuspended: tenant.status == .suspended)
    }

    private func forEachTenant(
        _ body: (TenantID, TenantRecord?) throws(ServiceError) -> Void
    ) async throws(ServiceError) {
        var after: String?
        while true {
            let page = try await store.tenants(after: after, limit: RegistryStore.pageSize)
            for listed in page {
                guard let id = TenantID(listed.name) else { continue }
                try body(id, listed.record)
            }
            guard page.count == RegistryStore.pageSize else { return }
            after = page.last?.name
        }
    }

    /// Functions as ARNs, each once: a bare name is one of the caller's region.
    private func arns(_ functions: [String]?, region: String) throws(ServiceError) -> [String] {
        var arns: [String] = []
        for text in functions ?? [] {
            guard let reference = FunctionReference(text) else {
                throw .validation("'\(text.prefix(256))' is no function: NAME, NAME:QUALIFIER or an ARN.")
            }
            if let other = reference.account, other != account.rawValue {
                throw .validation("The function '\(text)' is in another account.")
            }
            let key = FunctionKey(region: reference.region ?? region, name: reference.name)
            let arn = key.arn(account: account) + (reference.qualifier.map { ":" + $0 } ?? "")
            if !arns.contains(arn) { arns.append(arn) }
        }
        return arns
    }
}
