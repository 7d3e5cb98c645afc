import CloisterCore
import CloisterServiceKit

/// What AWS allows of provisioned concurrency, and how it describes it. Pure.
enum ProvisionedRules {
    /// Starts that fail in a row before the whole is called failed.
    static let failedStartsMax = 3

    /// A version must not get provisioned concurrency in two ways.
    static func checkOverlap(_ function: FunctionRecord) throws(ServiceError) {
        var owners: [String: String] = [:]
        for qualifier in (function.provisioned ?? [:]).keys.sorted() {
            for version in versions(of: qualifier, function) {
                guard owners.updateValue(qualifier, forKey: version) == nil else {
                    throw .conflict(
                        "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned "
                            + "version")
                }
            }
        }
    }

    private static func versions(of qualifier: String, _ function: FunctionRecord) -> [String] {
        guard let alias = function.aliases[qualifier] else { return [qualifier] }
        return [alias.version] + (alias.additionalVersion.map { [$0] } ?? [])
    }

    /// - Parameters:
    ///   - shares: how many of them each version is to have.
    ///   - found: what the data plane says of the versions.
    static func shape(
        _ record: ProvisionedRecord, shares: [FunctionVersion: Int], found: [FunctionVersion: ProvisionedConcurrency]
    ) -> ProvisionedConcurrencyShape {
        var (available, isReached, isFailed) = (0, true, false)
        for (version, share) in shares {
            let state = found[version]
            available += min(share, state?.available ?? 0)
            if state?.isReached != true || state?.requested != share { isReached = false }
            if state?.failedStarts ?? 0 >= failedStartsMax { isFailed = true }
        }
        let status = isFailed ? "FAILED" : isReached ? "READY" : "IN_PROGRESS"
        return ProvisionedConcurrencyShape(
            requestedProvisionedConcurrentExecutions: record.count,
            availableProvisionedConcurrentExecutions: available,
            allocatedProvisionedConcurrentExecutions: available, status: status,
            statusReason: isFailed ? "FUNCTION_ERROR_INIT_FAILURE" : nil,
            lastModified: secondsText(record.lastModified))
    }

    /// AWS gives these times without fractions: `2026-11-24T11:07:55+0000`.
    private static func secondsText(_ milliseconds: Int64) -> String {
        let text = timestampText(milliseconds)
        return String(text.prefix(19) + text.suffix(5))
    }
}

extension FunctionRecord {
    var provisionedSum: Int { (provisioned ?? [:]).values.reduce(0) { $0 + $1.count } }

    /// What the account's other functions can't use.
    var committedConcurrency: Int { reservedConcurrency ?? provisionedSum }

    mutating func dropProvisioned(_ qualifier: String) {
        provisioned?[qualifier] = nil
        if provisioned?.isEmpty == true { provisioned = nil }
    }
}
