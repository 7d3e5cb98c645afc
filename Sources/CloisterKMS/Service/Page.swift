import CloisterServiceKit
import Foundation

/// A page of something sorted by a text. The marker is the last text of the page before; it only says where to go on
/// within what the caller may see anyway, so a forged one reaches nothing else.
enum Page {
    static func limit(_ limit: Int?, max: Int = KMSLimits.pageMax, default: Int = KMSLimits.pageDefault) throws(ServiceError)
        -> Int
    {
        Swift.min(try KMSValidation.number(limit, "limit", 1...KMSLimits.pageMax) ?? `default`, max)
    }

    static func marker(_ last: String) -> String { Data(last.utf8).base64EncodedString() }

    static func position(_ marker: String?) throws(ServiceError) -> String? {
        guard let marker else { return nil }
        guard (1...1_024).contains(marker.utf8.count), let bytes = Data(base64Encoded: marker), !bytes.isEmpty,
            let text = String(bytes: bytes, encoding: .utf8), !text.utf8.contains(0)
        else { throw KMSError.invalidMarker }
        return text
    }

    /// The page of `items` (sorted by `name`) that begins after the marker, and the marker of the next one.
    static func of<Item>(
        _ items: [Item], marker: String?, limit: Int, by name: (Item) -> String
    ) throws(ServiceError) -> (items: [Item], next: String?) {
        let after = try position(marker)
        let rest = items.filter { item in after.map { $0 < name(item) } ?? true }
        let page = Array(rest.prefix(limit))
        guard rest.count > limit, let last = page.last else { return (page, nil) }
        return (page, Page.marker(name(last)))
    }
}
