/// The part of a signature that a client repeats with every request: its scope and the names of the fields it signs.
/// Parsed and checked once, recognised by its bytes from then on.
final class SignedScope: Sendable {
    let scope: CredentialScope
    /// `DATE/REGION/SERVICE/aws4_request`.
    let scopeText: [UInt8]
    /// In lower case, sorted, without doubles.
    let names: [[UInt8]]
    private let credential: [UInt8]
    private let joinedNames: [UInt8]

    /// `credential` and `names` as the request has them: `KEY/DATE/REGION/SERVICE/aws4_request` and `host;x-amz-date`.
    init(credential: ArraySlice<UInt8>, names: ArraySlice<UInt8>) throws(SigV4Error) {
        guard let scope = CredentialScope(String(decoding: credential, as: UTF8.self)) else {
            throw .incomplete("Authorization header requires 'Credential' parameter.")
        }
        self.scope = scope
        self.scopeText = Array(scope.text.utf8)
        self.credential = Array(credential)
        self.joinedNames = Array(names)
        self.names = names.split(separator: UInt8(ascii: ";")).map(Array.init)
        // Sorted and without doubles, or one signature could be read in two ways.
        guard self.names.count <= 64,
            zip(self.names, self.names.dropFirst()).allSatisfy({ $0.lexicographicallyPrecedes($1) }),
            self.names.contains(where: { $0.elementsEqual("host".utf8) })
        else { throw .incomplete("'Host' must be a signed header, and signed headers must be sorted.") }
    }

    func matches(credential: ArraySlice<UInt8>, names: ArraySlice<UInt8>) -> Bool {
        self.credential[...] == credential && joinedNames[...] == names
    }

    func signs(_ name: ArraySlice<UInt8>) -> Bool {
        names.contains { known in
            known.count == name.count && zip(known, name).allSatisfy { $0 == lowercased($1) }
        }
    }
}

/// The scopes seen last: an SDK's requests differ in their signatures only.
struct RecentScopes {
    private static let countMax = 8
    private var scopes: [SignedScope] = []

    mutating func scope(credential: ArraySlice<UInt8>, names: ArraySlice<UInt8>) throws(SigV4Error) -> SignedScope {
        for known in scopes where known.matches(credential: credential, names: names) { return known }
        let new = try SignedScope(credential: credential, names: names)
        if scopes.count >= RecentScopes.countMax { scopes.removeLast() }
        scopes.insert(new, at: 0)
        return new
    }
}
