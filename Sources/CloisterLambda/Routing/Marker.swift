import CloisterServiceKit
import FoundationEssentials

/// The place where a listing goes on, as an opaque text.
enum Marker {
    static func text(_ names: [String]) -> String {
        Data(names.joined(separator: "\n").utf8).base64EncodedString()
    }

    /// Nil for no marker; throws for one that this server didn't make.
    static func names(_ marker: String?, count: Int) throws(ServiceError) -> [String]? {
        guard let marker else { return nil }
        guard marker.utf8.count <= 1_024, let data = Data(base64Encoded: marker),
            let text = String(validating: data, as: UTF8.self), !text.utf8.contains(0)
        else { throw .invalidParameter("Invalid pagination token") }
        let names = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard names.count == count, names.allSatisfy({ !$0.isEmpty }) else {
            throw .invalidParameter("Invalid pagination token")
        }
        return names
    }

    /// A page of a list that is already in order, behind the marker.
    static func page<Item>(
        _ items: [Item], marker: String?, limit: Int, name: (Item) -> String
    ) throws(ServiceError) -> (items: [Item], next: String?) {
        let after = try names(marker, count: 1)?[0]
        let rest: ArraySlice<Item>
        if let after {
            guard let index = items.firstIndex(where: { name($0) == after }) else {
                throw .invalidParameter("Invalid pagination token")
            }
            rest = items[(index + 1)...]
        } else {
            rest = items[...]
        }
        let page = Array(rest.prefix(limit))
        return (page, rest.count > limit ? page.last.map { text([name($0)]) } : nil)
    }
}
