/// The format of the AzurePublicDataset of 2019 (Shahrad et al., 'Serverless in the Wild', USENIX ATC 2020): calls a
/// minute for one day, run times and memory by function.
extension Workload {
    /// Each function is one tenant. `isSpread`: the calls of a minute come at even distances and run for as long as the
    /// function's average; otherwise the minute is the finest time there is, and one environment serves all its calls.
    public static func azure(
        invocations: [UInt8], durations: [UInt8]?, memory: [UInt8]?, isSpread: Bool = false
    ) throws(WorkloadError) -> Workload {
        let average = try column("Average", key: "HashFunction", of: durations)
        let allocated = try column("AverageAllocatedMb", key: "HashApp", of: memory)
        var trace = TraceBytes(invocations)
        guard let header = trace.next()?.map(TraceBytes.text), let function = header.firstIndex(of: "HashFunction"),
            let app = header.firstIndex(of: "HashApp"), let first = header.firstIndex(of: "1") ?? header.firstIndex(of: "minute_1")
        else { throw WorkloadError(line: 1, "the columns HashFunction, HashApp and minute 1 are missing") }
        var workload = Workload(name: "Azure Functions 2019", tenants: [], calls: [], span: 0)
        workload.isByMinute = !isSpread
        while let cells = trace.next() {
            guard cells.count > first, cells.count <= header.count else {
                throw WorkloadError(line: trace.line, "\(cells.count) cells, not \(header.count)")
            }
            let names = (TraceBytes.text(cells[function]), TraceBytes.text(cells[app]))
            let tenant = Int32(workload.tenants.count)
            guard workload.tenants.count < tenantsMax else { throw WorkloadError(line: trace.line, "too many functions") }
            workload.tenants.append(
                Tenant(name: names.0, memoryMiB: max(1, Int(min(allocated[names.1] ?? 128, 1e6)))))
            let duration = Float(min(average[names.0] ?? 100, 1e9))
            for (minute, cell) in cells[first...].enumerated() {
                guard let count = TraceBytes.count(cell) else {
                    throw WorkloadError(line: trace.line, "minute \(minute + 1) is no number of calls")
                }
                guard count > 0 else { continue }
                workload.add(count, minute, tenant, duration, isSpread: isSpread)
            }
            guard workload.calls.count <= callsMax else { throw WorkloadError(line: trace.line, "too many calls") }
        }
        workload.span = Int64(header.count - first) * 60_000_000_000
        workload.calls.sort { $0.at < $1.at }
        return workload
    }

    private mutating func add(_ count: Int, _ minute: Int, _ tenant: Int32, _ duration: Float, isSpread: Bool) {
        let begin = Int64(minute) * 60_000_000_000
        guard isSpread else {
            calls.append(Call(at: begin, tenant: tenant, count: Int32(count), duration: duration))
            return
        }
        for index in 0..<count {
            let offset = 60_000_000_000 * Int64(index) / Int64(count)
            calls.append(Call(at: begin + offset, tenant: tenant, count: 1, duration: duration))
        }
    }

    private static func column(
        _ name: String, key: String, of bytes: [UInt8]?
    ) throws(WorkloadError) -> [String: Double] {
        guard let bytes else { return [:] }
        var table = TraceBytes(bytes)
        guard let header = table.next()?.map(TraceBytes.text), let keyIndex = header.firstIndex(of: key),
            let index = header.firstIndex(of: name)
        else { throw WorkloadError(line: 1, "the columns \(key) and \(name) are missing") }
        var values: [String: Double] = [:]
        while let cells = table.next() {
            guard cells.count > max(index, keyIndex), let value = Double(TraceBytes.text(cells[index])), value >= 0 else {
                throw WorkloadError(line: table.line, "\(name) is no number")
            }
            values[TraceBytes.text(cells[keyIndex])] = value
        }
        return values
    }
}
