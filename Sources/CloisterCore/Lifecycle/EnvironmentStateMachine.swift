/// Decides what one execution environment does next, from sandbox start to end: the agent's word, the Runtime API's
/// calls, process exits and deadlines come in, orders come out. Pure; everything from inside is hostile.
///
///     awaitingAgent ─> initializing ─next─> ready ─deliver─> invoking ─answer─> answered ─next─> ready
///                          ^                                    │ exit, timeout     │
///                          └────── stopped ─── stopping <───────┴───────────────────┘
///     any ─> terminated
public struct EnvironmentStateMachine: Sendable, Equatable {
    enum State: Equatable, Sendable {
        /// The sandbox starts. Next: `initializing`, `terminated`.
        case awaitingAgent
        /// The runtime starts and hasn't asked for an invocation yet. Next: `ready`, `stopping`, `terminated`.
        case initializing
        /// The runtime waits in its call for the next invocation. Next: `invoking`, `stopping`, `terminated`.
        case ready
        /// Next: `answered`, `stopping`, `terminated`.
        case invoking(RequestID, hasResponseBegun: Bool)
        /// Answered, the runtime hasn't asked for the next one yet. Next: `ready`, `stopping`, `terminated`.
        case answered
        /// The agent kills the processes inside. Next: `initializing`, `terminated`.
        case stopping
        case terminated
    }

    /// What the Runtime API answers when a call is out of order; `errorType` and texts as AWS's interface has them.
    public struct ProtocolError: Error, Equatable, Sendable {
        public let status: Int
        public let errorType: String
        public let message: String

        static let invalidRequestID = ProtocolError(
            status: 400, errorType: "InvalidRequestID", message: "Invalid request ID")

        static func transition(from: State, to: String) -> ProtocolError {
            ProtocolError(
                status: 403, errorType: "InvalidStateTransition",
                message: "State transition from \(from.name) to \(to) failed for runtime. "
                    + "Error: State transition is not allowed")
        }
    }

    public enum NextAction: Equatable, Sendable {
        /// First call after the start: initialisation is over.
        case initialised
        /// First call after a restart of the processes.
        case recovered
        /// Back for the next invocation.
        case released
    }

    public enum EndAction: Equatable, Sendable {
        /// Nothing was under way that matters.
        case ignore
        /// The environment never got ready; destroy it and tell whoever waits for it.
        case failInit
        /// Fail the running invocation, then restart the processes (`/tmp` and the owner stay).
        case failInvocation(RequestID)
        /// Restart the processes; no invocation is running.
        case restart
        /// Not worth another try: destroy.
        case destroy
    }

    private(set) var state: State = .awaitingAgent
    private var isRecovering = false

    public init() {}

    /// Whether the runtime process is expected to be alive.
    public var isRunning: Bool {
        switch state {
        case .initializing, .ready, .invoking, .answered: true
        case .awaitingAgent, .stopping, .terminated: false
        }
    }

    public var isInitializing: Bool { state == .initializing }
    public var isTerminated: Bool { state == .terminated }

    /// The request that is running, if any.
    public var currentRequest: RequestID? {
        if case .invoking(let id, _) = state { id } else { nil }
    }

    // MARK: The agent

    /// True: start the runtime now. False: the agent spoke out of turn, destroy the environment.
    public mutating func agentReady() -> Bool {
        guard state == .awaitingAgent else { return false }
        state = .initializing
        return true
    }

    /// The agent has killed everything inside. True: start the runtime again.
    public mutating func agentStopped() -> Bool {
        guard state == .stopping else { return false }
        state = .initializing
        isRecovering = true
        return true
    }

    /// The runtime process ended by itself.
    public mutating func runtimeExited() -> EndAction { processesFailed() }

    /// The runtime hung up its call for the next invocation: nobody would take one, so the processes are started anew.
    public mutating func runtimeHungUp() -> EndAction {
        guard state == .ready else { return .ignore }
        state = .stopping
        return .restart
    }

    /// The invocation's (or the initialisation's) time is over.
    public mutating func timedOut() -> EndAction {
        // The runtime has come back for the next invocation in the very moment when the deadline fired.
        if state == .ready { return .ignore }
        return processesFailed()
    }

    /// The sandbox is gone, with everything in it.
    public mutating func sandboxLost() -> EndAction {
        defer { state = .terminated }
        switch state {
        case .invoking(let id, _): return .failInvocation(id)
        case .awaitingAgent, .initializing: return isRecovering ? .destroy : .failInit
        case .ready, .answered, .stopping: return .destroy
        case .terminated: return .ignore
        }
    }

    public mutating func terminate() { state = .terminated }

    private mutating func processesFailed() -> EndAction {
        switch state {
        case .awaitingAgent, .initializing:
            state = .terminated
            return isRecovering ? .destroy : .failInit
        case .ready, .answered:
            state = .stopping
            return .restart
        case .invoking(let id, _):
            state = .stopping
            return .failInvocation(id)
        case .stopping, .terminated:
            return .ignore
        }
    }

    // MARK: The Runtime API

    /// `GET /runtime/invocation/next`.
    public mutating func next() throws(ProtocolError) -> NextAction {
        switch state {
        case .initializing:
            state = .ready
            if isRecovering {
                isRecovering = false
                return .recovered
            }
            return .initialised
        case .answered:
            state = .ready
            return .released
        case .awaitingAgent, .ready, .invoking, .stopping, .terminated:
            throw .transition(from: state, to: "Ready")
        }
    }

    /// The platform hands over an invocation. Only when `next` has been called; false otherwise.
    public mutating func deliver(_ id: RequestID) -> Bool {
        guard state == .ready else { return false }
        state = .invoking(id, hasResponseBegun: false)
        return true
    }

    /// The head of `POST /runtime/invocation/{id}/response`.
    public mutating func responseBegan(_ id: RequestID) throws(ProtocolError) {
        switch state {
        case .invoking(let current, let hasBegun):
            guard id == current else { throw .invalidRequestID }
            guard !hasBegun else { throw .transition(from: state, to: "InvocationResponse") }
            state = .invoking(current, hasResponseBegun: true)
        case .awaitingAgent, .initializing, .ready, .answered, .stopping, .terminated:
            throw .transition(from: state, to: "InvocationResponse")
        }
    }

    /// The end of a response that had begun. False: it no longer matters (the invocation has timed out meanwhile).
    public mutating func responseEnded(_ id: RequestID) -> Bool {
        guard case .invoking(let current, true) = state, current == id else { return false }
        state = .answered
        return true
    }

    /// `POST /runtime/invocation/{id}/error`, read in full.
    public mutating func errorReported(_ id: RequestID) throws(ProtocolError) {
        switch state {
        case .invoking(let current, let hasBegun):
            guard id == current else { throw .invalidRequestID }
            guard !hasBegun else { throw .transition(from: state, to: "InvocationErrorResponse") }
            state = .answered
        case .awaitingAgent, .initializing, .ready, .answered, .stopping, .terminated:
            throw .transition(from: state, to: "InvocationErrorResponse")
        }
    }

    /// `POST /runtime/init/error`. The environment fails to start; the runtime will exit.
    public mutating func initErrorReported() throws(ProtocolError) -> EndAction {
        guard state == .initializing else { throw .transition(from: state, to: "InitError") }
        state = .terminated
        return isRecovering ? .destroy : .failInit
    }
}

extension EnvironmentStateMachine.State {
    /// The state's name in the Runtime API's error texts.
    var name: String {
        switch self {
        case .awaitingAgent: "Starting"
        case .initializing: "Started"
        case .ready: "Ready"
        case .invoking(_, false): "Running"
        case .invoking(_, true): "InvocationResponse"
        case .answered: "ResponseSent"
        case .stopping: "Stopping"
        case .terminated: "Exited"
        }
    }
}
