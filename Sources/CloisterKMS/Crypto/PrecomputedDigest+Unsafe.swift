import Crypto

/// Turns digests that callers computed themselves into swift-crypto's digest types, which have no initialiser of their
/// own but are the only way to sign a digest with RSA.
enum PrecomputedDigest {
    /// Nil unless `bytes` has the digest's length.
    ///
    /// Safe because swift-crypto's digests are plain values of exactly the digest's bytes, and it is checked that this
    /// type is as long as that; a change there shows in the tests, which compare with signatures over messages.
    static func of<D: Digest>(_ type: D.Type, _ bytes: [UInt8]) -> D? {
        guard bytes.count == D.byteCount, MemoryLayout<D>.size == D.byteCount, _isPOD(D.self) else { return nil }
        return withUnsafeTemporaryAllocation(of: D.self, capacity: 1) { buffer in
            UnsafeMutableRawBufferPointer(buffer).copyBytes(from: bytes)
            return buffer[0]
        }
    }
}
