import CloisterCore
import CloisterServiceKit
import Glibc
import NIOCore

/// What comes out of one environment's standard output and error, made into log records. Everything here is hostile:
/// lines are bounded, bytes that aren't UTF-8 are replaced. Loop-confined.
///
/// The pipe is read when an invocation ends, so that its log is complete before its end, and every
/// `DataPlane.outputInterval` while the environment isn't frozen: it is not in the event loop's poll set, since what is
/// read at an end must not be announced as readable afterwards. Whoever prints more than is read waits.
final class EnvironmentOutput {
    /// CloudWatch's bound on one event.
    static let lineBytesMax = 262_144
    /// Read from the pipe in one go, at an end and in between. Bounded, since everybody else waits meanwhile.
    static let drainBytesMax = 256 << 10
    static let intervalBytesMax = 32 << 10
    /// Records of the platform's that may wait for the next ones: handing over costs more than a record.
    static let heldRecordsMax = 16
    private static let pipeBytes: Int32 = 1 << 20
    /// Linux's `F_SETPIPE_SZ`, which the C library hides.
    private static let setPipeSize: Int32 = 1031

    private let sink: any LogSink
    private let region: String
    private let group: String
    let stream: String
    /// The pipe's read end, non-blocking; owned.
    private let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: 16_384)
    private var partial: [UInt8] = []
    private var held: [LogRecord] = []
    private var tail: [UInt8]?
    private(set) var tenant: TenantID?
    private(set) var requestID: RequestID?
    private var isClosed = false

    init(sink: any LogSink, function: FunctionSnapshot, stream: String, descriptor: Int32) {
        self.sink = sink
        self.region = function.key.function.region
        self.group = function.logGroup
        self.stream = stream
        self.descriptor = descriptor
        // Room for what comes between two reads; where the host allows less, the function waits a little more often.
        _ = fcntl(descriptor, EnvironmentOutput.setPipeSize, EnvironmentOutput.pipeBytes)
    }

    /// Records from here on belong to this invocation, until the next one begins: what a function writes between
    /// invocations is still of the tenant that the environment is bound to.
    func begin(_ invocation: Invocation) {
        tenant = invocation.tenant
        requestID = invocation.requestID
        tail = invocation.wantsLogTail ? [] : nil
    }

    /// The last 4 KB of the invocation's log.
    func takeTail() -> [UInt8]? {
        defer { tail = nil }
        return tail
    }

    /// One record of the platform's own. It goes on with whatever is recorded next, or when the output is next read.
    func write(_ message: String) {
        let record = record(message, at: Clock.wallMilliseconds())
        if tail != nil { keepTail(record.message) }
        held.append(record)
        if held.count >= EnvironmentOutput.heldRecordsMax { passOn() }
    }

    /// Hands over the records that wait for company.
    func passOn() {
        guard !held.isEmpty else { return }
        sink.append(held, region: region, group: group, stream: stream)
        held.removeAll(keepingCapacity: true)
    }

    func received(_ bytes: some Collection<UInt8>) {
        var records: [LogRecord] = []
        let now = Clock.wallMilliseconds()
        for part in bytes.split(separator: 0x0a, maxSplits: .max, omittingEmptySubsequences: false).enumerated() {
            // A line end stands before every part but the first.
            if part.offset > 0 { finishLine(at: now, into: &records) }
            let room = EnvironmentOutput.lineBytesMax - partial.count
            partial.append(contentsOf: part.element.prefix(room))
            if part.element.count >= room { finishLine(at: now, into: &records) }
        }
        append(records)
    }

    /// Reads what the processes inside have written up to now, so that it stands before the end of the invocation.
    @discardableResult
    func drain(_ bytesMax: Int = EnvironmentOutput.drainBytesMax) -> Int {
        guard !isClosed else { return 0 }
        var total = 0
        while total < bytesMax {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            total += count
            received(buffer[..<count])
        }
        return total
    }

    /// Makes a record of a last line without an end.
    func flush() {
        var records: [LogRecord] = []
        finishLine(at: Clock.wallMilliseconds(), into: &records)
        append(records)
    }

    /// Takes what is left and closes the pipe.
    func close() {
        guard !isClosed else { return }
        drain()
        flush()
        passOn()
        isClosed = true
        Glibc.close(descriptor)
    }

    private func finishLine(at now: Int64, into records: inout [LogRecord]) {
        guard !partial.isEmpty else { return }
        // The runtime client writes several lines as one event with carriage returns between them.
        if partial.last == 0x0d { partial.removeLast() }
        for index in partial.indices where partial[index] == 0x0d { partial[index] = 0x0a }
        records.append(record(String(decoding: partial, as: UTF8.self), at: now))
        partial.removeAll(keepingCapacity: true)
    }

    private func record(_ message: String, at now: Int64) -> LogRecord {
        LogRecord(timestamp: now, message: message, tenant: tenant, requestID: requestID)
    }

    private func append(_ records: [LogRecord]) {
        guard !records.isEmpty else { return }
        if tail != nil {
            for record in records { keepTail(record.message) }
        }
        passOn()
        sink.append(records, region: region, group: group, stream: stream)
    }

    private func keepTail(_ message: String) {
        tail?.append(contentsOf: message.utf8)
        tail?.append(0x0a)
        let excess = (tail?.count ?? 0) - PayloadLimits.logTailMax
        if excess > 0 { tail?.removeFirst(excess) }
    }
}
