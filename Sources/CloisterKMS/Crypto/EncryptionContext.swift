/// An encryption context's one encoding, which is authenticated with every ciphertext.
enum EncryptionContext {
    /// Pairs in bytewise order of their keys, every text with its length before it: no two contexts give the same bytes.
    static func encoded(_ context: [String: String]) -> [UInt8] {
        var bytes = length(context.count)
        // By bytes, not by Swift's comparison, which takes canonically equivalent texts for equal.
        let pairs = context.map { (key: Array($0.key.utf8), value: Array($0.value.utf8)) }
        for pair in pairs.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            bytes += length(pair.key.count) + pair.key + length(pair.value.count) + pair.value
        }
        return bytes
    }

    private static func length(_ count: Int) -> [UInt8] {
        let value = UInt32(truncatingIfNeeded: count)
        return [UInt8(value >> 24), UInt8(value >> 16 & 0xff), UInt8(value >> 8 & 0xff), UInt8(value & 0xff)]
    }
}
