import CloisterServiceKit

/// One entry of a zip archive's central directory, as written there; nothing in it is to be trusted.
struct ZipEntry: Equatable {
    var name: [UInt8]
    /// The Unix mode; 0 when the archive was made on a system without.
    var mode: UInt16
    var isEncrypted: Bool
    /// 0 stored, 8 deflated; others aren't supported.
    var method: UInt16
    var crc32: UInt32
    var compressedBytes: Int
    var unpackedBytes: Int
    /// Where the entry's local header begins.
    var offset: Int
}

/// Reads a zip archive's central directory: pure, bounded, in one pass. Every number is checked against the archive's
/// size before it is used. Archives of several parts and zip64 directories (over 65,535 entries) are refused; zip64
/// sizes, which some writers always use, are read.
struct ZipDirectory {
    private static let endSignature: UInt32 = 0x0605_4b50
    private static let entrySignature: UInt32 = 0x0201_4b50
    private static let localSignature: UInt32 = 0x0403_4b50
    private static let endBytes = 22
    private static let entryBytes = 46
    private static let localBytes = 30
    private static let unixHost: UInt16 = 3

    let entries: [ZipEntry]

    init(_ archive: [UInt8], entriesMax: Int) throws(CodeError) {
        let end = try ZipDirectory.findEnd(archive)
        let reader = LittleEndianReader(archive)
        let count = try reader.uint16(end + 10)
        guard try reader.uint16(end + 4) == 0, try reader.uint16(end + 8) == count else {
            throw CodeError(.unreadable, "the archive has several parts")
        }
        let offset = Int(try reader.uint32(end + 16))
        guard count != 0xffff, offset != 0xffff_ffff else {
            throw CodeError(.tooManyEntries, "the archive has a zip64 directory")
        }
        guard Int(count) <= entriesMax else {
            throw CodeError(.tooManyEntries, "the archive has \(count) entries, at most \(entriesMax) are allowed")
        }
        var entries: [ZipEntry] = []
        entries.reserveCapacity(Int(count))
        var position = offset
        for _ in 0..<count {
            let (entry, next) = try ZipDirectory.entry(reader, at: position, end: end)
            entries.append(entry)
            position = next
        }
        self.entries = entries
    }

    /// Where an entry's data begin: behind its local header, which must name the same file.
    static func dataOffset(of entry: ZipEntry, in archive: [UInt8]) throws(CodeError) -> Int {
        let reader = LittleEndianReader(archive)
        guard try reader.uint32(entry.offset) == localSignature else { throw damaged }
        let nameBytes = Int(try reader.uint16(entry.offset + 26))
        let extraBytes = Int(try reader.uint16(entry.offset + 28))
        let name = entry.offset + localBytes
        let data = name + nameBytes + extraBytes
        guard data <= archive.count - entry.compressedBytes,
            archive[name..<(name + nameBytes)].elementsEqual(entry.name)
        else { throw damaged }
        return data
    }

    private static var damaged: CodeError { CodeError(.unreadable, "the archive is damaged") }

    private static func findEnd(_ archive: [UInt8]) throws(CodeError) -> Int {
        guard archive.count >= endBytes else { throw CodeError(.unreadable, "not a zip archive") }
        let reader = LittleEndianReader(archive)
        let last = archive.count - endBytes
        for position in stride(from: last, through: max(0, last - 0xffff), by: -1)
        where try reader.uint32(position) == endSignature {
            let comment = Int(try reader.uint16(position + 20))
            if position + endBytes + comment == archive.count { return position }
        }
        throw CodeError(.unreadable, "not a zip archive")
    }

    private static func entry(
        _ reader: LittleEndianReader, at position: Int, end: Int
    ) throws(CodeError) -> (ZipEntry, next: Int) {
        guard position >= 0, position <= end - entryBytes, try reader.uint32(position) == entrySignature else {
            throw damaged
        }
        let nameBytes = Int(try reader.uint16(position + 28))
        let extraBytes = Int(try reader.uint16(position + 30))
        let commentBytes = Int(try reader.uint16(position + 32))
        let name = position + entryBytes
        let next = name + nameBytes + extraBytes + commentBytes
        guard next <= end else { throw damaged }
        let host = try reader.uint16(position + 4) >> 8
        var entry = ZipEntry(
            name: Array(reader.bytes[name..<(name + nameBytes)]),
            mode: host == unixHost ? UInt16(try reader.uint32(position + 38) >> 16) : 0,
            isEncrypted: try reader.uint16(position + 8) & 1 != 0, method: try reader.uint16(position + 10),
            crc32: try reader.uint32(position + 16), compressedBytes: Int(try reader.uint32(position + 20)),
            unpackedBytes: Int(try reader.uint32(position + 24)), offset: Int(try reader.uint32(position + 42)))
        try readZip64(&entry, reader, from: name + nameBytes, to: name + nameBytes + extraBytes)
        guard entry.compressedBytes <= reader.bytes.count, entry.offset <= reader.bytes.count else { throw damaged }
        return (entry, next)
    }

    /// Numbers that are all ones in the entry stand, in a fixed order, in the extra field 1.
    private static func readZip64(
        _ entry: inout ZipEntry, _ reader: LittleEndianReader, from start: Int, to end: Int
    ) throws(CodeError) {
        var position = start
        while position + 4 <= end {
            let bytes = Int(try reader.uint16(position + 2))
            guard position + 4 + bytes <= end else { return }
            if try reader.uint16(position) == 1 {
                var field = position + 4
                for path in [\ZipEntry.unpackedBytes, \.compressedBytes, \.offset]
                where entry[keyPath: path] == 0xffff_ffff && field + 8 <= position + 4 + bytes {
                    entry[keyPath: path] = try reader.size(field)
                    field += 8
                }
                return
            }
            position += 4 + bytes
        }
    }
}

/// Reads numbers out of a byte array; past its end is an error, never a trap.
private struct LittleEndianReader {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func uint16(_ offset: Int) throws(CodeError) -> UInt16 { UInt16(try number(offset, count: 2)) }
    func uint32(_ offset: Int) throws(CodeError) -> UInt32 { UInt32(try number(offset, count: 4)) }

    /// Eight bytes that must be a size this machine can hold.
    func size(_ offset: Int) throws(CodeError) -> Int {
        guard let size = Int(exactly: try number(offset, count: 8)) else {
            throw CodeError(.unreadable, "the archive is damaged")
        }
        return size
    }

    private func number(_ offset: Int, count: Int) throws(CodeError) -> UInt64 {
        guard offset >= 0, offset <= bytes.count - count else {
            throw CodeError(.unreadable, "the archive is damaged")
        }
        return (0..<count).reduce(0) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) }
    }
}
