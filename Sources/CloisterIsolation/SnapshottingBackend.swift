public import CloisterCore

/// A backend that can make many sandboxes of one that is initialised.
///
/// The way: `startForSnapshot`, then the runtime is started in it as in any other and initialises itself, until all that it
/// waits for is an answer on its connections to the Runtime API; then `snapshot`, which ends that sandbox; then `restore`,
/// any number of times.
///
/// A restored sandbox is what the first one was, except: its clock is right and its kernel's random numbers are its own
/// before anything in it runs; its channels are new; and whatever its runtime had asked on a connection since it was last
/// answered arrives at the new `runtimeListener` as if asked anew (for Lambda's SnapStart that is
/// `GET /runtime/restore/next`, whose answer makes the runtime call its after-restore hooks). Environment variables, and
/// what a library has drawn from a random number generator of its own, are the snapshot's: hand new values over in that
/// answer, before the function's code runs. No two sandboxes share memory or files that one of them can write.
public protocol SnapshottingBackend: IsolationBackend {
    associatedtype Snapshot: SandboxSnapshot

    /// As `start`, for a sandbox that `snapshot` can be called with.
    func startForSnapshot(_ configuration: SandboxConfiguration) async throws(IsolationError) -> any Sandbox

    /// Takes a snapshot of a sandbox of `startForSnapshot`, which is destroyed, whatever happens. Its channels stay their
    /// owner's to close. The sandbox must not be bound to a tenant, and must not be frozen.
    func snapshot(_ sandbox: any Sandbox) async throws(IsolationError) -> Snapshot

    /// A new sandbox out of a snapshot. Its agent says nothing: it was ready when the snapshot was taken.
    func restore(_ snapshot: Snapshot, as id: EnvironmentID) async throws(IsolationError) -> any Sandbox
}

/// An initialised sandbox at rest. Holds its memory until it is released.
public protocol SandboxSnapshot: AnyObject, Sendable {
    /// Of the sandbox that it was taken of; those that are made of it differ in `id`.
    var configuration: SandboxConfiguration { get }
    /// What it holds of the host's memory, in bytes.
    var memoryBytes: Int { get }
}
