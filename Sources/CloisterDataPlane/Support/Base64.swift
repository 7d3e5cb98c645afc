import Foundation

/// Base64 as HTTP fields carry it.
enum Base64 {
    static func decode(_ text: String) -> [UInt8]? { Data(base64Encoded: text).map { Array($0) } }
    static func encode(_ text: String) -> String { Data(text.utf8).base64EncodedString() }
}
