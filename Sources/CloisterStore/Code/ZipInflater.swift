import CZlib
import CloisterServiceKit

/// Unpacks one entry's data in pieces, never more than the directory announced, and checks size and checksum.
struct ZipInflater {
    private static let pieceBytes = 256 * 1024

    let archive: [UInt8]

    func unpack(_ entry: ZipEntry, into sink: (ArraySlice<UInt8>) throws(CodeError) -> Void) throws(CodeError) {
        let start = try ZipDirectory.dataOffset(of: entry, in: archive)
        let data = archive[start..<(start + entry.compressedBytes)]
        var checksum = CRC32()
        if entry.method == 0 {
            checksum.add(data)
            try sink(data)
        } else {
            try inflate(data, unpackedBytes: entry.unpackedBytes) { (piece) throws(CodeError) in
                checksum.add(piece)
                try sink(piece)
            }
        }
        guard checksum.value == entry.crc32 else { throw ZipInflater.damaged }
    }

    private static var damaged: CodeError { CodeError(.unreadable, "the archive is damaged") }

    private func inflate(
        _ data: ArraySlice<UInt8>, unpackedBytes: Int, into sink: (ArraySlice<UInt8>) throws(CodeError) -> Void
    ) throws(CodeError) {
        var stream = z_stream()
        // Negative window bits: raw deflate without a header of its own.
        guard inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw CodeError(.unavailable, "zlib can't start")
        }
        defer { inflateEnd(&stream) }
        var input = Array(data)
        var piece = [UInt8](repeating: 0, count: min(ZipInflater.pieceBytes, unpackedBytes + 1))
        var left = unpackedBytes
        var consumed = 0
        var status = Z_OK
        while status == Z_OK {
            var produced = 0
            (status, consumed, produced) = ZipInflater.step(&stream, &input, from: consumed, &piece)
            left -= produced
            guard left >= 0, status == Z_STREAM_END || (status == Z_OK && produced > 0) else {
                throw ZipInflater.damaged
            }
            try sink(piece[..<produced])
        }
        guard left == 0 else { throw ZipInflater.damaged }
    }

    private static func step(
        _ stream: inout z_stream, _ input: inout [UInt8], from consumed: Int, _ piece: inout [UInt8]
    ) -> (status: Int32, consumed: Int, produced: Int) {
        let inputCount = input.count
        let pieceCount = piece.count
        return input.withUnsafeMutableBufferPointer { input in
            piece.withUnsafeMutableBufferPointer { piece in
                stream.next_in = input.baseAddress.map { $0 + consumed }
                stream.avail_in = UInt32(clamping: inputCount - consumed)
                stream.next_out = piece.baseAddress
                stream.avail_out = UInt32(clamping: pieceCount)
                let status = CZlib.inflate(&stream, Z_NO_FLUSH)
                return (status, inputCount - Int(stream.avail_in), pieceCount - Int(stream.avail_out))
            }
        }
    }
}

private struct CRC32 {
    private(set) var value: UInt32 = 0

    mutating func add(_ bytes: ArraySlice<UInt8>) {
        value = bytes.withUnsafeBufferPointer { buffer in
            UInt32(truncatingIfNeeded: crc32_z(UInt(value), buffer.baseAddress, buffer.count))
        }
    }
}
