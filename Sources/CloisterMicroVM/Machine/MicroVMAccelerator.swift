/// What executes a virtual machine's instructions.
public enum MicroVMAccelerator: String, Sendable, CaseIterable {
    /// The CPU, through `/dev/kvm`.
    case kvm
    /// QEMU's translator in software: isolates as well, but computes some twenty times slower. Only where it is asked for.
    case tcg

    static let kvmDevice = "/dev/kvm"

    /// How long a machine may take until its agent speaks, in the self-test: a device file that opens is no proof.
    var probeMilliseconds: Int32 {
        switch self {
        case .kvm: 5_000
        case .tcg: 30_000
        }
    }
}
