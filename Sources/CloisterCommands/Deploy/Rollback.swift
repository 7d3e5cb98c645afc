/// How to put back what a deployment has done, last step first.
struct Rollback {
    struct Problem: Equatable {
        var logicalID: String
        var message: String
    }

    private var steps: [(logicalID: String, name: String, undo: () throws -> Void)] = []

    /// `name` says what `undo` does, for messages.
    mutating func add(_ logicalID: String, _ name: String, _ undo: @escaping () throws -> Void) {
        steps.append((logicalID, name, undo))
    }

    /// Runs all steps, whatever fails; returns what did.
    mutating func run() -> [Problem] {
        var problems: [Problem] = []
        for step in steps.reversed() {
            do {
                try step.undo()
            } catch {
                let reason = CloisterCommand.failure(from: error)?.message ?? "\(error)"
                problems.append(Problem(logicalID: step.logicalID, message: "\(step.name): \(reason)"))
            }
        }
        steps = []
        return problems
    }
}
