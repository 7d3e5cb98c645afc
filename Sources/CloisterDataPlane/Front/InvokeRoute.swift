import CloisterCore
import CloisterWire

/// The data plane's own operations among all that the front takes in.
struct InvokeRoute {
    let functionName: String
    let isStreaming: Bool

    /// Nil if the request is for a service.
    init?(_ head: HTTPHead) {
        guard head.isMethod("POST") else { return nil }
        let path = head.path
        if path.hasPrefix(InvokeRoute.invokePrefix), path.hasSuffix(InvokeRoute.invokeSuffix) {
            isStreaming = false
            self.functionName = InvokeRoute.middle(path, InvokeRoute.invokePrefix, InvokeRoute.invokeSuffix)
        } else if path.hasPrefix(InvokeRoute.streamPrefix), path.hasSuffix(InvokeRoute.streamSuffix) {
            isStreaming = true
            self.functionName = InvokeRoute.middle(path, InvokeRoute.streamPrefix, InvokeRoute.streamSuffix)
        } else {
            return nil
        }
        guard !functionName.contains("/") else { return nil }
    }

    private static let invokePrefix = "/2015-03-31/functions/"
    private static let invokeSuffix = "/invocations"
    private static let streamPrefix = "/2021-11-15/functions/"
    private static let streamSuffix = "/response-streaming-invocations"

    private static func middle(_ path: String, _ prefix: String, _ suffix: String) -> String {
        guard path.utf8.count >= prefix.utf8.count + suffix.utf8.count else { return "" }
        let name = Substring(path.utf8.dropFirst(prefix.utf8.count).dropLast(suffix.utf8.count))
        return PercentEncoding.decodedText(String(name)) ?? ""
    }
}
