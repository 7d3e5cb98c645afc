/// How to put back what a deployment has done, last step first.
struct Rollback {
    private var steps: [(name: String, undo: () throws -> Void)] = []

    mutating func add(_ name: String, _ undo: @escaping () throws -> Void) { steps.append((name, undo)) }

    /// Runs all steps, whatever fails; returns what did.
    mutating func run() -> [String] {
        var problems: [String] = []
        for step in steps.reversed() {
            do {
                try step.undo()
            } catch {
                problems.append("\(step.name): \(CloisterCommand.failure(from: error)?.message ?? "\(error)")")
            }
        }
        steps = []
        return problems
    }
}
