import CloisterIsolation

/// A bzImage's header, as far as it says where the kernel proper is.
/// Format: the kernel's Documentation/arch/x86/boot.rst.
struct KernelImage {
    enum Compression: String {
        case lz4, xz, zstd, gzip

        /// Debian's package of the program of that name.
        var package: String { self == .xz ? "xz-utils" : rawValue }

        init?(_ payload: ArraySlice<UInt8>) {
            switch Array(payload.prefix(4)) {
            case [0x02, 0x21, 0x4c, 0x18], [0x04, 0x22, 0x4d, 0x18]: self = .lz4
            case [0xfd, 0x37, 0x7a, 0x58]: self = .xz
            case [0x28, 0xb5, 0x2f, 0xfd]: self = .zstd
            case let start where start.starts(with: [0x1f, 0x8b]): self = .gzip
            default: return nil
            }
        }
    }

    let compression: Compression
    /// Without the size that follows it.
    let payload: ArraySlice<UInt8>
    /// Of the decompressed kernel, in bytes.
    let size: Int

    private static let sectorBytes = 512
    private static let sectorsPlace = 0x1f1
    private static let magicPlace = 0x202
    private static let magic = Array("HdrS".utf8)
    private static let payloadPlace = 0x248

    init(_ image: [UInt8]) throws(IsolationError) {
        func number(_ place: Int) -> Int {
            Int(image[place]) | Int(image[place + 1]) << 8 | Int(image[place + 2]) << 16 | Int(image[place + 3]) << 24
        }
        guard image.count > KernelImage.payloadPlace + 8,
            Array(image[KernelImage.magicPlace..<(KernelImage.magicPlace + 4)]) == KernelImage.magic
        else { throw IsolationError(.unavailable, "the kernel's file is no bzImage") }
        let sectors = max(4, Int(image[KernelImage.sectorsPlace]))
        let start = (sectors + 1) * KernelImage.sectorBytes + number(KernelImage.payloadPlace)
        let end = start + number(KernelImage.payloadPlace + 4)
        guard end - start > 8, end <= image.count else {
            throw IsolationError(.unavailable, "the kernel's file ends before its payload")
        }
        guard let compression = Compression(image[start..<end]) else {
            throw IsolationError(.unavailable, "the kernel is compressed in an unknown way")
        }
        self.compression = compression
        payload = image[start..<(end - 4)]
        size = number(end - 4)
    }
}
