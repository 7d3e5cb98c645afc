import CloisterCore
import CloisterWire
import NIOCore

/// The error objects that the platform itself answers with (HTTP 200, `X-Amz-Function-Error: Unhandled`).
enum FunctionErrors {
    static func timeout(_ id: RequestID, seconds: Int) -> ByteBuffer {
        object("Sandbox.Timedout", "RequestId: \(id) Error: Task timed out after \(seconds).00 seconds")
    }

    /// `waitStatus` as `waitpid` gives it.
    static func exited(_ id: RequestID, waitStatus: Int32, isOutOfMemory: Bool) -> ByteBuffer {
        if isOutOfMemory { return outOfMemory(id) }
        return object("Runtime.ExitError", "RequestId: \(id) Error: \(exitText(waitStatus))")
    }

    static func outOfMemory(_ id: RequestID) -> ByteBuffer {
        object("Runtime.OutOfMemory", "RequestId: \(id) Error: Runtime exited with error: signal: killed")
    }

    static func invalidEntrypoint(_ id: RequestID) -> ByteBuffer {
        object(
            "Runtime.InvalidEntrypoint",
            "RequestId: \(id) Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")
    }

    static func truncated(_ id: RequestID) -> ByteBuffer {
        object("Runtime.TruncatedResponse", "RequestId: \(id) Error: The runtime's response broke off")
    }

    static func responseTooLarge() -> ByteBuffer {
        object(
            "Function.ResponseSizeTooLarge",
            "Response payload size exceeded maximum allowed payload size (\(PayloadLimits.responseMax) bytes).")
    }

    static func object(_ type: String, _ message: String) -> ByteBuffer {
        ByteBuffer(
            string: "{\"errorType\":\(JSONMembers.quoted(type)),\"errorMessage\":\(JSONMembers.quoted(message))}")
    }

    static func exitText(_ waitStatus: Int32) -> String {
        let signal = waitStatus & 0x7f
        if signal == 9 { return "Runtime exited with error: signal: killed" }
        if signal != 0 { return "Runtime exited with error: signal: \(signalName(signal))" }
        let status = (waitStatus >> 8) & 0xff
        return status == 0
            ? "Runtime exited without providing a reason" : "Runtime exited with error: exit status \(status)"
    }

    private static func signalName(_ signal: Int32) -> String {
        switch signal {
        case 4: "illegal instruction"
        case 6: "aborted"
        case 7: "bus error"
        case 8: "floating point exception"
        case 11: "segmentation fault"
        case 15: "terminated"
        case 31: "bad system call"
        default: String(signal)
        }
    }
}
