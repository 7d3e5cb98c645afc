import Glibc

/// Random bytes from the kernel, fetched by the page: a system call for every id would show on the invoke path.
/// Loop-confined.
struct Randomness {
    private static let wordsPerFetch = 512

    private let source = open("/dev/urandom", O_RDONLY | O_CLOEXEC)
    private var words: [UInt64] = []

    mutating func next() -> UInt64 {
        if words.isEmpty { fetch() }
        return words.removeLast()
    }

    /// Uniform in 0..<1.
    mutating func nextUnit() -> Double { Double(next() >> 11) * 0x1p-53 }

    private mutating func fetch() {
        let wanted = Randomness.wordsPerFetch * 8
        words = [UInt64](unsafeUninitializedCapacity: Randomness.wordsPerFetch) { buffer, count in
            // A read may be short or fail; whatever came is used, and without any the library is asked.
            let got = read(source, buffer.baseAddress, wanted)
            count = max(0, got) / 8
        }
        if words.isEmpty { words = (0..<Randomness.wordsPerFetch).map { _ in UInt64.random(in: 0 ... .max) } }
    }
}
