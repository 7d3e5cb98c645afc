/// How strong the boundary around an environment is, weakest first.
public enum IsolationLevel: String, Sendable, Comparable, CaseIterable, Codable {
    /// Namespaces, seccomp, cgroups, no capabilities; the host's kernel is shared.
    case container
    /// An application kernel in user space (gVisor).
    case gvisor
    /// Hardware virtualization with a guest kernel of its own.
    case microvm

    private var strength: Int {
        switch self {
        case .container: 0
        case .gvisor: 1
        case .microvm: 2
        }
    }

    public static func < (lhs: IsolationLevel, rhs: IsolationLevel) -> Bool { lhs.strength < rhs.strength }
}

/// Everything the data plane needs to run one function version. Immutable: a change makes a new snapshot with a
/// new `revision`, and environments of another revision are destroyed.
public struct FunctionSnapshot: Sendable, Equatable {
    public enum LogFormat: String, Sendable, Codable { case text = "Text", json = "JSON" }

    public var key: FunctionVersionKey
    /// Changes whenever code or configuration changes.
    public var revision: String
    /// Set while the function can't be invoked (AWS `State` other than `Active`); the text is for the caller.
    public var unavailableReason: String?
    /// As the user wrote it (`python3.13`); becomes `AWS_EXECUTION_ENV`.
    public var runtime: String
    /// Read-only root file system, an absolute host path.
    public var imageDirectory: String
    /// The command that starts the runtime inside the image, for example `["/var/runtime/bootstrap"]`.
    public var bootstrap: [String]
    /// The unpacked code, mounted read-only at `/var/task`; an absolute host path.
    public var codeDirectory: String
    /// The merged layers, mounted read-only at `/opt`; an absolute host path.
    public var layersDirectory: String?
    public var handler: String
    /// The user's variables; the platform's own are added when the environment starts.
    public var environment: [String: String]
    /// The execution role: what the function's calls to AWS APIs may do.
    public var roleARN: String
    public var memoryMiB: Int
    public var timeoutSeconds: Int
    public var ephemeralStorageMiB: Int
    /// Whether each tenant has its own environments (`TenancyConfig`).
    public var isTenantIsolated: Bool
    /// At most `TenantID.lengthMax`.
    public var tenantIDLengthMax: Int
    /// Refuses tenants that the registry doesn't know.
    public var servesRegisteredTenantsOnly: Bool
    /// The weakest level this function may run at; nil for any.
    public var isolationMinimum: IsolationLevel?
    public var logGroup: String
    public var logFormat: LogFormat
    /// `DEBUG`, `INFO` or `WARN`, for platform records in JSON.
    public var systemLogLevel: String
    public var applicationLogLevel: String
    /// X-Ray: true samples traces that carry no decision of their own (`TracingConfig: Active`).
    public var isTracingActive: Bool
    /// Reported in trace and log records; `x86_64` or `arm64`.
    public var architecture: String

    public init(
        key: FunctionVersionKey, revision: String, unavailableReason: String? = nil, runtime: String,
        imageDirectory: String, bootstrap: [String], codeDirectory: String, layersDirectory: String? = nil,
        handler: String, environment: [String: String] = [:], roleARN: String = "", memoryMiB: Int = 128, timeoutSeconds: Int = 3,
        ephemeralStorageMiB: Int = 512, isTenantIsolated: Bool = false,
        tenantIDLengthMax: Int = TenantID.lengthMax, servesRegisteredTenantsOnly: Bool = false,
        isolationMinimum: IsolationLevel? = nil, logGroup: String,
        logFormat: LogFormat = .text, systemLogLevel: String = "INFO", applicationLogLevel: String = "INFO",
        isTracingActive: Bool = false, architecture: String = "x86_64"
    ) {
        self.key = key
        self.revision = revision
        self.unavailableReason = unavailableReason
        self.runtime = runtime
        self.imageDirectory = imageDirectory
        self.bootstrap = bootstrap
        self.codeDirectory = codeDirectory
        self.layersDirectory = layersDirectory
        self.handler = handler
        self.environment = environment
        self.roleARN = roleARN
        self.memoryMiB = memoryMiB
        self.timeoutSeconds = timeoutSeconds
        self.ephemeralStorageMiB = ephemeralStorageMiB
        self.isTenantIsolated = isTenantIsolated
        self.tenantIDLengthMax = tenantIDLengthMax
        self.servesRegisteredTenantsOnly = servesRegisteredTenantsOnly
        self.isolationMinimum = isolationMinimum
        self.logGroup = logGroup
        self.logFormat = logFormat
        self.systemLogLevel = systemLogLevel
        self.applicationLogLevel = applicationLogLevel
        self.isTracingActive = isTracingActive
        self.architecture = architecture
    }
}
