import DequeModule
import HeapModule

/// Why an environment is started, and for whom.
enum StartPurpose: Equatable {
    /// An invocation of the owner with this queue waits for it.
    case invocation(queue: Int)
    /// Provisioned concurrency: it will be nobody's yet.
    case provisioned
    /// The owner's reservation: bound to the owner as soon as it is ready.
    case reserved(queue: Int)
    /// The owner's next call is expected: bound to the owner as soon as it is ready.
    case predicted(queue: Int)
    /// Whoever it was for is gone.
    case nobody

    var queue: Int? {
        switch self {
        case .invocation(let queue), .reserved(let queue), .predicted(let queue): queue
        case .provisioned, .nobody: nil
        }
    }
}

/// Requests for new environments, in the order of weighted fair queueing: a tenant that asks for many gets its next
/// one only after the others that wait have had theirs. Who can't have one now is set aside and holds up nobody.
struct StartQueue {
    /// Who shares the start slots: tenants, and functions without tenants.
    enum Claimant: Hashable {
        case tenant(TenantID)
        /// By its slot in the ledger.
        case function(Int)
    }

    struct Request {
        let pool: PoolNumber
        let purpose: StartPurpose
    }

    /// A claimant's requests in order, each with its tag.
    private struct Line {
        var requests = Deque<(tag: Double, order: Int, request: Request)>()
        var lastTag = 0.0
    }

    /// The first request of a claimant's line.
    private struct Head: Comparable {
        let tag: Double
        /// Breaks ties by arrival.
        let order: Int
        let claimant: Claimant

        static func < (lhs: Head, rhs: Head) -> Bool { (lhs.tag, lhs.order) < (rhs.tag, rhs.order) }
        static func == (lhs: Head, rhs: Head) -> Bool { lhs.order == rhs.order }
    }

    private var heads = Heap<Head>()
    private var aside: [Head] = []
    private var lines: [Claimant: Line] = [:]
    private var virtualTime = 0.0
    private var order = 0

    private(set) var count = 0
    var isEmpty: Bool { count == 0 }
    /// Claimants whose last request still matters for the order.
    var claimantCount: Int { lines.count }
    var next: Request? { heads.min.flatMap { lines[$0.claimant]?.requests.first?.request } }

    /// `weight` above 0; a claimant of weight 2 gets twice the share of one of weight 1.
    mutating func push(_ request: Request, claimant: Claimant, weight: Double = 1) {
        let tag = max(virtualTime, lines[claimant]?.lastTag ?? 0) + 1 / weight
        order += 1
        count += 1
        let isFirst = lines[claimant]?.requests.isEmpty ?? true
        lines[claimant, default: Line()].lastTag = tag
        lines[claimant]?.requests.append((tag, order, request))
        if isFirst { heads.insert(Head(tag: tag, order: order, claimant: claimant)) }
    }

    mutating func pop() -> Request? {
        guard let head = heads.popMin(), let first = lines[head.claimant]?.requests.popFirst() else { return nil }
        count -= 1
        virtualTime = max(virtualTime, head.tag)
        if let next = lines[head.claimant]?.requests.first {
            heads.insert(Head(tag: next.tag, order: next.order, claimant: head.claimant))
        }
        if isEmpty {
            lines.removeAll(keepingCapacity: true)
            virtualTime = 0
        } else if lines.count > 2 * count + 64 {
            lines = lines.filter { !$0.value.requests.isEmpty || $0.value.lastTag > virtualTime }
        }
        return first.request
    }

    /// Passes over the next claimant until `restore`.
    mutating func setAside() {
        if let head = heads.popMin() { aside.append(head) }
    }

    mutating func restore() {
        while let head = aside.popLast() { heads.insert(head) }
    }
}
