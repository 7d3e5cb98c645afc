/// Builds the canonical request of a request as it was received.
struct CanonicalRequest {
    let head: HTTPHead

    /// Everything up to and including the line feed before the payload hash.
    func prefix(_ signed: SignedScope, excludedQuery: String? = nil) throws(SigV4Error) -> [UInt8] {
        try checkCoverage(signed)
        var output: [UInt8] = []
        output.reserveCapacity(640)
        output.append(contentsOf: head.bytes[head.methodRange])
        output.append(UInt8(ascii: "\n"))
        PercentEncoding.append(head.bytes[head.pathRange], keepingSlash: true, to: &output)
        output.append(UInt8(ascii: "\n"))
        guard SigV4.appendCanonicalQuery(head.bytes[head.queryRange], excluding: excludedQuery, to: &output) else {
            throw .incomplete("The query string is malformed.")
        }
        output.append(UInt8(ascii: "\n"))
        for name in signed.names { appendHeader(name, to: &output) }
        output.append(UInt8(ascii: "\n"))
        for (index, name) in signed.names.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ";")) }
            output.append(contentsOf: name)
        }
        output.append(UInt8(ascii: "\n"))
        return output
    }

    /// Everything that starts with `x-amz-` must be signed.
    private func checkCoverage(_ signed: SignedScope) throws(SigV4Error) {
        for field in head.fields where hasAmzPrefix(field.name) {
            guard signed.signs(head.bytes[field.name]) else {
                let name = head.text(field.name).lowercased()
                throw .incomplete("The header '\(name)' is present but not signed: every x-amz-* header must be.")
            }
        }
    }

    private func hasAmzPrefix(_ range: Range<Int>) -> Bool {
        let prefix: StaticString = "x-amz-"
        guard range.count > prefix.utf8CodeUnitCount else { return false }
        return prefix.withUTF8Buffer { prefix in
            prefix.indices.allSatisfy { lowercased(head.bytes[range.lowerBound + $0]) == prefix[$0] }
        }
    }

    private func appendHeader(_ name: [UInt8], to output: inout [UInt8]) {
        output.append(contentsOf: name)
        output.append(UInt8(ascii: ":"))
        var isFirst = true
        for field in head.fields where matches(field.name, name) {
            if !isFirst { output.append(UInt8(ascii: ",")) }
            isFirst = false
            SigV4.appendCanonicalValue(head.bytes[field.value], to: &output)
        }
        output.append(UInt8(ascii: "\n"))
    }

    private func matches(_ range: Range<Int>, _ name: [UInt8]) -> Bool {
        guard range.count == name.count else { return false }
        for (offset, byte) in name.enumerated() where lowercased(head.bytes[range.lowerBound + offset]) != byte {
            return false
        }
        return true
    }
}
