import CloisterTemplates

/// A deployment as `--json` prints it.
struct DeploymentReport: Encodable {
    struct ResourceChange: Encodable {
        var resource: String
        var type: String
        var action: String
        var reasons: [String]
    }

    var stack: String
    var region: String
    /// Whether anything was changed.
    var changed: Bool
    var changes: [ResourceChange]
    var warnings: [String]
    var outputs: [String: String]

    init(plan: DeploymentPlan, warnings: [String], outputs: [String: String]) {
        stack = plan.stackName
        region = plan.region
        changed = !plan.changes.isEmpty
        changes = plan.changes.changes.filter { $0.action != .unchanged }.map {
            ResourceChange(
                resource: $0.logicalID, type: $0.kind.rawValue, action: $0.action.rawValue, reasons: $0.reasons)
        }
        self.warnings = plan.graph.warnings.map(\.description) + warnings
        self.outputs = outputs
    }
}
