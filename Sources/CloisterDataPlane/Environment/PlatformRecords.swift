import CloisterCore
import CloisterWire

/// The records that the platform writes into a function's log, as text lines or JSON (`LoggingConfig`).
struct PlatformRecords {
    let function: FunctionSnapshot

    private var isJSON: Bool { function.logFormat == .json }
    /// Whether records at INFO are left out; AWS has system levels for JSON only.
    private var isQuiet: Bool { isJSON && function.systemLogLevel == "WARN" }

    /// At INFO.
    func start(_ invocation: Invocation) -> String? {
        if isQuiet { return nil }
        guard isJSON else { return "START RequestId: \(invocation.requestID) Version: \(function.key.version)" }
        return record(
            "platform.start",
            "\"requestId\":\"\(invocation.requestID)\",\"version\":\"\(function.key.version)\"\(tenantMember(invocation.tenant))"
                + ",\"functionArn\":\(JSONMembers.quoted(invocation.invokedARN))")
    }

    /// Text only: JSON's `platform.runtimeDone` is at DEBUG on AWS, `platform.report` says the same.
    func end(_ invocation: Invocation) -> String? {
        isJSON ? nil : "END RequestId: \(invocation.requestID)"
    }

    struct Report {
        /// From the hand-over to the runtime until its answer.
        var duration: TimeSpan
        var initDuration: TimeSpan?
        var memoryPeakMiB: Int
        /// Nil for success; else `timeout` or `error`.
        var failure: String?
        var errorType: String?
    }

    /// At INFO after success, at WARN after a failure.
    func report(_ invocation: Invocation, _ report: Report) -> String? {
        if isQuiet, report.failure == nil { return nil }
        let billed = (report.duration.nanoseconds + 999_999) / 1_000_000
        return isJSON
            ? jsonReport(invocation, report, billed: billed) : textReport(invocation, report, billed: billed)
    }

    private func textReport(_ invocation: Invocation, _ report: Report, billed: Int64) -> String {
        var line =
            "REPORT RequestId: \(invocation.requestID)\tDuration: \(milliseconds(report.duration)) ms\t"
            + "Billed Duration: \(billed) ms\tMemory Size: \(function.memoryMiB) MB\tMax Memory Used: \(report.memoryPeakMiB) MB\t"
        if let initDuration = report.initDuration { line += "Init Duration: \(milliseconds(initDuration)) ms\t" }
        if let tenant = invocation.tenant { line += "Tenant Id: \(tenant)\t" }
        if let failure = report.failure { line += "Status: \(failure)\t" }
        if let errorType = report.errorType { line += "Error Type: \(errorType)\t" }
        return line
    }

    private func jsonReport(_ invocation: Invocation, _ report: Report, billed: Int64) -> String {
        var metrics =
            "\"durationMs\":\(milliseconds(report.duration)),\"billedDurationMs\":\(billed),"
            + "\"memorySizeMB\":\(function.memoryMiB),\"maxMemoryUsedMB\":\(report.memoryPeakMiB)"
        if let initDuration = report.initDuration { metrics += ",\"initDurationMs\":\(milliseconds(initDuration))" }
        let status = report.failure ?? "success"
        let errorType = report.errorType.map { ",\"errorType\":\(JSONMembers.quoted($0))" } ?? ""
        return record(
            "platform.report",
            "\"requestId\":\"\(invocation.requestID)\"\(tenantMember(invocation.tenant)),\"status\":\"\(status)\"\(errorType)"
                + ",\"metrics\":{\(metrics)}")
    }

    /// What a failed initialisation leaves in the log, since no invocation may follow.
    func initReport(duration: TimeSpan, failure: String, errorType: String?) -> String {
        if isJSON {
            let type = errorType.map { ",\"errorType\":\(JSONMembers.quoted($0))" } ?? ""
            return record(
                "platform.initReport",
                "\"initializationType\":\"on-demand\",\"phase\":\"init\",\"status\":\"\(failure)\"\(type)"
                    + ",\"metrics\":{\"durationMs\":\(milliseconds(duration))}")
        }
        let type = errorType.map { "\tError Type: \($0)" } ?? ""
        return "INIT_REPORT Init Duration: \(milliseconds(duration)) ms\tPhase: init\tStatus: \(failure)\(type)"
    }

    private func record(_ type: String, _ members: String) -> String {
        "{\"time\":\"\(WallTime.iso8601(milliseconds: Clock.wallMilliseconds()))\",\"type\":\"\(type)\",\"record\":{\(members)}}"
    }

    private func tenantMember(_ tenant: TenantID?) -> String {
        tenant.map { ",\"tenantId\":\(JSONMembers.quoted($0.rawValue))" } ?? ""
    }

    /// With two digits after the point, as AWS prints it.
    private func milliseconds(_ span: TimeSpan) -> String {
        let hundredths = (span.nanoseconds + 5_000) / 10_000
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
    }
}

/// Dates as logs and streams' names have them.
enum WallTime {
    /// `2026-11-24T11:07:55.803Z`.
    static func iso8601(milliseconds: Int64) -> String {
        let basic = Array(SigV4Date.text(epochSeconds: milliseconds / 1_000).utf8)
        func part(_ range: Range<Int>) -> String { String(decoding: basic[range], as: UTF8.self) }
        let fraction = String(milliseconds % 1_000 + 1_000).dropFirst()
        return "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(9..<11)):\(part(11..<13)):\(part(13..<15)).\(fraction)Z"
    }

    /// `2026/11/24`.
    static func slashedDate(milliseconds: Int64) -> String {
        let day = SigV4Date.text(epochSeconds: milliseconds / 1_000)
        return "\(day.prefix(4))/\(day.dropFirst(4).prefix(2))/\(day.dropFirst(6).prefix(2))"
    }

    /// `Tue, 24 Nov 2026 11:07:55 GMT`, for the `Date` field.
    static func http(epochSeconds: Int64) -> String {
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let basic = SigV4Date.text(epochSeconds: epochSeconds)
        let month = (Int(basic.dropFirst(4).prefix(2)) ?? 1) - 1
        let time = basic.dropFirst(9)
        return "\(days[Int(epochSeconds / 86_400 % 7)]), \(basic.dropFirst(6).prefix(2)) \(months[month]) \(basic.prefix(4)) "
            + "\(time.prefix(2)):\(time.dropFirst(2).prefix(2)):\(time.dropFirst(4).prefix(2)) GMT"
    }
}
