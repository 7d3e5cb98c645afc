/// Walks over the lines and cells of a comma-separated trace without copying it.
struct TraceBytes {
    private let bytes: [UInt8]
    private var position = 0
    private(set) var line = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The cells of the next line that isn't empty; nil at the end.
    mutating func next() -> [ArraySlice<UInt8>]? {
        while position < bytes.count {
            var cells: [ArraySlice<UInt8>] = []
            var start = position
            while position < bytes.count, bytes[position] != UInt8(ascii: "\n") {
                if bytes[position] == UInt8(ascii: ",") {
                    cells.append(bytes[start..<position])
                    start = position + 1
                }
                position += 1
            }
            let hasReturn = position > start && bytes[position - 1] == UInt8(ascii: "\r")
            cells.append(bytes[start..<(hasReturn ? position - 1 : position)])
            position += 1
            line += 1
            if cells.count > 1 || cells.first?.isEmpty == false { return cells }
        }
        return nil
    }

    static func text(_ cell: ArraySlice<UInt8>) -> String { String(decoding: cell, as: UTF8.self) }

    /// A decimal number without sign; nil for anything else.
    static func count(_ cell: ArraySlice<UInt8>) -> Int? {
        guard !cell.isEmpty, cell.count <= 9 else { return nil }
        var value = 0
        for byte in cell {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value
    }
}
