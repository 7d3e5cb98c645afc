import CloisterCore
import CloisterWire

/// What a call that comes from inside an environment is for.
enum RuntimeRoute: Equatable {
    case next
    /// An interpreter that was started in advance asks for its function's environment variables.
    case variables
    case response(RequestID)
    case error(RequestID)
    case initError
    /// An AWS API: known to come from this environment, whatever it says.
    case api
    case unknown

    private static let invocationPrefix = "/2018-06-01/runtime/invocation/"

    init(_ head: HTTPHead) {
        let path = head.path
        if head.isMethod("GET"), path == "/2018-06-01/runtime/invocation/next" {
            self = .next
        } else if head.isMethod("GET"), path == "/2018-06-01/cloister/variables" {
            self = .variables
        } else if path.hasPrefix("/2018-06-01/") {
            self = head.isMethod("POST") ? RuntimeRoute.post(path) : .unknown
        } else {
            self = .api
        }
    }

    private static func post(_ path: String) -> RuntimeRoute {
        if path == "/2018-06-01/runtime/init/error" { return .initError }
        guard path.hasPrefix(invocationPrefix) else { return .unknown }
        let rest = path.utf8.dropFirst(invocationPrefix.utf8.count)
        guard let slash = rest.firstIndex(of: UInt8(ascii: "/")), rest[..<slash].count <= 64 else { return .unknown }
        let id = RequestID(String(Substring(rest[..<slash])))
        switch Substring(rest[slash...]) {
        case "/response": return .response(id)
        case "/error": return .error(id)
        default: return .unknown
        }
    }
}
