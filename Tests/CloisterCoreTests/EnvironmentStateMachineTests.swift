import Testing

@testable import CloisterCore

/// Every event in every state.
@Suite struct EnvironmentStateMachineTests {
    typealias Machine = EnvironmentStateMachine
    typealias State = EnvironmentStateMachine.State
    static let a = RequestID("a")
    static let b = RequestID("b")

    enum Start: CaseIterable {
        case awaitingAgent, initializing, recovering, ready, invoking, responding, answered, stopping, terminated
    }

    private func machine(_ start: Start) throws -> Machine {
        var machine = Machine()
        if start == .awaitingAgent { return machine }
        #expect(machine.agentReady() == true)
        if start == .initializing { return machine }
        #expect(try machine.next() == .initialised)
        switch start {
        case .awaitingAgent, .initializing, .ready: break
        case .terminated: machine.terminate()
        case .invoking: #expect(machine.deliver(Self.a) == true)
        case .responding:
            #expect(machine.deliver(Self.a) == true)
            try machine.responseBegan(Self.a)
        case .answered:
            #expect(machine.deliver(Self.a) == true)
            try machine.errorReported(Self.a)
        case .stopping: #expect(machine.runtimeExited() == .restart)
        case .recovering:
            #expect(machine.runtimeExited() == .restart)
            #expect(machine.agentStopped() == true)
        }
        return machine
    }

    /// What the event gives, and the state after it.
    private func expect<Result: Equatable>(
        _ start: Start, _ result: Result, _ after: State, _ event: (inout Machine) throws -> Result,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var machine = try machine(start)
        #expect(try event(&machine) == result, "\(start)", sourceLocation: sourceLocation)
        #expect(machine.state == after, "\(start)", sourceLocation: sourceLocation)
    }

    /// The event is refused with this, and nothing changes.
    private func refused<Result>(
        _ start: Start, _ status: Int, _ type: String, _ message: String, _ event: (inout Machine) throws -> Result,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var machine = try machine(start)
        let before = machine
        do {
            _ = try event(&machine)
            Issue.record("accepted in \(start)", sourceLocation: sourceLocation)
        } catch let error as Machine.ProtocolError {
            #expect(
                error == Machine.ProtocolError(status: status, errorType: type, message: message),
                sourceLocation: sourceLocation)
        }
        #expect(machine == before, sourceLocation: sourceLocation)
    }

    private static let names: [(Start, String)] = [
        (.awaitingAgent, "Starting"), (.initializing, "Started"), (.recovering, "Started"), (.ready, "Ready"),
        (.invoking, "Running"), (.responding, "InvocationResponse"), (.answered, "ResponseSent"),
        (.stopping, "Stopping"), (.terminated, "Exited"),
    ]

    private func transition(_ from: String, _ to: String) -> String {
        "State transition from \(from) to \(to) failed for runtime. Error: State transition is not allowed"
    }

    @Test func agentReady() throws {
        try expect(.awaitingAgent, true, .initializing) { $0.agentReady() }
        for start in Start.allCases where start != .awaitingAgent {
            let state = try machine(start).state
            try expect(start, false, state) { $0.agentReady() }
        }
    }

    @Test func agentStopped() throws {
        try expect(.stopping, true, .initializing) { $0.agentStopped() }
        for start in Start.allCases where start != .stopping {
            let state = try machine(start).state
            try expect(start, false, state) { $0.agentStopped() }
        }
    }

    @Test func runtimeExited() throws {
        try expect(.awaitingAgent, .failInit, .terminated) { $0.runtimeExited() }
        try expect(.initializing, .failInit, .terminated) { $0.runtimeExited() }
        try expect(.recovering, .destroy, .terminated) { $0.runtimeExited() }
        try expect(.ready, .restart, .stopping) { $0.runtimeExited() }
        try expect(.invoking, .failInvocation(Self.a), .stopping) { $0.runtimeExited() }
        try expect(.responding, .failInvocation(Self.a), .stopping) { $0.runtimeExited() }
        try expect(.answered, .restart, .stopping) { $0.runtimeExited() }
        try expect(.stopping, .ignore, .stopping) { $0.runtimeExited() }
        try expect(.terminated, .ignore, .terminated) { $0.runtimeExited() }
    }

    @Test func runtimeHungUp() throws {
        try expect(.ready, .restart, .stopping) { $0.runtimeHungUp() }
        for start in Start.allCases where start != .ready {
            try expect(start, .ignore, try machine(start).state) { $0.runtimeHungUp() }
        }
    }

    @Test func timedOut() throws {
        try expect(.awaitingAgent, .failInit, .terminated) { $0.timedOut() }
        try expect(.initializing, .failInit, .terminated) { $0.timedOut() }
        try expect(.recovering, .destroy, .terminated) { $0.timedOut() }
        try expect(.ready, .ignore, .ready) { $0.timedOut() }
        try expect(.invoking, .failInvocation(Self.a), .stopping) { $0.timedOut() }
        try expect(.responding, .failInvocation(Self.a), .stopping) { $0.timedOut() }
        try expect(.answered, .restart, .stopping) { $0.timedOut() }
        try expect(.stopping, .ignore, .stopping) { $0.timedOut() }
        try expect(.terminated, .ignore, .terminated) { $0.timedOut() }
    }

    @Test func sandboxLost() throws {
        try expect(.awaitingAgent, .failInit, .terminated) { $0.sandboxLost() }
        try expect(.initializing, .failInit, .terminated) { $0.sandboxLost() }
        try expect(.recovering, .destroy, .terminated) { $0.sandboxLost() }
        try expect(.invoking, .failInvocation(Self.a), .terminated) { $0.sandboxLost() }
        try expect(.responding, .failInvocation(Self.a), .terminated) { $0.sandboxLost() }
        for start in [Start.ready, .answered, .stopping] {
            try expect(start, .destroy, .terminated) { $0.sandboxLost() }
        }
        try expect(.terminated, .ignore, .terminated) { $0.sandboxLost() }
    }

    @Test func terminate() throws {
        for start in Start.allCases {
            var machine = try machine(start)
            machine.terminate()
            #expect(machine.isTerminated)
            #expect(!machine.isRunning)
            #expect(machine.currentRequest == nil)
        }
    }

    @Test func next() throws {
        try expect(.initializing, .initialised, .ready) { try $0.next() }
        try expect(.recovering, .recovered, .ready) { try $0.next() }
        try expect(.answered, .released, .ready) { try $0.next() }
        for (start, name) in Self.names where ![.initializing, .recovering, .answered].contains(start) {
            try refused(start, 403, "InvalidStateTransition", transition(name, "Ready")) { try $0.next() }
        }
    }

    @Test func deliver() throws {
        try expect(.ready, true, .invoking(Self.b, hasResponseBegun: false)) { $0.deliver(Self.b) }
        for start in Start.allCases where start != .ready {
            let state = try machine(start).state
            try expect(start, false, state) { $0.deliver(Self.b) }
        }
    }

    @Test func responseBegan() throws {
        var running = try machine(.invoking)
        try running.responseBegan(Self.a)
        #expect(running.state == .invoking(Self.a, hasResponseBegun: true))
        for (start, name) in Self.names where start != .invoking {
            try refused(start, 403, "InvalidStateTransition", transition(name, "InvocationResponse")) {
                try $0.responseBegan(Self.a)
            }
        }
    }

    @Test func anotherRequestsID() throws {
        for start in [Start.invoking, .responding] {
            try refused(start, 400, "InvalidRequestID", "Invalid request ID") { try $0.responseBegan(Self.b) }
            try refused(start, 400, "InvalidRequestID", "Invalid request ID") { try $0.errorReported(Self.b) }
        }
    }

    @Test func responseEnded() throws {
        try expect(.responding, true, .answered) { $0.responseEnded(Self.a) }
        for start in Start.allCases {
            let state = try machine(start).state
            try expect(start, false, state) { $0.responseEnded(Self.b) }
            if start != .responding { try expect(start, false, state) { $0.responseEnded(Self.a) } }
        }
    }

    @Test func errorReported() throws {
        var running = try machine(.invoking)
        try running.errorReported(Self.a)
        #expect(running.state == .answered)
        for (start, name) in Self.names where start != .invoking {
            try refused(start, 403, "InvalidStateTransition", transition(name, "InvocationErrorResponse")) {
                try $0.errorReported(Self.a)
            }
        }
    }

    @Test func initErrorReported() throws {
        try expect(.initializing, .failInit, .terminated) { try $0.initErrorReported() }
        try expect(.recovering, .destroy, .terminated) { try $0.initErrorReported() }
        for (start, name) in Self.names where start != .initializing && start != .recovering {
            try refused(start, 403, "InvalidStateTransition", transition(name, "InitError")) {
                try $0.initErrorReported()
            }
        }
    }

    @Test func whatIsRunning() throws {
        let running: Set<Start> = [.initializing, .recovering, .ready, .invoking, .responding, .answered]
        for start in Start.allCases {
            let machine = try machine(start)
            #expect(machine.isRunning == running.contains(start))
            #expect(machine.currentRequest == ([.invoking, .responding].contains(start) ? Self.a : nil))
        }
    }

    @Test func aLateAnswerAfterATimeoutGoesNowhere() throws {
        var machine = try machine(.responding)
        #expect(machine.timedOut() == .failInvocation(Self.a))
        #expect(machine.responseEnded(Self.a) == false)
        #expect(machine.agentStopped() == true)
        #expect(throws: Machine.ProtocolError.self) { try machine.responseBegan(Self.a) }
        #expect(try machine.next() == .recovered)
        #expect(machine.deliver(Self.b) == true)
        #expect(throws: Machine.ProtocolError.self) { try machine.responseBegan(Self.a) }
        try machine.responseBegan(Self.b)
        #expect(machine.responseEnded(Self.b) == true)
        #expect(try machine.next() == .released)
    }
}
