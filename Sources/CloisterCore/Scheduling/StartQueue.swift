import HeapModule

/// Requests for new environments, in the order of weighted fair queueing: a tenant that asks for many gets its next
/// one only after the others that wait have had theirs.
struct StartQueue {
    /// Who shares the start slots: tenants, and functions without tenants.
    enum Claimant: Hashable {
        case tenant(TenantID)
        /// By its slot in the ledger.
        case function(Int)
    }

    struct Request {
        let pool: PoolNumber
        /// The number of the owner's queue.
        let queue: Int
    }

    private struct Entry: Comparable {
        let tag: Double
        /// Breaks ties by arrival.
        let order: Int
        let request: Request

        static func < (lhs: Entry, rhs: Entry) -> Bool { (lhs.tag, lhs.order) < (rhs.tag, rhs.order) }
        static func == (lhs: Entry, rhs: Entry) -> Bool { lhs.order == rhs.order }
    }

    private var heap = Heap<Entry>()
    private var lastTag: [Claimant: Double] = [:]
    private var virtualTime = 0.0
    private var order = 0

    var isEmpty: Bool { heap.isEmpty }
    var count: Int { heap.count }
    /// Claimants whose last request still matters for the order.
    var claimantCount: Int { lastTag.count }
    var next: Request? { heap.min?.request }

    /// `weight` above 0; a claimant of weight 2 gets twice the share of one of weight 1.
    mutating func push(_ request: Request, claimant: Claimant, weight: Double = 1) {
        let tag = max(virtualTime, lastTag[claimant] ?? 0) + 1 / weight
        lastTag[claimant] = tag
        order += 1
        heap.insert(Entry(tag: tag, order: order, request: request))
    }

    mutating func pop() -> Request? {
        guard let entry = heap.popMin() else { return nil }
        virtualTime = entry.tag
        if heap.isEmpty {
            lastTag.removeAll(keepingCapacity: true)
            virtualTime = 0
        } else if lastTag.count > 2 * heap.count + 64 {
            lastTag = lastTag.filter { $0.value > virtualTime }
        }
        return entry.request
    }
}
