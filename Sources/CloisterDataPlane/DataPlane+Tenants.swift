import CloisterCore
import CloisterServiceKit
import NIOCore

/// The tenant registry's side: who is served, within which limits, and what is kept warm for whom.
extension DataPlane: TenantDirectory {
    /// What is registered from now on of these tenants. On return it is in force: of a suspended tenant no environment is
    /// left, and each of its invocations has been refused or has ended.
    public func register(_ tenants: [TenantSettings]) async {
        await waitForEnds { for settings in tenants { self.apply(settings) } }
    }

    /// Forgets the tenants and destroys their environments. Unknown ones are ignored.
    public func unregister(_ tenants: [TenantID]) async {
        await waitForEnds { for tenant in tenants { self.forget(tenant) } }
    }

    /// Returns when the sandboxes that `change` ends are gone.
    private func waitForEnds(_ change: @escaping @Sendable () -> Void) async {
        let ending = try? await loop.submit { () -> [Task<Void, Never>] in
            let before = Set(self.environments.keys)
            change()
            return before.subtracting(self.environments.keys).compactMap { self.destroying[$0] }
        }.get()
        for task in ending ?? [] { await task.value }
    }

    // MARK: Admission

    /// Throws unless the registry lets the tenant in.
    func checkRegistry(_ tenant: TenantID?, _ function: FunctionSnapshot) throws(ServiceError) {
        guard let tenant else { return }
        let settings = tenants[tenant]
        if settings == nil, function.servesRegisteredTenantsOnly { throw DataPlane.refusal(.unknown) }
        if settings?.isSuspended == true { throw DataPlane.refusal(.suspended) }
    }

    static func refusal(_ refusal: TenantRegistryRefusal) -> ServiceError {
        ServiceError("AccessDeniedException", status: 403, message: refusal.message)
    }

    // MARK: Settings

    private func apply(_ settings: TenantSettings) {
        let tenant = settings.tenant
        let before = tenants.updateValue(settings, forKey: tenant)
        if before?.limits != settings.limits { scheduler.setLimits(settings.limits, for: tenant) }
        if settings.isSuspended, before?.isSuspended != true { schedule { $0.suspend(tenant, now: $1, into: &$2) } }
        reserve(tenant, before?.reservations ?? [], settings.reservations)
        if !settings.isSuspended, before?.isSuspended == true { schedule { $0.reinstate(tenant, now: $1, into: &$2) } }
    }

    private func forget(_ tenant: TenantID) {
        guard let before = tenants.removeValue(forKey: tenant) else { return }
        scheduler.setLimits(nil, for: tenant)
        reserve(tenant, before.reservations, [])
        schedule {
            // Ends its environments; it may come back as a tenant that nobody has registered.
            $0.suspend(tenant, now: $1, into: &$2)
            $0.reinstate(tenant, now: $1, into: &$2)
        }
    }

    private func reserve(_ tenant: TenantID, _ before: [TenantReservation], _ after: [TenantReservation]) {
        guard before != after else { return }
        let (old, new) = (Set(before.map(\.function)), Set(after.map(\.function)))
        for function in old.subtracting(new) {
            reservingTenants[function]?.remove(tenant)
            if reservingTenants[function]?.isEmpty == true { reservingTenants[function] = nil }
        }
        for function in new.subtracting(old) { reservingTenants[function, default: []].insert(tenant) }
        for function in old.union(new) { applyReservations(of: tenant, on: function) }
    }

    // MARK: Functions

    /// Brings provisioned concurrency and reservations in line with what the function is now.
    func keepAhead(_ function: FunctionKey) {
        guard let published = functions[function] else { return }
        let wanted = published.entry.provisionedByVersion
        let changes = published.versions.values.map { version in
            let isAvailable = version.snapshot.unavailableReason == nil
            return (pool: version.pool, count: isAvailable ? wanted[version.snapshot.key.version] ?? 0 : 0)
        }.filter { scheduler.provisionedConcurrency(of: $0.pool)?.requested != $0.count }
        // What is no longer needed makes room first.
        for change in changes.sorted(by: { $0.count < $1.count }) {
            schedule { $0.setProvisioned(change.pool, change.count, now: $1, into: &$2) }
        }
        for tenant in (reservingTenants[function] ?? []).sorted(by: { $0.rawValue < $1.rawValue }) {
            applyReservations(of: tenant, on: function)
        }
    }

    private func applyReservations(of tenant: TenantID, on function: FunctionKey) {
        guard let published = functions[function] else { return }
        let reserved = tenants[tenant]?.reserved(of: published.entry) ?? [:]
        for version in published.versions.values where version.snapshot.unavailableReason == nil {
            let count = reserved[version.snapshot.key.version] ?? 0
            schedule { $0.setReservation(tenant, version.pool, count, now: $1, into: &$2) }
        }
    }

    public func provisionedConcurrency(of key: FunctionKey) async -> [FunctionVersion: ProvisionedConcurrency] {
        let found = try? await loop.submit {
            (self.functions[key]?.versions ?? [:]).compactMapValues {
                self.scheduler.provisionedConcurrency(of: $0.pool)
            }
        }.get()
        return found ?? [:]
    }
}
