import Glibc

/// One blocking HTTP/1.1 connection that is kept open between requests. Plain HTTP only: commands talk to a server on
/// this machine or on a network that its owner trusts.
final class HTTPConnection {
    private let endpoint: Endpoint
    private var socket: Int32 = -1

    init(_ endpoint: Endpoint) { self.endpoint = endpoint }

    deinit { disconnect() }

    /// Sends `request`, a whole message, and reads the answer.
    /// - Parameters:
    ///   - timeoutSeconds: longest silence of the server.
    ///   - bodyBytesMax: largest body to take.
    func exchange(_ request: [UInt8], timeoutSeconds: Int, bodyBytesMax: Int) throws -> HTTPResponse {
        var body: [UInt8] = []
        var response = try stream(request, timeoutSeconds: timeoutSeconds) { part, _ in
            body += part
            guard body.count <= bodyBytesMax else {
                throw CommandFailure("the server's answer is larger than \(bodyBytesMax) bytes")
            }
        }
        response.body = body
        return response
    }

    /// The same, handing on the body's parts as they come.
    func stream(
        _ request: [UInt8], timeoutSeconds: Int, onBody: ([UInt8], HTTPResponse) throws -> Void
    ) throws -> HTTPResponse {
        try connect(timeoutSeconds: timeoutSeconds)
        var isReusable = false
        defer { if !isReusable { disconnect() } }
        try send(request)
        var reader = HTTPResponseReader()
        while !reader.isComplete {
            let bytes = try receive()
            let body = try reader.receive(bytes)
            if !body.isEmpty, let head = reader.head { try onBody(body, head) }
            if bytes.isEmpty { try reader.receiveEnd() }
        }
        guard let head = reader.head else { throw unreachable("it closed the connection") }
        isReusable = head.field("connection")?.lowercased() != "close"
        return head
    }

    // MARK: - Socket

    private func connect(timeoutSeconds: Int) throws {
        if socket >= 0, hasEnded() { disconnect() }
        if socket < 0 { socket = try open() }
        var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    private func open() throws -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(endpoint.host, String(endpoint.port), &hints, &list)
        guard status == 0 else { throw unreachable(String(cString: gai_strerror(status))) }
        defer { freeaddrinfo(list) }
        var reason = "no address"
        var next = list
        while let address = next?.pointee {
            next = address.ai_next
            let descriptor = Glibc.socket(
                address.ai_family, address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), address.ai_protocol)
            guard descriptor >= 0 else { continue }
            if Glibc.connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 {
                var on: Int32 = 1
                setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
                return descriptor
            }
            reason = String(cString: strerror(errno))
            close(descriptor)
        }
        throw unreachable(reason)
    }

    /// Whether the server closed the idle connection; to be asked before a request, which must not be sent twice.
    private func hasEnded() -> Bool {
        var watched = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return poll(&watched, 1, 0) != 0
    }

    private func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            // The server may have answered and closed before it read everything: the answer says why.
            if count < 0, errno == EPIPE || errno == ECONNRESET { return }
            guard count > 0 else { throw failure() }
            rest = rest.dropFirst(count)
        }
    }

    /// Empty at the end.
    private func receive() throws -> [UInt8] {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(socket, &chunk, chunk.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure() }
            return Array(chunk[..<count])
        }
    }

    private func failure() -> CommandFailure {
        if errno == EAGAIN || errno == EWOULDBLOCK {
            return CommandFailure("the server at \(endpoint) doesn't answer", status: .unavailable)
        }
        return unreachable(String(cString: strerror(errno)))
    }

    private func unreachable(_ reason: String) -> CommandFailure {
        CommandFailure(
            "no server at \(endpoint): \(reason)",
            hint: "start one with `cloister serve`, or say where it is with --endpoint", status: .unavailable)
    }

    private func disconnect() {
        if socket >= 0 { close(socket) }
        socket = -1
    }
}
