import CloisterCore
import CloisterServiceKit

/// The environment variables of a runtime process, as Lambda sets them.
enum EnvironmentVariables {
    static let runtimeAddress = "127.0.0.1:9001"

    /// Of an interpreter that is started before its function is known: what every function of the runtime has alike.
    static func beforeFunction() -> [String] {
        var variables = common
        variables["AWS_LAMBDA_RUNTIME_API"] = runtimeAddress
        variables["CLOISTER_PREBOOT"] = "1"
        return variables.map { "\($0.key)=\($0.value)" }.sorted()
    }

    /// `isStartedAhead`: for provisioned concurrency or a reservation, before anyone called.
    static func make(
        for function: FunctionSnapshot, logStream: String, credentials: TemporaryCredentials,
        isStartedAhead: Bool = false
    ) -> [String] {
        var variables = defaults(for: function)
        variables.merge(function.environment) { _, user in user }
        variables.merge(
            reserved(for: function, logStream: logStream, credentials: credentials)
        ) { _, platform in platform }
        if isStartedAhead { variables["AWS_LAMBDA_INITIALIZATION_TYPE"] = "provisioned-concurrency" }
        return variables.map { "\($0.key)=\($0.value)" }.sorted()
    }

    /// What all functions have and the user may override.
    private static let common = [
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "LD_LIBRARY_PATH":
            "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
    ]

    /// What the user may override.
    private static func defaults(for function: FunctionSnapshot) -> [String: String] {
        var variables = common
        if function.runtime.hasPrefix("nodejs") {
            variables["NODE_PATH"] = "/opt/nodejs/node20/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules"
        }
        return variables
    }

    private static func reserved(
        for function: FunctionSnapshot, logStream: String, credentials: TemporaryCredentials
    ) -> [String: String] {
        let region = function.key.function.region
        var variables = [
            "_HANDLER": function.handler,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_LAMBDA_FUNCTION_NAME": function.key.function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": function.key.version.description,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": String(function.memoryMiB),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": function.logGroup,
            "AWS_LAMBDA_LOG_STREAM_NAME": logStream,
            "AWS_LAMBDA_LOG_FORMAT": function.logFormat.rawValue,
            "AWS_LAMBDA_RUNTIME_API": runtimeAddress,
            "AWS_ENDPOINT_URL": "http://\(runtimeAddress)",
            "LAMBDA_TASK_ROOT": "/var/task",
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "AWS_ACCESS_KEY": credentials.accessKeyID,
            "AWS_ACCESS_KEY_ID": credentials.accessKeyID,
            "AWS_SECRET_ACCESS_KEY": credentials.secret,
            "AWS_SESSION_TOKEN": credentials.sessionToken,
        ]
        if function.logFormat == .json { variables["AWS_LAMBDA_LOG_LEVEL"] = function.applicationLogLevel }
        // The custom runtimes don't get it, on AWS either.
        if !function.runtime.hasPrefix("provided") {
            variables["AWS_EXECUTION_ENV"] = "AWS_Lambda_\(function.runtime)"
        }
        return variables
    }
}
