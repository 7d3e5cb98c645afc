/// The platform's own files that go into images.
enum RuntimeFiles {
    static let directory = "/var/runtime"
    /// What starts a runtime, in every image.
    static let bootstrap = "/var/runtime/bootstrap"

    static let providedBootstrap = PackageResources.provided_bootstrap_sh
    static let pythonRequirements = PackageResources.python_requirements_txt

    /// By their names in `/var/runtime`.
    static let python: [(String, [UInt8])] = [
        ("cloister_bootstrap.py", PackageResources.cloister_bootstrap_py),
        ("cloister_bundle.py", PackageResources.cloister_bundle_py),
        ("cloister_client_context.py", PackageResources.cloister_client_context_py),
        ("cloister_preboot.py", PackageResources.cloister_preboot_py),
        ("cloister_runtime_client.py", PackageResources.cloister_runtime_client_py),
    ]
}

extension RuntimeFiles {
    static let nodeBootstrap = PackageResources.node_bootstrap_sh

    /// By their names in `/var/runtime`.
    static let node: [(String, [UInt8])] = [
        ("index.js", PackageResources.node_index_js),
        ("buffered.js", PackageResources.node_buffered_js),
        ("client.js", PackageResources.node_client_js),
        ("context.js", PackageResources.node_context_js),
        ("errors.js", PackageResources.node_errors_js),
        ("loader.js", PackageResources.node_loader_js),
        ("log.js", PackageResources.node_log_js),
        ("streaming.js", PackageResources.node_streaming_js),
    ]
}
