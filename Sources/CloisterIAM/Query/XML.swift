/// Builds the XML of an answer.
struct XML: Sendable {
    private(set) var text = ""

    /// Nothing at all for nil.
    mutating func add(_ name: String, _ value: String?) {
        guard let value else { return }
        text += "<\(name)>\(XML.escaped(value))</\(name)>"
    }

    mutating func add(_ name: String, _ value: Bool) { add(name, value ? "true" : "false") }

    mutating func add(_ name: String, _ value: Int) { add(name, String(value)) }

    mutating func nest(_ name: String, _ body: (inout XML) -> Void) {
        text += "<\(name)>"
        body(&self)
        text += "</\(name)>"
    }

    /// XML that was built before.
    mutating func append(_ xml: String) { text += xml }

    /// A list, whose elements are called `member`.
    mutating func list<Item>(_ name: String, _ items: some Sequence<Item>, _ body: (inout XML, Item) -> Void) {
        nest(name) { xml in
            for item in items { xml.nest("member") { body(&$0, item) } }
        }
    }

    mutating func texts(_ name: String, _ items: some Sequence<String>) {
        nest(name) { xml in
            for item in items { xml.add("member", item) }
        }
    }

    mutating func tags(_ tags: [String: String], name: String = "Tags") {
        list(name, tags.sorted { $0.key < $1.key }) { xml, tag in
            xml.add("Key", tag.key)
            xml.add("Value", tag.value)
        }
    }

    /// What XML 1.0 can't hold becomes a question mark.
    static func escaped(_ value: String) -> String {
        var escaped = ""
        escaped.reserveCapacity(value.utf8.count)
        for scalar in value.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "\r": escaped += "&#13;"
            case "\t", "\n": escaped.unicodeScalars.append(scalar)
            default:
                let isAllowed = scalar.value >= 0x20 && scalar.value != 0xfffe && scalar.value != 0xffff
                escaped.unicodeScalars.append(isAllowed ? scalar : "?")
            }
        }
        return escaped
    }
}
