import CloisterCore
import CloisterServiceKit
import Crypto
import FoundationEssentials

/// `Code.Location`: a URL on this server that hands out an archive for some minutes to whoever has it, as AWS's
/// presigned ones do. The key is made anew at every start, so URLs end with the process.
extension LambdaService {
    /// What such URLs' paths begin with.
    public static let codeLocationPrefix = "/_cloister/code/"

    func codeLocation(_ digest: CodeDigest, _ call: LambdaCall) -> String {
        let expires = now() / 1_000 + Int64(configuration.codeLocationSeconds)
        let endpoint = configuration.endpoint ?? "http://\(call.request.header("host") ?? "localhost")"
        return "\(endpoint)\(LambdaService.codeLocationPrefix)\(digest)?expires=\(expires)"
            + "&token=\(token(digest, expires: expires))"
    }

    /// Answers a request for a `Code.Location` URL; it carries its own authentication, so the front must not ask for a
    /// signature.
    func codeArchive(path: String, query: [(name: String, value: String)]) async -> ServiceResponse {
        let name =
            path.hasPrefix(LambdaService.codeLocationPrefix)
            ? path.dropFirst(LambdaService.codeLocationPrefix.count) : ""
        let expires = query.first { $0.name == "expires" }.flatMap { Int64($0.value) }
        let given = query.first { $0.name == "token" }?.value ?? ""
        guard let digest = CodeDigest(String(name)), let expires, expires > now() / 1_000,
            isToken(given, digest, expires: expires)
        else {
            return ServiceError("AccessDeniedException", status: 403, message: "The URL is wrong or has expired.")
                .response
        }
        do throws(CodeError) {
            return ServiceResponse(
                status: 200, headers: [(name: "Content-Type", value: "application/zip")],
                body: try await code.archive(digest))
        } catch {
            return ServiceError.notFound("The code is no longer here.").response
        }
    }

    private func token(_ digest: CodeDigest, expires: Int64) -> String {
        hexadecimal(HMAC<SHA256>.authenticationCode(for: Data("\(digest)\n\(expires)".utf8), using: locationKey))
    }

    private func isToken(_ given: String, _ digest: CodeDigest, expires: Int64) -> Bool {
        let right = Array(token(digest, expires: expires).utf8)
        let wrong = Array(given.utf8)
        guard right.count == wrong.count else { return false }
        // Every byte is compared, so that the time says nothing.
        return zip(right, wrong).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
