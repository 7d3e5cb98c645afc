import Glibc

/// An IPv4 or IPv6 address, or a range in CIDR notation.
struct AddressRange: Sendable, Equatable {
    /// Four or sixteen.
    let bytes: [UInt8]
    let prefixBits: Int

    /// Nil unless `text` is an address with or without `/BITS`.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, text.utf8.count <= 64, let bytes = AddressRange.address(String(parts[0])) else { return nil }
        self.bytes = bytes
        guard parts.count == 2 else {
            prefixBits = bytes.count * 8
            return
        }
        guard let bits = Int(parts[1]), (0...bytes.count * 8).contains(bits) else { return nil }
        prefixBits = bits
    }

    func contains(_ other: AddressRange) -> Bool {
        guard bytes.count == other.bytes.count, other.prefixBits >= prefixBits else { return false }
        for index in 0..<prefixBits where bit(bytes, index) != bit(other.bytes, index) { return false }
        return true
    }

    private func bit(_ bytes: [UInt8], _ index: Int) -> UInt8 { bytes[index / 8] >> UInt8(7 - index % 8) & 1 }

    private static func address(_ text: String) -> [UInt8]? {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if inet_pton(family, text, &bytes) == 1 { return bytes }
        }
        return nil
    }
}
