public import NIOCore

extension ByteBuffer {
    /// Writes an HTTP/1.1 response head. `contentLength` nil means chunked. Field values must be free of line ends:
    /// they are cut at the first control character, so that nothing from outside can add a field.
    public mutating func writeResponseHead(
        status: Int, fields: [(name: String, value: String)], contentLength: Int?, isKeepAlive: Bool
    ) {
        writeStaticString("HTTP/1.1 ")
        writeString(String(status))
        writeStaticString(" ")
        writeStaticString(reasonPhrase(status))
        writeStaticString("\r\n")
        for field in fields { writeField(field.name, field.value) }
        if let contentLength {
            // RFC 9110: 204 and 1xx have no Content-Length.
            if status != 204 && status >= 200 {
                writeStaticString("Content-Length: ")
                writeString(String(contentLength))
                writeStaticString("\r\n")
            }
        } else {
            writeStaticString("Transfer-Encoding: chunked\r\n")
        }
        if !isKeepAlive { writeStaticString("Connection: close\r\n") }
        writeStaticString("\r\n")
    }

    public mutating func writeField(_ name: String, _ value: String) {
        writeString(name)
        writeStaticString(": ")
        if value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7f }) {
            writeBytes(value.utf8.prefix { $0 >= 0x20 && $0 != 0x7f })
        } else {
            writeString(value)
        }
        writeStaticString("\r\n")
    }

    /// One chunk of a chunked body; nothing for an empty part, since an empty chunk would end the body.
    public mutating func writeChunk(_ part: ByteBuffer) {
        guard part.readableBytes > 0 else { return }
        writeString(String(part.readableBytes, radix: 16))
        writeStaticString("\r\n")
        writeImmutableBuffer(part)
        writeStaticString("\r\n")
    }

    public mutating func writeLastChunk() { writeStaticString("0\r\n\r\n") }
}

func reasonPhrase(_ status: Int) -> StaticString {
    switch status {
    case 100: "Continue"
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 400: "Bad Request"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 412: "Precondition Failed"
    case 413: "Content Too Large"
    case 415: "Unsupported Media Type"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 505: "HTTP Version Not Supported"
    default: "Status"
    }
}
