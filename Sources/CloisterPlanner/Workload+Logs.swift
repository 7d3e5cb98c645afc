import Foundation

/// Traces that users have of their own.
extension Workload {
    /// Comma-separated with a head line: `timestamp` (seconds since 1970, or ISO 8601), `tenant`, and optionally
    /// `duration_ms` and `memory_mib`, in any order.
    public static func csv(_ bytes: [UInt8]) throws(WorkloadError) -> Workload {
        var trace = TraceBytes(bytes)
        let header = trace.next()?.map(TraceBytes.text) ?? []
        guard let time = header.firstIndex(of: "timestamp"), let tenant = header.firstIndex(of: "tenant") else {
            throw WorkloadError(line: 1, "the columns timestamp and tenant are missing")
        }
        let (duration, memory) = (header.firstIndex(of: "duration_ms"), header.firstIndex(of: "memory_mib"))
        var collected = Collected()
        while let cells = trace.next() {
            guard cells.count == header.count, let seconds = seconds(TraceBytes.text(cells[time])) else {
                throw WorkloadError(line: trace.line, "no timestamp, or not \(header.count) cells")
            }
            let run = duration.flatMap { Double(TraceBytes.text(cells[$0])) } ?? 100
            let size = memory.flatMap { Double(TraceBytes.text(cells[$0])) } ?? 128
            guard (0...1e9).contains(run), (1...1e6).contains(size) else {
                throw WorkloadError(line: trace.line, "a duration or a memory size is out of range")
            }
            try collected.add(seconds, TraceBytes.text(cells[tenant]), duration: run, memoryMiB: Int(size), line: trace.line)
        }
        return collected.workload(name: "CSV")
    }

    /// What `cloister logs --json` prints: of each record with a `REPORT` line, the tenant and the duration.
    public static func logs(_ bytes: [UInt8]) throws(WorkloadError) -> Workload {
        struct Record: Decodable {
            var timestamp: Double
            var tenantId: String?
            var message: String
        }
        let decoder = JSONDecoder()
        var collected = Collected()
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n")).enumerated() {
            guard let record = try? decoder.decode(Record.self, from: Data(line)) else {
                throw WorkloadError(line: index + 1, "no log record in JSON")
            }
            guard record.message.hasPrefix("REPORT "), let duration = number(after: "\tDuration: ", in: record.message)
            else { continue }
            let memory = number(after: "Max Memory Used: ", in: record.message) ?? 128
            let begin = record.timestamp / 1_000 - duration / 1_000
            try collected.add(
                begin, record.tenantId ?? "", duration: min(duration, 1e9), memoryMiB: Int(min(max(memory, 1), 1e6)),
                line: index + 1)
        }
        return collected.workload(name: "Logs")
    }

    private static func number(after label: String, in text: String) -> Double? {
        guard let range = text.range(of: label) else { return nil }
        return Double(text[range.upperBound...].prefix { $0.isNumber || $0 == "." })
    }

    private static func seconds(_ text: String) -> Double? {
        let value = Double(text) ?? ISO8601DateFormatter().date(from: text)?.timeIntervalSince1970
        return value.flatMap { $0.isFinite && abs($0) < 1e11 ? $0 : nil }
    }

    private struct Collected {
        private var numbers: [String: Int32] = [:]
        private var tenants: [Tenant] = []
        private var calls: [(seconds: Double, tenant: Int32, duration: Float)] = []

        mutating func add(
            _ seconds: Double, _ name: String, duration: Double, memoryMiB: Int, line: Int
        ) throws(WorkloadError) {
            let number = numbers[name] ?? Int32(tenants.count)
            if number == tenants.count {
                guard tenants.count < tenantsMax else { throw WorkloadError(line: line, "too many tenants") }
                numbers[name] = number
                tenants.append(Tenant(name: name, memoryMiB: memoryMiB))
            }
            tenants[Int(number)].memoryMiB = max(tenants[Int(number)].memoryMiB, memoryMiB)
            guard calls.count < callsMax else { throw WorkloadError(line: line, "too many calls") }
            calls.append((seconds, number, Float(duration)))
        }

        func workload(name: String) -> Workload {
            let sorted = calls.sorted { $0.seconds < $1.seconds }
            let (first, last) = (sorted.first?.seconds ?? 0, sorted.last?.seconds ?? 0)
            return Workload(
                name: name, tenants: tenants,
                calls: sorted.map {
                    Call(at: Int64(($0.seconds - first) * 1e9), tenant: $0.tenant, count: 1, duration: $0.duration)
                },
                span: Int64((last - first) * 1e9) + 1_000_000_000)
        }
    }
}
