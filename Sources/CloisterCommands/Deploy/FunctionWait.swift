import CloisterTemplates
import Foundation
import Glibc

/// Waits until a function is usable after a change, as the SDKs' waiters do, only sooner.
struct FunctionWait {
    static let secondsMax = 900.0

    let lambda: LambdaClient
    /// Called with the server's reason when it changes.
    let onWaiting: (String) -> Void

    /// `answer` is what the change returned. Throws when the function ends up `Failed`.
    func untilReady(_ name: String, after answer: JSONValue) throws {
        var answer = answer
        var shown = ""
        var pauseMicroseconds: UInt32 = 5_000
        let deadline = Date().addingTimeInterval(FunctionWait.secondsMax)
        while true {
            if try isReady(answer, name: name) { return }
            guard Date() < deadline else {
                throw CommandFailure("function \(name) isn't ready after \(Int(FunctionWait.secondsMax)) seconds")
            }
            let reason = answer["StateReason"]?.string ?? answer["LastUpdateStatusReason"]?.string ?? ""
            if reason != shown {
                shown = reason
                onWaiting(Terminal.harmless(reason))
            }
            usleep(pauseMicroseconds)
            pauseMicroseconds = min(pauseMicroseconds * 2, 250_000)
            guard let next = try lambda.configuration(name) else {
                throw CommandFailure("function \(name) disappeared while it was made")
            }
            answer = next
        }
    }

    private func isReady(_ answer: JSONValue, name: String) throws -> Bool {
        let state = answer["State"]?.string ?? "Active"
        let update = answer["LastUpdateStatus"]?.string ?? "Successful"
        if state == "Failed" || update == "Failed" {
            let reason = answer["StateReason"]?.string ?? answer["LastUpdateStatusReason"]?.string ?? "no reason given"
            throw CommandFailure("function \(name) can't be used: \(Terminal.harmless(reason))")
        }
        return (state == "Active" || state == "Inactive") && update == "Successful"
    }
}
