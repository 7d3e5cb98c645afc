/// What pre-booted sandboxes are alike in: any function of this runtime and size can take any of them.
public struct PrebootKey: Hashable, Sendable {
    /// The runtime image, as the sandbox is started from it.
    public let image: String
    /// The size class: the memory that the sandbox may use, in MiB.
    public let memoryMiB: Int

    public init(image: String, memoryMiB: Int) {
        self.image = image
        self.memoryMiB = memoryMiB
    }
}

/// A pre-booted sandbox's number within one pool; never used twice.
public struct PrebootNumber: Hashable, Sendable, Comparable {
    public let rawValue: Int

    public init(_ rawValue: Int) { self.rawValue = rawValue }

    public static func < (lhs: PrebootNumber, rhs: PrebootNumber) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// What the shell must do. In the order given.
public enum PrebootEffect: Sendable, Equatable {
    /// Boot a sandbox without function and tenant; report `booted`, or `lost`.
    case boot(PrebootNumber, PrebootKey)
    /// Destroy it, whether it is ready or still boots. Nothing is to be reported.
    case retire(PrebootNumber)
}

/// The pool's limits.
public struct PrebootConfiguration: Sendable {
    /// Memory that all pre-booted sandboxes together may be counted with, in MiB.
    public var memoryMiBMax = 1_024
    /// What one that waits really holds, in MiB; it is counted with that.
    public var heldMiB = 25
    /// Sandboxes of one key at most.
    public var countMax = 64
    /// Sandboxes that may boot at once.
    public var bootsMax = 2
    /// Images and size classes that are kept in mind; the one unused for longest is forgotten first.
    public var keysMax = 64
    /// How long a boot takes until the first ones have been timed.
    public var bootTime: TimeSpan = .milliseconds(300)
    /// The span in which the rate of starts and the largest burst lose half of their weight.
    public var halfLife: TimeSpan = .seconds(120)
    /// How long there must have been too many before one is retired.
    public var retireDelay: TimeSpan = .seconds(30)
    /// A key that nobody has asked for in so long gets no sandboxes, beyond its minimum.
    public var unusedMax: TimeSpan = .seconds(3_600)
    /// The pause after a failed boot; doubles with each further one.
    public var retryDelay: TimeSpan = .seconds(1)
    public var retryDelayMax: TimeSpan = .seconds(60)

    public init() {}
}
