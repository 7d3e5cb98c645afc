/// Writes a zip file whose bytes depend on names, modes and contents alone: no compression, no times.
struct ZipWriter {
    private var bytes: [UInt8] = []
    private var directory: [UInt8] = []
    private var count: UInt16 = 0

    /// 1980-01-01, the first date that the format has.
    private static let date: UInt16 = 0x0021
    /// Names are UTF-8.
    private static let flags: UInt16 = 0x0800

    /// The caller adds files in a fixed order, at most `PackageLimits.filesMax`, with names below 65,536 bytes.
    mutating func add(_ name: String, mode: UInt16, contents: [UInt8]) {
        let offset = UInt32(truncatingIfNeeded: bytes.count)
        let nameBytes = Array(name.utf8)
        var common: [UInt8] = []
        append16(20, to: &common)
        append16(ZipWriter.flags, to: &common)
        append16(0, to: &common)
        append16(0, to: &common)
        append16(ZipWriter.date, to: &common)
        append32(CRC32.of(contents), to: &common)
        append32(UInt32(truncatingIfNeeded: contents.count), to: &common)
        append32(UInt32(truncatingIfNeeded: contents.count), to: &common)
        append16(UInt16(truncatingIfNeeded: nameBytes.count), to: &common)
        append16(0, to: &common)

        bytes += [0x50, 0x4B, 0x03, 0x04] + common + nameBytes + contents
        directory += [0x50, 0x4B, 0x01, 0x02]
        // Version 2.0, made by a Unix: that is what gives the mode its meaning.
        append16(0x0314, to: &directory)
        directory += common
        append16(0, to: &directory)
        append16(0, to: &directory)
        append16(0, to: &directory)
        append32(UInt32(mode) << 16, to: &directory)
        append32(offset, to: &directory)
        directory += nameBytes
        count &+= 1
    }

    var size: Int { bytes.count + directory.count + 22 }

    /// The finished file.
    func finished() -> [UInt8] {
        var end: [UInt8] = [0x50, 0x4B, 0x05, 0x06, 0, 0, 0, 0]
        append16(count, to: &end)
        append16(count, to: &end)
        append32(UInt32(truncatingIfNeeded: directory.count), to: &end)
        append32(UInt32(truncatingIfNeeded: bytes.count), to: &end)
        append16(0, to: &end)
        return bytes + directory + end
    }

    private func append16(_ value: UInt16, to bytes: inout [UInt8]) {
        bytes.append(UInt8(truncatingIfNeeded: value))
        bytes.append(UInt8(truncatingIfNeeded: value >> 8))
    }

    private func append32(_ value: UInt32, to bytes: inout [UInt8]) {
        append16(UInt16(truncatingIfNeeded: value), to: &bytes)
        append16(UInt16(truncatingIfNeeded: value >> 16), to: &bytes)
    }
}
