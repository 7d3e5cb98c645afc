import CloisterCore
import CloisterServiceKit
import CloisterWire
import NIOCore

/// What destinations and the dead-letter target get about an event that has ended.
struct EventOutcomeRecord {
    /// AWS stops a chain of functions that call each other after about 16 rounds; here a chain of destinations.
    static let chainMax = 16

    let event: QueuedEvent
    let condition: EventInvokeQueue.Condition
    let attempts: Int
    let requestPayload: [UInt8]
    let response: ByteBuffer?
    let isFunctionError: Bool
    let executedVersion: String?
    let account: AccountID

    /// The events to put into the queue, for targets that are functions.
    func followUps(
        settings: EventInvokeConfiguration, deadLetterTarget: String?, nextID: () -> RequestID
    ) -> [QueuedEvent] {
        let destination = condition == .success ? settings.onSuccess : settings.onFailure
        var followUps: [QueuedEvent] = []
        if let destination { followUps += followUp(destination, body, nextID()) }
        if condition != .success, let deadLetterTarget { followUps += followUp(deadLetterTarget, requestPayload, nextID()) }
        return followUps
    }

    private func followUp(_ target: String, _ payload: [UInt8], _ id: RequestID) -> [QueuedEvent] {
        let rounds = Lineage.rounds(event.traceHeader)
        guard let reference = FunctionReference(target), rounds < EventOutcomeRecord.chainMax else { return [] }
        let now = Clock.wallMilliseconds()
        return [
            QueuedEvent(
                id: id, function: FunctionKey(region: reference.region ?? event.function.region, name: reference.name),
                qualifier: reference.qualifier, tenant: event.tenant,
                clientContext: event.tenant.map { ClientContext.text(for: $0) },
                traceHeader: Lineage.counting(event.traceHeader, rounds: rounds + 1), payload: payload,
                acceptedAt: now, notBefore: now)
        ]
    }

    /// AWS's destination record, version 1.0, with the tenant as an extra member.
    private var body: [UInt8] {
        let arn = event.function.arn(account: account) + ":" + (event.qualifier ?? "$LATEST")
        var members = [
            "\"version\":\"1.0\"",
            "\"timestamp\":\"\(WallTime.iso8601(milliseconds: Clock.wallMilliseconds()))\"",
            "\"requestContext\":{\"requestId\":\"\(event.id)\",\"functionArn\":\(JSONMembers.quoted(arn)),"
                + "\"condition\":\"\(condition.rawValue)\",\"approximateInvokeCount\":\(attempts)"
                + (event.tenant.map { ",\"tenantId\":\(JSONMembers.quoted($0.rawValue))" } ?? "") + "}",
            "\"requestPayload\":" + String(decoding: requestPayload.isEmpty ? Array("null".utf8) : requestPayload, as: UTF8.self),
        ]
        if let response {
            let error = isFunctionError ? ",\"functionError\":\"Unhandled\"" : ""
            members.append(
                "\"responseContext\":{\"statusCode\":200,\"executedVersion\":\"\(executedVersion ?? "$LATEST")\"\(error)}")
            let isJSON = response.withUnsafeReadableBytes { JSONValidator.isValid($0) }
            members.append("\"responsePayload\":" + (isJSON ? String(buffer: response) : JSONMembers.quoted(String(buffer: response))))
        }
        return Array("{\(members.joined(separator: ","))}".utf8)
    }
}

/// The count of rounds in a trace header's `Lineage`, which travels along a chain of destinations.
enum Lineage {
    static func rounds(_ header: String?) -> Int {
        guard let part = header?.split(separator: ";").first(where: { $0.hasPrefix("Lineage=") }),
            let last = part.split(separator: ":").last
        else { return 0 }
        return max(0, Int(last) ?? 0)
    }

    static func counting(_ header: String?, rounds: Int) -> String {
        let kept = (header ?? "").split(separator: ";").filter { !$0.hasPrefix("Lineage=") }
        return (kept + ["Lineage=1:00000000:\(rounds)"]).joined(separator: ";")
    }
}
