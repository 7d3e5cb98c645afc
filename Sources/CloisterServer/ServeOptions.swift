import CloisterCore
import CloisterMicroVM

/// What `cloister serve` was asked for.
public struct ServeOptions: Sendable, Equatable {
    public enum Isolation: Sendable, Equatable {
        /// The strongest level whose self-test passes.
        case auto
        case level(IsolationLevel)
    }

    /// Everything that the server keeps is under it.
    public var dataDirectory: String
    public var host: String
    /// 0 lets the system choose.
    public var port: Int
    public var isolation: Isolation
    /// What runs the machines of the level `microvm`; nil: KVM.
    public var microvmAccelerator: MicroVMAccelerator?
    public var account: AccountID
    /// Lets unsigned requests in; the command refuses it unless `host` is a loopback address.
    public var allowsUnsigned: Bool
    /// Where runtime images are; nil for the standard place.
    public var runtimesDirectory: String?
    /// Whether a runtime that isn't there may be stood in for by a near one.
    public var allowsSubstitutes: Bool
    /// The account's limit of environments that run at once.
    public var concurrency: Int
    /// What sandboxes booted in advance may hold together; 0 for none, nil for a share of the memory budget.
    public var prebootMemoryMiB: Int?

    public init(
        dataDirectory: String, host: String, port: Int, isolation: Isolation, account: AccountID,
        allowsUnsigned: Bool, runtimesDirectory: String?, allowsSubstitutes: Bool, concurrency: Int
    ) {
        self.dataDirectory = dataDirectory
        self.host = host
        self.port = port
        self.isolation = isolation
        self.account = account
        self.allowsUnsigned = allowsUnsigned
        self.runtimesDirectory = runtimesDirectory
        self.allowsSubstitutes = allowsSubstitutes
        self.concurrency = concurrency
    }
}
