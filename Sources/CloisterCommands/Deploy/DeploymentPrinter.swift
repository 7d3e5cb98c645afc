import CloisterTemplates

/// Shows a plan and its progress to people.
struct DeploymentPrinter {
    let plan: DeploymentPlan
    let endpoint: String

    func show() {
        let target = "Stack \(plan.stackName) in \(plan.region) at \(endpoint)"
        Terminal.note(target)
        for warning in plan.graph.warnings { Terminal.note("warning: \(warning)") }
        let changes = plan.changes.changes.filter { $0.action != .unchanged }
        if changes.isEmpty { return }
        Terminal.note("")
        Terminal.note(DeploymentPrinter.table(changes))
        Terminal.note("")
    }

    static func table(_ changes: [Change]) -> String {
        var table = TextTable([("", .left), ("Resource", .left), ("Type", .left), ("Why", .left)])
        for change in changes {
            table.add([
                "\(sign(change.action)) \(change.action.rawValue)", change.logicalID, change.kind.rawValue,
                change.reasons.joined(separator: ", "),
            ])
        }
        return table.text
    }

    func show(_ event: DeploymentEvent) {
        switch event {
        case .started: break
        case .waiting(let reason): if !reason.isEmpty { Terminal.note("    \(reason) …") }
        case .finished(let change, let seconds):
            let time = "\((seconds * 100).rounded() / 100) s"
            Terminal.note("  \(DeploymentPrinter.sign(change.action)) \(change.logicalID): \(done(change)) (\(time))")
        case .warning(let text): Terminal.note("warning: \(text)")
        case .rollingBack: Terminal.note("Failed; putting everything back …")
        }
    }

    func show(outputs: [String: String]) {
        guard !outputs.isEmpty else { return }
        var table = TextTable([("Output", .left), ("Value", .left)])
        for name in outputs.keys.sorted() { table.add([name, outputs[name] ?? ""]) }
        Terminal.print(table.text)
    }

    private func done(_ change: Change) -> String {
        switch change.action {
        case .create: "created"
        case .update: "updated"
        case .replace: "replaced"
        case .delete: "deleted"
        case .retain: "kept"
        case .unchanged: "unchanged"
        }
    }

    private static func sign(_ action: Change.Action) -> String {
        switch action {
        case .create: "+"
        case .update: "~"
        case .replace: "±"
        case .delete: "-"
        case .retain, .unchanged: "="
        }
    }
}
