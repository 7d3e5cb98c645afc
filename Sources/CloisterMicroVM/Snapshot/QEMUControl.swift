import CCloisterLinux
import CloisterIsolation
import CloisterOCI
import Foundation
import Glibc

/// QEMU's control protocol (QMP) on one socket: a command, its answer, events in between. Blocks, with a time limit.
struct QEMUControl {
    private static let answerBytesMax = 1 << 20
    private static let timeoutMilliseconds: Int64 = 10_000

    let socket: Int32

    /// To be said once on each socket, first.
    func greet() throws(IsolationError) { try execute("qmp_capabilities") }

    @discardableResult
    func execute(
        _ command: String, _ arguments: [String: Any] = [:], descriptor: Int32 = -1
    ) throws(IsolationError) -> [String: Any] {
        var message: [String: Any] = ["execute": command]
        if !arguments.isEmpty { message["arguments"] = arguments }
        guard let bytes = try? JSONSerialization.data(withJSONObject: message) else {
            throw IsolationError(.startFailed, "unfit control message")
        }
        let error = cloister_send_descriptor(socket, Array(bytes), bytes.count, descriptor)
        guard error == 0 else { throw IsolationError(.startFailed, "control socket: \(errorText(error))") }
        let deadline = milliseconds() + QEMUControl.timeoutMilliseconds
        while true {
            let answer = try line(deadline: deadline)
            if let value = answer["return"] { return value as? [String: Any] ?? [:] }
            if let failure = answer["error"] as? [String: Any] {
                throw IsolationError(.startFailed, "\(command): \(failure["desc"] as? String ?? "refused")")
            }
        }
    }

    /// Byte by byte: what follows the line is another call's.
    private func line(deadline: Int64) throws(IsolationError) -> [String: Any] {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while bytes.count < QEMUControl.answerBytesMax {
            let count = read(socket, &byte, 1)
            if count == 1 {
                guard byte == UInt8(ascii: "\n") else { bytes.append(byte); continue }
                return (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any] ?? [:]
            }
            guard count < 0, errno == EAGAIN || errno == EINTR else {
                throw IsolationError(.startFailed, "QEMU hung up its control socket")
            }
            var watched = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            guard poll(&watched, 1, Int32(clamping: deadline - milliseconds())) > 0 else {
                throw IsolationError(.startFailed, "no answer on QEMU's control socket")
            }
        }
        throw IsolationError(.startFailed, "QEMU's answer is too long")
    }

    /// Waits until a migration, which is how QEMU writes and reads a machine's state, is over.
    func awaitMigration() throws(IsolationError) {
        let deadline = milliseconds() + QEMUControl.timeoutMilliseconds
        while milliseconds() < deadline {
            switch try execute("query-migrate")["status"] as? String {
            case "completed": return
            case "failed", "cancelled": throw IsolationError(.startFailed, "QEMU could not move the machine's state")
            default: usleep(1000)
            }
        }
        throw IsolationError(.startFailed, "QEMU did not move the machine's state in time")
    }
}
