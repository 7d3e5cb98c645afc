/// An archive in cpio's `newc` format, which the kernel unpacks into its first file system. Several may follow each other.
/// Format: the kernel's Documentation/driver-api/early-userspace/buffer-format.rst.
struct CpioArchive {
    private static let directoryMode: UInt32 = 0o040_000
    private static let fileMode: UInt32 = 0o100_000
    private static let alignment = 4

    private(set) var bytes: [UInt8] = []
    private var inode: UInt32 = 1

    mutating func addDirectory(_ name: String) { add(name, mode: CpioArchive.directoryMode | 0o755, []) }

    mutating func addFile(_ name: String, permissions: UInt32, _ content: [UInt8]) {
        add(name, mode: CpioArchive.fileMode | permissions, content)
    }

    /// The archive with its end.
    func finished() -> [UInt8] {
        var copy = self
        copy.add("TRAILER!!!", mode: 0, [])
        return copy.bytes
    }

    private mutating func add(_ name: String, mode: UInt32, _ content: [UInt8]) {
        let nameBytes = Array(name.utf8) + [0]
        // inode, mode, user, group, links, time, size, device (2), of which device (2), length of the name, checksum
        let fields: [UInt32] = [
            inode, mode, 0, 0, 1, 0, UInt32(content.count), 0, 0, 0, 0, UInt32(nameBytes.count), 0,
        ]
        inode += 1
        bytes += Array("070701".utf8)
        for field in fields { bytes += CpioArchive.hexadecimal(field) }
        bytes += nameBytes
        pad()
        bytes += content
        pad()
    }

    private mutating func pad() {
        while bytes.count % CpioArchive.alignment != 0 { bytes.append(0) }
    }

    private static func hexadecimal(_ value: UInt32) -> [UInt8] {
        let digits = Array(String(value, radix: 16).utf8)
        return [UInt8](repeating: UInt8(ascii: "0"), count: 8 - digits.count) + digits
    }
}
