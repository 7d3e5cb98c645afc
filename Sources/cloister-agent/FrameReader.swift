/// Takes the platform's orders out of its byte stream. Holds at most one frame of the largest size.
struct FrameReader {
    enum Order {
        case start(StartBlock)
        case stop
    }

    enum Result {
        case incomplete
        case malformed
        case order(Order)
    }

    private static let headerBytes = 5
    private static let payloadBytesMax = 1 << 20

    private var buffer: [UInt8] = []

    mutating func append(_ bytes: [UInt8]) { buffer += bytes }

    mutating func next() -> Result {
        guard buffer.count >= FrameReader.headerBytes else { return .incomplete }
        let length = Int(buffer[1]) | Int(buffer[2]) << 8 | Int(buffer[3]) << 16 | Int(buffer[4]) << 24
        guard length <= FrameReader.payloadBytesMax else { return .malformed }
        let end = FrameReader.headerBytes + length
        guard buffer.count >= end else { return .incomplete }
        let type = buffer[0]
        let payload = [UInt8](buffer[FrameReader.headerBytes..<end])
        // A new array, so that a large start frame's memory is given back.
        buffer = [UInt8](buffer[end...])
        return decode(type, payload)
    }

    private func decode(_ type: UInt8, _ payload: [UInt8]) -> Result {
        switch type {
        case 1:
            guard let block = StartBlock(payload) else { return .malformed }
            return .order(.start(block))
        case 2: return payload.isEmpty ? .order(.stop) : .malformed
        default: return .malformed
        }
    }
}

/// The payload of a start order: checked, and readable as the two arrays that exec wants.
struct StartBlock {
    private let bytes: [UInt8]
    private let argumentCount: Int
    private let variableCount: Int

    /// Nil unless it holds at least one argument and exactly as many zero-ended texts as it announces.
    init?(_ payload: [UInt8]) {
        guard payload.count > 4 else { return nil }
        argumentCount = Int(payload[0]) | Int(payload[1]) << 8
        variableCount = Int(payload[2]) | Int(payload[3]) << 8
        bytes = [UInt8](payload[4...])
        var ends = 0
        for byte in bytes where byte == 0 { ends += 1 }
        guard argumentCount > 0, ends == argumentCount + variableCount, bytes[bytes.count - 1] == 0 else { return nil }
    }

    typealias TextArray = UnsafePointer<UnsafeMutablePointer<CChar>?>

    func withArrays(_ body: (TextArray, TextArray) -> Int32) -> Int32 {
        var copy = bytes
        return copy.withUnsafeMutableBytes { raw in
            let text = raw.bindMemory(to: CChar.self)
            guard let base = text.baseAddress else { return 22 }
            var pointers: [UnsafeMutablePointer<CChar>?] = []
            pointers.reserveCapacity(argumentCount + variableCount + 2)
            var start = 0
            for index in 0..<text.count where text[index] == 0 {
                pointers.append(base + start)
                start = index + 1
                if pointers.count == argumentCount { pointers.append(nil) }
            }
            pointers.append(nil)
            return pointers.withUnsafeBufferPointer { array in
                guard let first = array.baseAddress else { return 22 }
                return body(first, first + argumentCount + 1)
            }
        }
    }
}
