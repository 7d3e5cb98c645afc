import CloisterCore
import CloisterServiceKit

/// What the tenants of one tier have in common.
struct TierRecord: Codable, Equatable, StrictlyDecoded {
    static let members = ["name", "reservation", "functions", "limits"]
    static let reservationMax = 1_000
    static let functionsMax = 100

    var name: String?
    /// Environments of each function that are kept bound to each tenant, and warm.
    var reservation: Int?
    /// Whose environments; ARNs once stored.
    var functions: [String]?
    var limits: LimitsRecord?

    /// 1 to 64 of `[a-zA-Z0-9_-]`.
    static func isName(_ text: String) -> Bool { FunctionReference.isName(text) }

    func check() throws(ServiceError) {
        try bound(reservation, "reservation", 0...TierRecord.reservationMax)
        try bound(functions?.count, "number of functions", 0...TierRecord.functionsMax)
        try limits?.check()
    }
}

/// One tenant.
struct TenantRecord: Codable, Equatable, StrictlyDecoded {
    static let members = ["id", "tier", "status", "reservation", "functions", "limits"]

    enum Status: String, Codable { case active, suspended }

    var id: String?
    var tier: String?
    var status: Status?
    /// In place of the tier's.
    var reservation: Int?
    /// Besides the tier's.
    var functions: [String]?
    /// In place of the tier's, each by itself.
    var limits: LimitsRecord?

    func check() throws(ServiceError) {
        try bound(reservation, "reservation", 0...TierRecord.reservationMax)
        try bound(functions?.count, "number of functions", 0...TierRecord.functionsMax)
        try limits?.check()
    }

    /// What holds for the tenant, its tier's part included.
    func effective(_ tier: TierRecord?) -> EffectiveRecord {
        var functions = tier?.functions ?? []
        for function in self.functions ?? [] where !functions.contains(function) { functions.append(function) }
        return EffectiveRecord(
            reservation: reservation ?? tier?.reservation ?? 0, functions: functions,
            limits: (limits ?? LimitsRecord()).over(tier?.limits ?? LimitsRecord()))
    }
}

/// A tenant's settings with its tier's.
struct EffectiveRecord: Codable, Equatable {
    var reservation: Int
    var functions: [String]
    var limits: LimitsRecord

    func settings(of tenant: TenantID, isSuspended: Bool) -> TenantSettings {
        let references = reservation > 0 ? functions.compactMap { FunctionReference($0) } : []
        return TenantSettings(
            tenant: tenant, isSuspended: isSuspended, limits: limits.limits,
            reservations: references.compactMap { reference in
                reference.region.map {
                    TenantReservation(
                        function: FunctionKey(region: $0, name: reference.name), qualifier: reference.qualifier,
                        count: reservation)
                }
            })
    }
}
