public import NIOCore

extension ByteBuffer {
    /// Writes an HTTP/1.1 response head; `fields` adds to it with `writeField`. `contentLength` nil means chunked.
    public mutating func writeResponseHead(
        status: Int, contentLength: Int?, isKeepAlive: Bool, fields: (inout ByteBuffer) -> Void
    ) {
        if status == 200 {
            writeStaticString("HTTP/1.1 200 OK\r\n")
        } else {
            writeStaticString("HTTP/1.1 ")
            writeString(String(status))
            writeStaticString(" ")
            writeStaticString(reasonPhrase(status))
            writeStaticString("\r\n")
        }
        fields(&self)
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

    /// A field whose name is known beforehand.
    public mutating func writeField(_ name: StaticString, _ value: String) {
        writeStaticString(name)
        writeValue(value)
    }

    public mutating func writeField(_ name: String, _ value: String) {
        writeString(name)
        writeValue(value)
    }

    /// Values are cut at the first control character, so that nothing from outside can add a field.
    private mutating func writeValue(_ value: String) {
        writeStaticString(": ")
        var value = value
        value.withUTF8 { bytes in
            let end = bytes.firstIndex { $0 < 0x20 && $0 != 0x09 || $0 == 0x7f } ?? bytes.endIndex
            _ = writeBytes(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<end]))
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
