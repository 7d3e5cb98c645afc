/// The key of isolation: the tenant that an invocation is for.
///
/// 1 to 256 characters of `[a-zA-Z0-9._:/=+\-@ ]`, as botocore's Lambda model has it (`TenantId`). Blanks at
/// either end and runs of blanks inside are refused: HTTP strips the former, the canonical request of SigV4
/// collapses the latter, so two such ids could not be told apart under one signature.
public struct TenantID: Hashable, Sendable, CustomStringConvertible {
    public static let lengthMax = 256

    public let rawValue: String

    /// Nil unless `rawValue` is a well-formed tenant id of at most `lengthMax` characters.
    public init?(_ rawValue: String, lengthMax: Int = TenantID.lengthMax) {
        let bytes = rawValue.utf8
        guard !bytes.isEmpty, bytes.count <= min(lengthMax, TenantID.lengthMax) else { return nil }
        guard bytes.first != UInt8(ascii: " "), bytes.last != UInt8(ascii: " ") else { return nil }
        var previous: UInt8 = 0
        for byte in bytes {
            guard TenantID.isAllowed(byte) else { return nil }
            if byte == UInt8(ascii: " "), previous == byte { return nil }
            previous = byte
        }
        self.rawValue = rawValue
    }

    public var description: String { rawValue }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"),
            UInt8(ascii: "/"), UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"),
            UInt8(ascii: " "):
            true
        default:
            false
        }
    }
}
