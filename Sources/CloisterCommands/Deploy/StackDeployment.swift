import CloisterTemplates
import Foundation

/// What a deployment tells while it runs.
enum DeploymentEvent: Equatable {
    case started(Change)
    case waiting(String)
    case finished(Change, seconds: Double)
    case warning(String)
    case rollingBack
}

/// Applies a plan resource by resource. The record on the server is written before and after each step, so that a
/// deployment which is killed can be taken up by the next one. A failure puts everything back as it was.
struct StackDeployment {
    private let plan: DeploymentPlan
    private let stacks: StackClient
    private let driver: ResourceDriver
    private let report: (DeploymentEvent) -> Void
    private var record: StackRecord
    private var rollback = Rollback()
    /// Replaced versions of layers and functions: deleted when nothing uses them any more.
    private var superseded: [(resource: DeployedResource, properties: [String: JSONValue])] = []

    init(plan: DeploymentPlan, api: APIClient, report: @escaping (DeploymentEvent) -> Void) {
        self.plan = plan
        self.stacks = StackClient(api: api)
        self.driver = ResourceDriver(lambda: LambdaClient(api: api), account: plan.account) { report(.waiting($0)) }
        self.report = report
        self.record = plan.deployed ?? StackRecord(name: plan.stackName, region: plan.region)
    }

    /// The record afterwards. Throws what went wrong after everything was put back.
    mutating func apply() throws -> StackRecord {
        record.status = .inProgress
        do {
            try save()
            for change in plan.changes.changes { try make(change) }
        } catch {
            throw undo(because: error)
        }
        deleteSuperseded()
        for change in plan.changes.changes { delete(change) }
        record.status = .complete
        record.outputs = outputs()
        let order = plan.graph.resources.map(\.logicalID)
        func place(_ resource: DeployedResource) -> Int { order.firstIndex(of: resource.logicalID) ?? -1 }
        record.resources.sort { place($0) < place($1) }
        try save()
        return record
    }

    // MARK: - Making

    private mutating func make(_ change: Change) throws {
        guard let desired = plan.graph[change.logicalID] else { return }
        switch change.action {
        case .create, .update, .replace: break
        case .delete, .retain, .unchanged: return
        }
        report(.started(change))
        let start = Date()
        let resource = try resolve(desired)
        let made: MadeResource
        if change.action == .update, let before = record[change.logicalID] {
            made = try update(resource, before: before, change: change)
        } else {
            made = try create(resource, change: change)
        }
        record.put(
            DeployedResource(
                logicalID: desired.logicalID, kind: desired.kind, physicalID: made.physicalID,
                attributes: made.attributes, properties: desired.properties.mapValues(\.json),
                codeSHA256: plan.packages[desired.logicalID]?.sha256, dependencies: desired.dependencies.sorted(),
                isRetained: desired.isRetained))
        try save()
        for warning in driver.lambda.takeWarnings() { report(.warning(Terminal.harmless(warning))) }
        report(.finished(change, seconds: Date().timeIntervalSince(start)))
    }

    private mutating func create(_ resource: ResolvedResource, change: Change) throws -> MadeResource {
        if change.action == .replace, let before = record[change.logicalID] {
            try takeAway(before)
        } else if resource.kind == .function {
            try refuseForeign(resource)
        }
        record.put(
            DeployedResource(
                logicalID: resource.logicalID, kind: resource.kind, physicalID: plannedID(resource),
                properties: resource.properties, isComplete: false))
        try save()
        let made = try driver.create(resource)
        let deployed = DeployedResource(
            logicalID: resource.logicalID, kind: resource.kind, physicalID: made.physicalID,
            properties: resource.properties)
        let driver = driver
        rollback.add(resource.logicalID, "remove \(resource.logicalID)") {
            try driver.delete(deployed, properties: resource.properties)
        }
        return made
    }

    private mutating func update(
        _ resource: ResolvedResource, before: DeployedResource, change: Change
    ) throws -> MadeResource {
        let driver = driver
        var old = ResolvedResource(
            logicalID: before.logicalID, kind: before.kind, properties: resolved(before), zip: nil)
        record.put(before.uncertain(after: change))
        try save()
        let needsCode = change.isCodeChanged || change.properties.contains("Architectures")
        // A single change of code either happens or doesn't: there is nothing to put back.
        let isAlone = plan.changes.changes.filter { $0.action != .unchanged }.count == 1 && change.properties.isEmpty
        if isAlone { return try driver.update(resource, before: before, change: change) }
        if needsCode { old.zip = deployedCode(before) }
        let undone = Change(
            .update, logicalID: change.logicalID, kind: change.kind, properties: change.properties,
            isCodeChanged: needsCode && old.zip != nil)
        let previous = old
        rollback.add(resource.logicalID, "put \(resource.logicalID) back") {
            _ = try driver.update(previous, before: before, change: undone)
            if needsCode, previous.kind == .function, previous.zip == nil {
                throw CommandFailure("the old code of \(before.physicalID) couldn't be fetched")
            }
        }
        return try driver.update(resource, before: before, change: change)
    }

    /// Before a replacement: names are taken, so a function has to go first; versions can wait for their successor.
    private mutating func takeAway(_ before: DeployedResource) throws {
        let properties = before.isComplete ? resolved(before) : before.properties
        if before.kind == .layerVersion || before.kind == .version {
            if !before.isRetained, before.isComplete { superseded.append((before, properties)) }
            return
        }
        let driver = driver
        if before.isComplete {
            var old = ResolvedResource(logicalID: before.logicalID, kind: before.kind, properties: properties)
            old.zip = deployedCode(before)
            let previous = old
            rollback.add(before.logicalID, "make \(before.logicalID) again") {
                if previous.kind == .function, previous.zip == nil {
                    throw CommandFailure("the old code of \(before.physicalID) couldn't be fetched")
                }
                _ = try driver.create(previous)
            }
        }
        try driver.delete(before, properties: properties)
    }

    /// Nil, with a warning, when it can't be had: then a rollback can't put it back.
    private func deployedCode(_ before: DeployedResource) -> [UInt8]? {
        guard before.kind == .function else { return nil }
        do {
            return try driver.deployedCode(before.physicalID)
        } catch {
            let reason = CloisterCommand.failure(from: error)?.message ?? "\(error)"
            report(.warning("a failure couldn't put the code of \(before.logicalID) back: \(reason)"))
            return nil
        }
    }

    /// A function of that name which this stack didn't make is somebody else's.
    private func refuseForeign(_ resource: ResolvedResource) throws {
        let name = try resource.text("FunctionName")
        guard try driver.lambda.configuration(name) != nil else { return }
        throw CommandFailure(
            "the function \(name) exists already and doesn't belong to stack \(plan.stackName)",
            hint: "delete it, or give \(resource.logicalID) another FunctionName")
    }

    private func plannedID(_ resource: ResolvedResource) -> String {
        for key in ["FunctionName", "Name", "StatementId", "LayerName", "RoleName"] {
            if resource.kind == .alias, key == "FunctionName" { continue }
            if let text = resource.properties[key]?.string { return text }
        }
        return resource.logicalID
    }

    // MARK: - Deleting

    private mutating func deleteSuperseded() {
        for (resource, properties) in superseded {
            tolerating("the old \(resource.logicalID)") { try driver.delete(resource, properties: properties) }
        }
    }

    private mutating func delete(_ change: Change) {
        guard plan.graph[change.logicalID] == nil, let before = record[change.logicalID] else { return }
        if change.action == .delete {
            report(.started(change))
            let start = Date()
            let isDeleted = tolerating(change.logicalID) { try driver.delete(before, properties: resolved(before)) }
            guard isDeleted else { return }
            report(.finished(change, seconds: Date().timeIntervalSince(start)))
        }
        record.remove(change.logicalID)
    }

    /// What can't be deleted is warned about: the deployment itself has succeeded by then.
    @discardableResult
    private func tolerating(_ name: String, _ work: () throws -> Void) -> Bool {
        do {
            try work()
            return true
        } catch {
            let text = CloisterCommand.failure(from: error)?.message ?? "\(error)"
            report(.warning("\(name) wasn't deleted: \(text)"))
            return false
        }
    }

    // MARK: - Rolling back

    private mutating func undo(because error: any Error) -> CommandFailure {
        let cause = CloisterCommand.failure(from: error) ?? CommandFailure("\(error)")
        report(.rollingBack)
        let problems = rollback.run()
        var restored = plan.deployed ?? StackRecord(name: plan.stackName, region: plan.region)
        restored.status = problems.isEmpty ? .rolledBack : .rollbackFailed
        for problem in problems { restored.put(uncertain(problem.logicalID)) }
        let isNew = plan.deployed == nil && problems.isEmpty
        let keeping = tolerating("the stack's record") {
            if isNew { try stacks.delete(plan.stackName) } else { try stacks.put(restored) }
        }
        var failure = cause
        failure.message += problems.isEmpty && keeping
            ? " — everything is as it was before"
            : " — not everything could be put back: \(problems.map(\.message).joined(separator: "; "))"
        return failure
    }

    /// What the record says of a resource that couldn't be put back: the next deployment has to see to it.
    private func uncertain(_ logicalID: String) -> DeployedResource {
        if let change = plan.changes[logicalID], change.action == .update, let before = plan.deployed?[logicalID] {
            return before.uncertain(after: change)
        }
        let kind = plan.graph[logicalID]?.kind ?? .function
        var left = record[logicalID]
            ?? DeployedResource(logicalID: logicalID, kind: kind, physicalID: logicalID, properties: [:])
        left.isComplete = false
        return left
    }

    // MARK: - Values

    private func resolve(_ desired: DesiredResource) throws -> ResolvedResource {
        let known = Dictionary(record.resources.map { ($0.logicalID, $0.attributes) }) { first, _ in first }
        let properties = desired.properties.mapValues { value in
            value.resolved { known[$0]?[$1] }
        }
        if let missing = properties.values.flatMap(\.resources).sorted().first {
            throw CommandFailure("\(desired.logicalID) needs an attribute of \(missing), which doesn't have it")
        }
        return ResolvedResource(
            logicalID: desired.logicalID, kind: desired.kind, properties: properties.mapValues(\.json),
            zip: plan.packages[desired.logicalID]?.zip)
    }

    /// A deployed resource's properties with the attributes that were deployed with it.
    private func resolved(_ resource: DeployedResource) -> [String: JSONValue] {
        AttributeSubstitution(plan.deployed ?? record).resolve(resource.properties)
    }

    private func outputs() -> [String: String] {
        let known = Dictionary(record.resources.map { ($0.logicalID, $0.attributes) }) { first, _ in first }
        return Dictionary(
            plan.graph.outputs.map { output in
                (output.name, output.value.resolved { known[$0]?[$1] }.description)
            }
        ) { first, _ in first }
    }

    private mutating func save() throws {
        record.updatedAt = ISO8601DateFormatter().string(from: Date())
        try stacks.put(record)
    }
}
