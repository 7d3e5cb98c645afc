import CloisterCore
import CloisterTemplates

/// Deletes a stack's resources, last made first, and then its record.
struct StackDeletion {
    private let deployed: StackRecord
    private let stacks: StackClient
    private let driver: ResourceDriver

    init(_ deployed: StackRecord, api: APIClient) {
        self.deployed = deployed
        self.stacks = StackClient(api: api)
        self.driver = ResourceDriver(lambda: LambdaClient(api: api), account: .default) { _ in }
    }

    /// What couldn't be deleted; those resources stay in the record.
    func run(_ changes: ChangeSet) throws -> [String] {
        var record = deployed
        var problems: [String] = []
        let attributes = AttributeSubstitution(deployed)
        for change in changes.changes {
            guard let resource = deployed[change.logicalID] else { continue }
            do {
                if change.action == .delete {
                    try driver.delete(resource, properties: attributes.resolve(resource.properties))
                }
                record.remove(change.logicalID)
            } catch {
                problems.append("\(change.logicalID): \(CloisterCommand.failure(from: error)?.message ?? "\(error)")")
            }
        }
        if problems.isEmpty {
            try stacks.delete(deployed.name)
        } else {
            try stacks.put(record)
        }
        return problems
    }
}
