import Foundation

/// The results of several policies on one workload, as text for people and for programs.
public struct PlanComparison: Sendable {
    public var workload: String
    public var tenants: Int
    public var calls: Int
    public var hours: Double
    public var costs: PlanCosts
    public var results: [PlanResult]
    /// Whether an environment counts as busy for the whole minute of its calls.
    public var isByMinute: Bool

    public init(_ workload: Workload, costs: PlanCosts, results: [PlanResult]) {
        self.workload = workload.name
        self.tenants = workload.tenants.count
        self.calls = workload.callCount
        self.hours = Double(workload.span) / 3_600e9
        self.costs = costs
        self.results = results
        self.isByMinute = workload.isByMinute
    }

    /// The figures of one policy, in the order of the table's columns.
    struct Row {
        var name: String
        var cells: [String]
    }

    static let columns = [
        "cold", "resumed", "cold share", "tenant p50", "p75", "p90", "latency p50", "p99", "memory", "idle", "peak",
        "GB-hours", "$/tenant/month", "$/month",
    ]

    var rows: [Row] {
        results.map { result in
            func share(_ part: Double) -> String { percent(PlanResult.quantile(result.coldShares, part)) }
            let mean = result.monthlyCosts.isEmpty ? 0 : result.monthlyTotal / Double(result.monthlyCosts.count)
            return Row(
                name: result.policy,
                cells: [
                    grouped(result.coldStarts), grouped(result.resumes), percent(result.coldShare), share(0.5), share(0.75),
                    share(0.9), milliseconds(result.latency.quantile(0.5)), milliseconds(result.latency.quantile(0.99)),
                    gigabytes(result.memoryMeanGB), gigabytes(result.idleMeanGB), gigabytes(result.memoryPeakGB),
                    grouped(Int(result.gigabyteHours.rounded())), dollars(mean), dollars(result.monthlyTotal),
                ])
        }
    }

    var summaryLine: String {
        "\(workload): \(grouped(calls)) calls of \(grouped(tenants)) tenants in \(String(format: "%.1f", hours)) hours"
    }

    var assumptions: String {
        let start = milliseconds(costs.coldStartMilliseconds)
        let resume = milliseconds(costs.resumeMilliseconds)
        return "A cold start takes \(start), a resume \(resume); a hibernated environment holds "
            + "\(costs.hibernatedPercent) % of its memory, at least \(costs.hibernatedMiBMin) MiB; "
            + "a GB-hour costs $\(costs.dollarsPerGBHour)."
            + (isByMinute ? " The trace counts calls by the minute: an environment is busy for the whole minute." : "")
    }

    /// For a terminal.
    public var table: String {
        let rows = rows
        let nameWidth = max(6, rows.map(\.name.count).max() ?? 0)
        let widths = PlanComparison.columns.indices.map { column in
            max(PlanComparison.columns[column].count, rows.map { $0.cells[column].count }.max() ?? 0)
        }
        func line(_ name: String, _ cells: [String]) -> String {
            let padded = zip(cells, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }
            let first = name + String(repeating: " ", count: nameWidth - name.count)
            return ([first] + padded).joined(separator: "  ")
        }
        let lines = [line("policy", PlanComparison.columns)] + rows.map { line($0.name, $0.cells) }
        return ([summaryLine, ""] + lines + ["", assumptions]).joined(separator: "\n") + "\n"
    }

    /// For programs: one object, numbers without units, shares from 0 to 1.
    public var json: String {
        struct Policy: Encodable {
            var policy: String
            var calls, coldStarts, resumes, refused, predictions: Int
            var coldShare, coldShareP50, coldShareP75, coldShareP90: Double
            var latencyP50Milliseconds, latencyP99Milliseconds: Double
            var memoryMeanGB, memoryIdleGB, memoryPeakGB, gigabyteHours: Double
            var monthlyCost, monthlyCostPerTenant, monthlyCostPerTenantP50, monthlyCostPerTenantP99: Double
        }
        struct Whole: Encodable {
            var workload: String
            var tenants, calls: Int
            var hours, dollarsPerGBHour, coldStartMilliseconds, resumeMilliseconds: Double
            var hibernatedPercent: Int
            var policies: [Policy]
        }
        let policies = results.map { result in
            Policy(
                policy: result.policy, calls: result.calls, coldStarts: result.coldStarts, resumes: result.resumes,
                refused: result.refused, predictions: result.predictions, coldShare: result.coldShare,
                coldShareP50: PlanResult.quantile(result.coldShares, 0.5),
                coldShareP75: PlanResult.quantile(result.coldShares, 0.75),
                coldShareP90: PlanResult.quantile(result.coldShares, 0.9),
                latencyP50Milliseconds: result.latency.quantile(0.5), latencyP99Milliseconds: result.latency.quantile(0.99),
                memoryMeanGB: result.memoryMeanGB, memoryIdleGB: result.idleMeanGB, memoryPeakGB: result.memoryPeakGB,
                gigabyteHours: result.gigabyteHours, monthlyCost: result.monthlyTotal,
                monthlyCostPerTenant: result.monthlyTotal / Double(max(result.monthlyCosts.count, 1)),
                monthlyCostPerTenantP50: PlanResult.quantile(result.monthlyCosts, 0.5),
                monthlyCostPerTenantP99: PlanResult.quantile(result.monthlyCosts, 0.99))
        }
        let whole = Whole(
            workload: workload, tenants: tenants, calls: calls, hours: hours, dollarsPerGBHour: costs.dollarsPerGBHour,
            coldStartMilliseconds: costs.coldStartMilliseconds, resumeMilliseconds: costs.resumeMilliseconds,
            hibernatedPercent: costs.hibernatedPercent, policies: policies)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return (try? encoder.encode(whole)).map { String(decoding: $0, as: UTF8.self) + "\n" } ?? "{}\n"
    }
}

func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }
func gigabytes(_ value: Double) -> String { String(format: value < 10 ? "%.2f GB" : "%.1f GB", value) }
func dollars(_ value: Double) -> String { String(format: value < 100 ? "%.2f" : "%.0f", value) }

func milliseconds(_ value: Double) -> String {
    value >= 10_000 ? String(format: "%.0f s", value / 1_000) : String(format: value < 10 ? "%.1f ms" : "%.0f ms", value)
}

func grouped(_ number: Int) -> String {
    var text = ""
    for (index, digit) in String(number).reversed().enumerated() {
        if index > 0, index % 3 == 0, digit != "-" { text.append(",") }
        text.append(digit)
    }
    return String(text.reversed())
}
