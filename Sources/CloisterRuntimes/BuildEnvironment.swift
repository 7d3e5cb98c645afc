/// The environment of a build's programs: what reaching the mirrors needs, nothing else of the server's own.
enum BuildEnvironment {
    private static let passed: Set<String> = [
        "HOME", "TMPDIR", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
        "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "APT_CONFIG",
    ]

    static func make(from environment: [String: String]) -> [String: String] {
        var result = environment.filter { passed.contains($0.key) || $0.key.hasPrefix("PIP_") }
        result["PATH"] = (environment["PATH"] ?? "/usr/bin:/bin") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
        result["LANG"] = "C.UTF-8"
        result["DEBIAN_FRONTEND"] = "noninteractive"
        result["PYTHONHASHSEED"] = "0"
        result["SOURCE_DATE_EPOCH"] = String(ImageBuilder.timestamp)
        return result
    }
}
