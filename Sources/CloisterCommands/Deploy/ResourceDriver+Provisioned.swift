import CloisterTemplates
import Foundation
import Glibc

/// Provisioned concurrency, a part of a version's or an alias's properties with operations of its own.
extension ResourceDriver {
    static let provisioned = "ProvisionedConcurrencyConfig"
    private static let provisioningSecondsMax = 900.0

    /// Asks for it and waits until it is there, as CloudFormation does. Throws when it fails.
    func provision(_ resource: ResolvedResource, qualifier: String) throws {
        guard let configuration = resource.properties[Self.provisioned]?.object else { return }
        let function = try resource.text("FunctionName")
        var answer = try lambda.putProvisionedConcurrency(function, qualifier: qualifier, configuration)
        var pauseMicroseconds: UInt32 = 5_000
        let deadline = Date().addingTimeInterval(Self.provisioningSecondsMax)
        while answer["Status"]?.string != "READY" {
            guard answer["Status"]?.string == "IN_PROGRESS" else {
                let reason = Terminal.harmless(answer["StatusReason"]?.string ?? "no reason given")
                throw CommandFailure("provisioned concurrency of \(function):\(qualifier) failed: \(reason)")
            }
            guard Date() < deadline else {
                throw CommandFailure(
                    "provisioned concurrency of \(function):\(qualifier) isn't there after "
                        + "\(Int(Self.provisioningSecondsMax)) seconds",
                    hint: "each environment needs memory: see `cloister environments`")
            }
            let available = answer["AvailableProvisionedConcurrentExecutions"]?.integer ?? 0
            let requested = answer["RequestedProvisionedConcurrentExecutions"]?.integer ?? 0
            onWaiting("\(available) of \(requested) environments are initialised")
            usleep(pauseMicroseconds)
            pauseMicroseconds = min(pauseMicroseconds * 2, 1_000_000)
            answer = try lambda.provisionedConcurrency(function, qualifier: qualifier)
        }
    }

    /// What the alias has no more is given up before the alias changes, what it has now is asked for after it.
    func unprovision(_ resource: ResolvedResource, before: DeployedResource, qualifier: String) throws {
        guard before.properties[Self.provisioned] != nil, resource.properties[Self.provisioned] == nil else { return }
        try lambda.deleteProvisionedConcurrency(try resource.text("FunctionName"), qualifier: qualifier)
    }
}
