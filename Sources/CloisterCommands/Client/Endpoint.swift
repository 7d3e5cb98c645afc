/// Where a server listens: `http://HOST[:PORT]`.
struct Endpoint: Equatable, CustomStringConvertible {
    static let standard = "http://127.0.0.1:4570"

    var host: String
    var port: Int

    /// Throws `CommandFailure` for anything but plain HTTP to a host.
    init(_ text: String) throws {
        func refuse(_ why: String) -> CommandFailure {
            CommandFailure(
                "the endpoint `\(text)` \(why)", hint: "for example \(Endpoint.standard)", status: .badInput)
        }
        if text.lowercased().hasPrefix("https://") { throw refuse("wants TLS, which this client doesn't speak") }
        guard text.lowercased().hasPrefix("http://") else { throw refuse("must begin with http://") }
        var authority = text.dropFirst(7)
        if let end = authority.firstIndex(of: "/") {
            guard authority[end...] == "/" else { throw refuse("must have no path") }
            authority = authority[..<end]
        }
        port = 80
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            guard let number = Int(authority[authority.index(after: colon)...]), (1...65_535).contains(number) else {
                throw refuse("has no valid port")
            }
            port = number
            authority = authority[..<colon]
        }
        let bare = authority.hasPrefix("[") && authority.hasSuffix("]") ? authority.dropFirst().dropLast() : authority
        guard !bare.isEmpty, bare.utf8.allSatisfy(Endpoint.isHostByte) else { throw refuse("names no host") }
        host = String(bare)
    }

    /// As the `Host` field has it.
    var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == 80 ? name : "\(name):\(port)"
    }

    var description: String { "http://\(authority)" }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "@") && byte != UInt8(ascii: "?")
    }
}
