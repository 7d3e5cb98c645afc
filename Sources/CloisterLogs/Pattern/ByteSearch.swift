import Glibc

/// A byte string to look for, in linear time whatever the text (Knuth, Morris, Pratt).
struct SearchTerm: Equatable, Sendable {
    let bytes: [UInt8]
    /// For each length of a match so far, the length to go on with when the next byte doesn't fit.
    private let fallback: [Int]

    init(_ bytes: [UInt8]) {
        var fallback = [Int](repeating: 0, count: bytes.count)
        var length = 0
        for index in bytes.indices.dropFirst() {
            while length > 0, bytes[index] != bytes[length] { length = fallback[length - 1] }
            if bytes[index] == bytes[length] { length += 1 }
            fallback[index] = length
        }
        self.bytes = bytes
        self.fallback = fallback
    }

    /// Where the bytes begin in `text`; nil if nowhere. No bytes are everywhere.
    func firstIndex(in text: ArraySlice<UInt8>) -> Int? {
        guard let first = bytes.first else { return text.startIndex }
        return text.withUnsafeBufferPointer { text in firstOffset(of: first, in: text) }.map { text.startIndex + $0 }
    }

    func isContained(in text: ArraySlice<UInt8>) -> Bool { firstIndex(in: text) != nil }

    private func firstOffset(of first: UInt8, in text: UnsafeBufferPointer<UInt8>) -> Int? {
        guard let base = text.baseAddress, text.count >= bytes.count else { return nil }
        var position = 0
        var length = 0
        while position < text.count {
            if length == 0 {
                // The C library skips to the next candidate far faster than a loop here.
                guard let found = memchr(base + position, Int32(first), text.count - position) else { return nil }
                position = UnsafeRawPointer(found) - UnsafeRawPointer(base) + 1
                length = 1
            } else if text[position] == bytes[length] {
                position += 1
                length += 1
            } else {
                length = fallback[length - 1]
                continue
            }
            if length == bytes.count { return position - length }
        }
        return nil
    }
}

/// A text in which each `*` stands for any run of characters. Matches in linear time.
struct WildcardText: Equatable, Sendable {
    private let parts: [SearchTerm]

    init(_ text: [UInt8]) {
        parts = text.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map { SearchTerm(Array($0)) }
    }

    func matches(_ text: String) -> Bool { matches(Array(text.utf8)[...]) }

    private func matches(_ text: ArraySlice<UInt8>) -> Bool {
        guard let first = parts.first?.bytes, let last = parts.last?.bytes else { return text.isEmpty }
        guard parts.count > 1 else { return text.elementsEqual(first) }
        guard text.count >= first.count + last.count, text.starts(with: first), text.suffix(last.count).elementsEqual(last)
        else { return false }
        var rest = text.dropFirst(first.count).dropLast(last.count)
        for part in parts.dropFirst().dropLast() {
            guard let found = part.firstIndex(in: rest) else { return false }
            rest = rest[(found + part.bytes.count)...]
        }
        return true
    }
}
