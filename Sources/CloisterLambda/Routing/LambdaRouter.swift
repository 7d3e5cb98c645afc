import CloisterServiceKit

/// Finds the operation that a request means, by AWS's method and path. Pure.
struct LambdaRouter {
    private enum Segment {
        case literal(String)
        case label(String)
    }

    private struct Route {
        let operation: LambdaOperation
        let segments: [Segment]
        let query: [(name: String, value: String)]
    }

    /// Longer than any path of the API; bounds the work on a hostile one.
    private static let pathBytesMax = 4_096

    private let routes: [Route]

    init(_ operations: [LambdaOperation]) {
        routes = operations.map(LambdaRouter.route)
            // The route that asks for a query parameter is the more specific one.
            .sorted { $0.query.count > $1.query.count }
    }

    /// The operation and its labels, decoded; nil when there is none.
    func match(_ request: ServiceRequest) -> (operation: LambdaOperation, labels: [String: String])? {
        guard request.path.utf8.count <= LambdaRouter.pathBytesMax else { return nil }
        var parts: [String] = []
        for part in request.path.split(separator: "/") {
            guard let decoded = percentDecoded(part) else { return nil }
            parts.append(decoded)
        }
        for route in routes where route.operation.method.rawValue == request.method {
            guard let labels = LambdaRouter.labels(route, parts),
                route.query.allSatisfy({ request.queryValue($0.name) == $0.value })
            else { continue }
            return (route.operation, labels)
        }
        return nil
    }

    private static func route(_ operation: LambdaOperation) -> Route {
        let parts = operation.path.split(separator: "?", maxSplits: 1)
        let segments = parts[0].split(separator: "/").map { part in
            part.hasPrefix("{") ? Segment.label(String(part.dropFirst().dropLast())) : .literal(String(part))
        }
        let query = parts.dropFirst().flatMap { $0.split(separator: "&") }.map { pair in
            let sides = pair.split(separator: "=", maxSplits: 1)
            return (name: String(sides[0]), value: sides.count > 1 ? String(sides[1]) : "")
        }
        return Route(operation: operation, segments: segments, query: query)
    }

    private static func labels(_ route: Route, _ parts: [String]) -> [String: String]? {
        guard parts.count == route.segments.count else { return nil }
        var labels: [String: String] = [:]
        for (segment, part) in zip(route.segments, parts) {
            switch segment {
            case .literal(let text): if text != part { return nil }
            case .label(let name): labels[name] = part
            }
        }
        return labels
    }
}

/// Nil for malformed escapes and for what isn't UTF-8 after decoding.
func percentDecoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "%") else {
            bytes.append(byte)
            continue
        }
        guard let high = rest.popFirst(), let low = rest.popFirst(),
            let value = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16), high != UInt8(ascii: "+")
        else { return nil }
        bytes.append(value)
    }
    return String(validating: bytes, as: UTF8.self)
}
