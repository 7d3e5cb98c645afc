public import Foundation
import Glibc

/// Key bytes in memory of their own: locked (never swapped out), left out of core dumps, and wiped when they end.
///
/// Not copyable, so that there is exactly one place to wipe.
public struct SecretBytes: ~Copyable, @unchecked Sendable {
    /// Nothing else knows the address, and nothing writes to it after the initialiser: hence Sendable.
    private let base: UnsafeMutableRawPointer
    public let count: Int

    /// Maps whole pages for `count` bytes and lets `fill` write them. Throws `LockedMemoryError` when the process may
    /// lock no more memory (RLIMIT_MEMLOCK).
    public init<Failure: Error>(
        count: Int, fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
    ) throws {
        let address = try SecretBytes.map(count)
        do {
            try fill(UnsafeMutableRawBufferPointer(start: address, count: count))
        } catch {
            munmap(address, max(count, 1))
            throw error
        }
        base = address
        self.count = count
    }

    /// Takes over `bytes` and wipes them where they were.
    public init(wiping bytes: inout Data) throws {
        let address = try SecretBytes.map(bytes.count)
        base = address
        count = bytes.count
        bytes.withUnsafeMutableBytes { source in
            UnsafeMutableRawBufferPointer(start: address, count: source.count).copyMemory(from: UnsafeRawBufferPointer(source))
            if let start = source.baseAddress { explicit_bzero(start, source.count) }
        }
    }

    /// The bytes must not outlive `body`.
    public borrowing func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    deinit {
        explicit_bzero(base, count)
        munmap(base, max(count, 1))  // munmap unlocks, and rounds up to whole pages
    }

    private static func map(_ count: Int) throws(LockedMemoryError) -> UnsafeMutableRawPointer {
        let size = max(count, 1)
        let address = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let address, address != MAP_FAILED else { throw LockedMemoryError(errno) }
        guard mlock(address, size) == 0 else {
            let error = LockedMemoryError(errno)
            munmap(address, size)
            throw error
        }
        // Best effort: a kernel that doesn't know the advice only dumps more.
        _ = madvise(address, size, Int32(MADV_DONTDUMP))
        return address
    }
}

/// The system gives no locked memory; the text is for the operator.
public struct LockedMemoryError: Error, Sendable, CustomStringConvertible {
    public let description: String

    init(_ code: Int32) {
        description = "no locked memory for keys (\(String(cString: strerror(code)))): raise RLIMIT_MEMLOCK"
    }
}
