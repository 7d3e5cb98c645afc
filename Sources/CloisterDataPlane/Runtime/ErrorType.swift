import CloisterWire
import NIOCore

/// The names of errors that function code reports.
enum ErrorType {
    private static let lengthMax = 128
    /// An error object larger than this isn't searched for its type.
    private static let searchedMax = 256 << 10

    /// `Runtime.Xyz` and `Function.Xyz` are kept, anything else becomes `Function.Unknown`.
    static func sanitized(_ type: String) -> String {
        let parts = type.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "Runtime" || parts[0] == "Function", type.utf8.count <= lengthMax,
            let first = parts[1].utf8.first, first >= UInt8(ascii: "A"), first <= UInt8(ascii: "Z"),
            parts[1].utf8.allSatisfy({ ($0 | 0x20) >= UInt8(ascii: "a") && ($0 | 0x20) <= UInt8(ascii: "z") })
        else { return "Function.Unknown" }
        return type
    }

    /// The member `errorType` of an error object; nil if there is none that is fit for a log.
    static func of(payload: ByteBuffer) -> String? {
        guard payload.readableBytes <= searchedMax else { return nil }
        let bytes = Array(payload.readableBytesView)
        guard JSONValidator.isValid(bytes),
            let member = JSONMembers.of(bytes, in: 0..<bytes.count)?.first(where: { $0.name == "errorType" }),
            let type = JSONMembers.text(bytes, in: member.value), (1...lengthMax).contains(type.utf8.count),
            type.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else { return nil }
        return type
    }
}
