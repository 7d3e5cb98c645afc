import CCloisterLinux
import CloisterIsolation
import CloisterOCI
import Dispatch
import Glibc

/// The relay's thread: one poll set for all machines. Each ready descriptor is read or written once a turn, so that no
/// machine keeps the others waiting.
final class RelayLoop: @unchecked Sendable {
    // Confined to its thread after `run` has begun.
    private static let wakeKey: UInt64 = 0

    private let inbox: RelayInbox
    private let set: Int32
    private var machines: [RelayInbox.Number: RelayedMachine] = [:]
    private var isEnded = false

    init(inbox: RelayInbox) throws(IsolationError) {
        self.inbox = inbox
        var made: Int32 = -1
        try MachineEnds.check(cloister_poll_set(&made), "relay")
        set = made
        try MachineEnds.check(cloister_poll_add(set, inbox.wake, RelayLoop.wakeKey, 1, 0), "relay")
    }

    deinit { Glibc.close(set) }

    func run() {
        // A pipe or socket whose reader is gone answers with an error here.
        var pipe = sigset_t()
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &pipe, nil)
        var ready = [cloister_polled](repeating: cloister_polled(), count: Int(CLOISTER_POLLED_MAX))
        while !isEnded {
            let count = cloister_poll_wait(set, &ready, ready.count)
            for polled in ready.prefix(count) { handle(polled) }
        }
        for number in Array(machines.keys) { lose(number) }
    }

    private func handle(_ polled: cloister_polled) {
        guard polled.key != RelayLoop.wakeKey else { return obey() }
        let number = RelayInbox.Number(truncatingIfNeeded: polled.key >> 8)
        let place = Int(polled.key & 0xff)
        change(number) { $0.handle(place: place, isReadable: polled.input != 0, isWritable: polled.output != 0) }
    }

    private func obey() {
        for order in inbox.take() {
            switch order {
            case .add(let number, let machine):
                machines[number] = machine
                change(number) { $0.begin() }
            case .tellMoment(let number):
                change(number) { $0.tellMoment() }
            case .quiesce(let number, let answer):
                guard machines[number] != nil else { answer.give(nil); continue }
                change(number) { $0.quiesce(answer) }
            case .remove(let number, let done):
                lose(number)
                done.signal()
            case .end: isEnded = true
            }
        }
    }

    /// Has the machine do something, then watches what it wants watched now. Lost when `body` says false.
    private func change(_ number: RelayInbox.Number, _ body: (inout RelayedMachine) -> Bool) {
        guard var machine = machines.removeValue(forKey: number) else { return }
        let lives = body(&machine)
        guard lives else { return close(&machine) }
        watch(number, &machine)
        machines[number] = machine
    }

    private func lose(_ number: RelayInbox.Number) {
        guard var machine = machines.removeValue(forKey: number) else { return }
        close(&machine)
    }

    /// Closing a descriptor takes it out of the poll set: nobody else has a copy of it.
    private func close(_ machine: inout RelayedMachine) {
        for registration in machine.registrations.compactMap({ $0 }) {
            cloister_poll_remove(set, registration.descriptor)
        }
        machine.closeAll()
    }

    private func watch(_ number: RelayInbox.Number, _ machine: inout RelayedMachine) {
        for place in machine.registrations.indices {
            let old = machine.registrations[place]
            let new = machine.wanted(place)
            guard old != new || machine.relay.changedEnds.contains(place) else { continue }
            let key = UInt64(number) << 8 | UInt64(place)
            // A closed descriptor has left the set by itself, and its number may be another's already.
            if let old, !machine.relay.changedEnds.contains(place) { cloister_poll_remove(set, old.descriptor) }
            machine.registrations[place] = new.flatMap {
                cloister_poll_add(set, $0.descriptor, key, $0.input ? 1 : 0, $0.output ? 1 : 0) == 0 ? $0 : nil
            }
        }
        machine.relay.forgetChangedEnds()
    }
}
