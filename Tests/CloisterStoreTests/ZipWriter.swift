/// Writes zip archives for tests, also wrong ones: whatever is set ends up in the archive as it is.
struct ZipWriter {
    struct Entry {
        var name: [UInt8]
        var data: [UInt8]
        /// The Unix mode with the file type; 0 for an archive made on another system.
        var mode: UInt32
        var method: UInt16 = 0
        var flags: UInt16 = 0
        /// Overrides what the directory says.
        var announcedBytes: UInt32?
        var checksum: UInt32?
        var localName: [UInt8]?

        init(_ name: String, _ data: String = "", mode: UInt32 = 0o100644) {
            self.init(name, bytes: Array(data.utf8), mode: mode)
        }

        init(_ name: String, bytes: [UInt8], mode: UInt32 = 0o100644) {
            self.name = Array(name.utf8)
            self.data = bytes
            self.mode = mode
        }
    }

    static func archive(_ entries: [Entry], comment: [UInt8] = []) -> [UInt8] {
        var bytes: [UInt8] = []
        var directory: [UInt8] = []
        for entry in entries {
            let offset = UInt32(bytes.count)
            let checksum = entry.checksum ?? crc32(entry.data)
            let localName = entry.localName ?? entry.name
            bytes += four(0x0403_4b50) + two(20) + two(entry.flags) + two(entry.method) + four(0) + four(checksum)
            bytes += four(UInt32(entry.data.count)) + four(entry.announcedBytes ?? UInt32(entry.data.count))
            bytes += two(UInt16(localName.count)) + two(0) + localName + entry.data
            directory += four(0x0201_4b50) + two(entry.mode == 0 ? 20 : 0x031e) + two(20) + two(entry.flags)
            directory += two(entry.method) + four(0) + four(checksum) + four(UInt32(entry.data.count))
            directory += four(entry.announcedBytes ?? UInt32(entry.data.count)) + two(UInt16(entry.name.count))
            directory += two(0) + two(0) + two(0) + two(0) + four(entry.mode << 16) + four(offset) + entry.name
        }
        let start = UInt32(bytes.count)
        bytes += directory
        bytes += four(0x0605_4b50) + two(0) + two(0) + two(UInt16(entries.count)) + two(UInt16(entries.count))
        bytes += four(UInt32(directory.count)) + four(start) + two(UInt16(comment.count)) + comment
        return bytes
    }

    static func crc32(_ bytes: [UInt8]) -> UInt32 {
        var value = UInt32.max
        for byte in bytes {
            value ^= UInt32(byte)
            for _ in 0..<8 { value = value & 1 != 0 ? (value >> 1) ^ 0xedb8_8320 : value >> 1 }
        }
        return ~value
    }

    private static func two(_ value: UInt16) -> [UInt8] { [UInt8(value & 255), UInt8(value >> 8)] }
    private static func four(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> (8 * $0) & 255) } }
}
