/// Bytes, in at the back and out at the front. Gives its memory back when it was large and is empty.
struct ByteQueue: Sendable {
    private static let keptBytesMax = 64 * 1024

    private var bytes: [UInt8] = []
    private var start = 0

    var count: Int { bytes.count - start }
    var isEmpty: Bool { count == 0 }

    subscript(offset: Int) -> UInt8 { bytes[start + offset] }

    mutating func append(_ more: UnsafeRawBufferPointer) {
        compact()
        bytes.append(contentsOf: more)
    }

    mutating func removeFirst(_ count: Int) {
        start += min(count, self.count)
        guard start == bytes.count else { return }
        bytes.removeAll(keepingCapacity: bytes.count <= ByteQueue.keptBytesMax)
        start = 0
    }

    mutating func takeFirst(_ count: Int) -> [UInt8] {
        let end = start + min(count, self.count)
        let taken = [UInt8](bytes[start..<end])
        removeFirst(count)
        return taken
    }

    func withBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start...])) }
    }

    /// Moves the rest to the front once what was taken outweighs it, so that bytes are moved once on average.
    private mutating func compact() {
        guard start > 0, start >= count else { return }
        bytes.removeSubrange(0..<start)
        start = 0
    }
}
