import Crypto

/// Random bytes from the library's generator, fetched by the page: two calls for every id would show on the invoke path.
/// Loop-confined.
struct Randomness {
    private static let wordsPerFetch = 512

    private var words: [UInt64] = []

    mutating func next() -> UInt64 {
        if words.isEmpty { fetch() }
        return words.removeLast()
    }

    /// Uniform in 0..<1.
    mutating func nextUnit() -> Double { Double(next() >> 11) * 0x1p-53 }

    private mutating func fetch() {
        let fresh = SymmetricKey(size: SymmetricKeySize(bitCount: Randomness.wordsPerFetch * 64))
        words = fresh.withUnsafeBytes { Array($0.bindMemory(to: UInt64.self)) }
    }
}
