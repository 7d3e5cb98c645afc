import CloisterCore
import Foundation

/// Whom a name or a key belongs to.
enum Ownership: Sendable, Equatable {
    case own
    /// It has the form of a tenant's name, but not of this tenant's.
    case foreign
    /// Nobody's: shared.
    case untenanted
}

/// How names say to which tenant they belong: `TENANT#${tenant}`, `tenants/${tenant}/*`.
struct OwnerPattern: Sendable, Equatable {
    static let placeholder = "${tenant}"

    let text: String
    /// Before the tenant.
    let prefix: String
    /// After the tenant, without the star.
    let suffix: String
    /// Ends in `*`: anything may follow the suffix.
    let isOpen: Bool

    /// Throws unless `text` has the placeholder once, no star but at its end, and before that star something that ends
    /// the tenant's name: otherwise the tenant `acme` would have what belongs to `acme2`.
    init(_ text: String) throws(PolicyError) {
        let parts = text.components(separatedBy: OwnerPattern.placeholder)
        guard parts.count == 2, !parts[0].contains("*"), text.utf8.count <= 1_024 else {
            throw PolicyError("The pattern '\(text.prefix(64))' must hold ${tenant} once, and * at its end only.")
        }
        isOpen = parts[1].hasSuffix("*")
        let suffix = isOpen ? String(parts[1].dropLast()) : parts[1]
        guard !suffix.contains("*"), !isOpen || !suffix.isEmpty else {
            throw PolicyError("The pattern '\(text.prefix(64))' must have a separator between ${tenant} and *.")
        }
        self.text = text
        prefix = parts[0]
        self.suffix = suffix
    }

    /// By bytes: two texts that only look the same aren't.
    func names(_ tenant: TenantID, _ name: String) -> Bool {
        let start = Array("\(prefix)\(tenant.rawValue)\(suffix)".utf8)
        return isOpen ? name.utf8.starts(with: start) : name.utf8.elementsEqual(start)
    }

    /// Whether `name`, folded, could be some tenant's.
    func isFamily(_ foldedName: String) -> Bool { foldedName.utf8.starts(with: OwnerPattern.folded(prefix).utf8) }

    /// The text without what letters can hide behind: case, compatibility forms, invisible characters, blanks.
    static func folded(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 < 0x80 && $0 > 0x20 }) { return text.lowercased() }
        let scalars = text.precomposedStringWithCompatibilityMapping.lowercased().unicodeScalars.filter {
            !$0.properties.isDefaultIgnorableCodePoint && !$0.properties.isWhitespace
                && $0.properties.generalCategory != .control
        }
        return String(String.UnicodeScalarView(scalars))
    }
}

/// The patterns of one kind of name.
struct OwnerPatterns: Sendable, Equatable {
    let patterns: [OwnerPattern]
    /// What ends a tenant's name in an open pattern. A tenant whose own id has such a byte owns nothing by name: `a/b`
    /// and what `a` calls `b` couldn't be told apart.
    private let separators: Set<UInt8>

    init(_ texts: [String]) throws(PolicyError) {
        guard texts.count <= 100 else { throw PolicyError("There are too many patterns.") }
        var patterns: [OwnerPattern] = []
        for text in texts { patterns.append(try OwnerPattern(text)) }
        self.init(patterns)
    }

    private init(_ patterns: [OwnerPattern]) {
        self.patterns = patterns
        separators = Set(patterns.lazy.filter(\.isOpen).compactMap(\.suffix.utf8.first))
    }

    /// - Parameter tenant: nil: nothing is one's own.
    func owner(of name: String, for tenant: TenantID?) -> Ownership {
        if let tenant, !tenant.rawValue.utf8.contains(where: separators.contains),
            patterns.contains(where: { $0.names(tenant, name) })
        {
            return .own
        }
        let folded = OwnerPattern.folded(name)
        return patterns.contains { $0.isFamily(folded) } ? .foreign : .untenanted
    }
}
