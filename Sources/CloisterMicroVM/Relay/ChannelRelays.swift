import CCloisterLinux
import CloisterIsolation
import CloisterOCI
import Foundation
import Glibc
import Synchronization

/// Relays between all machines' channels and the descriptors that the platform has of them, on one thread, which ends with
/// this object.
final class ChannelRelays: Sendable {
    private let inbox: RelayInbox

    init() throws(IsolationError) {
        let inbox = try RelayInbox()
        let loop = try RelayLoop(inbox: inbox)
        self.inbox = inbox
        let thread = Thread { loop.run() }
        thread.name = "cloister-relay"
        thread.stackSize = 512 * 1024
        thread.start()
    }

    deinit { inbox.give(.end) }

    /// Takes over a machine's descriptors. Returns its number.
    func add(_ machine: consuming RelayedMachine) -> RelayInbox.Number { inbox.add(machine) }

    /// Tells the guest what time it is.
    func tellMoment(_ number: RelayInbox.Number) { inbox.give(.tellMoment(number)) }

    /// Closes a machine's descriptors; when this returns, they are closed.
    func remove(_ number: RelayInbox.Number) {
        let done = DispatchSemaphore(value: 0)
        inbox.give(.remove(number, done))
        done.wait()
    }

    /// The machine's multiplexer and what its connections have asked since they were last answered, once the guest has
    /// said all that it had to say; nil if it doesn't within the time, or is lost.
    func quiesce(_ number: RelayInbox.Number, milliseconds: Int) -> QuiescentChannel? {
        let answer = QuiesceAnswer()
        inbox.give(.quiesce(number, answer))
        return answer.wait(milliseconds: milliseconds)
    }
}

/// A machine's channel at the moment of a snapshot.
struct QuiescentChannel: Sendable {
    var multiplexer: StreamMultiplexer
    /// By stream: what an open connection has sent since it last received something, to be said again after a restore.
    var requests: [Int: [UInt8]]
}

/// Carries the answer from the relay's thread.
final class QuiesceAnswer: Sendable {
    private let value = Mutex<QuiescentChannel?>(nil)
    private let done = DispatchSemaphore(value: 0)

    func give(_ channel: QuiescentChannel?) {
        value.withLock { $0 = channel }
        done.signal()
    }

    func wait(milliseconds: Int) -> QuiescentChannel? {
        guard done.wait(timeout: .now() + .milliseconds(milliseconds)) == .success else { return nil }
        return value.withLock { $0 }
    }
}

/// Orders for the relay's thread, and the descriptor that wakes it.
final class RelayInbox: Sendable {
    /// A machine's number on this relay; never used twice.
    typealias Number = UInt32

    /// The machine in it is handed over whole: nobody else has it afterwards.
    enum Order: @unchecked Sendable {
        case add(Number, RelayedMachine)
        case tellMoment(Number)
        case quiesce(Number, QuiesceAnswer)
        case remove(Number, DispatchSemaphore)
        case end
    }

    private struct State {
        var orders: [Order] = []
        var next: Number = 1
    }

    private let state = Mutex(State())
    let wake: Int32

    init() throws(IsolationError) {
        var made: Int32 = -1
        try MachineEnds.check(cloister_wake_make(&made), "relay")
        wake = made
    }

    deinit { close(wake) }

    func add(_ machine: consuming RelayedMachine) -> Number {
        let order = machine
        let number = state.withLock { state in
            defer { state.next += 1 }
            return state.next
        }
        give(.add(number, order))
        return number
    }

    func give(_ order: Order) {
        state.withLock { $0.orders.append(order) }
        cloister_wake_give(wake)
    }

    func take() -> [Order] {
        cloister_wake_take(wake)
        return state.withLock { state in
            defer { state.orders = [] }
            return state.orders
        }
    }
}
