/// The properties that `AWS::Serverless::Function` and `AWS::Lambda::Function` share, as CreateFunction takes them.
enum FunctionProperties {
    /// AWS's bounds.
    static let timeoutSeconds = 1...900
    static let memoryMiB = 128...10_240
    static let ephemeralStorageMiB = 512...10_240

    /// Reads them all; names and roles are the caller's part.
    static func read(_ reader: inout PropertyReader) throws -> [String: PropertyValue] {
        try refuseImages(&reader)
        var result: [String: PropertyValue] = [
            "Handler": .text(try reader.required("Handler")),
            "Runtime": .text(try reader.required("Runtime")),
            "Timeout": .integer(try reader.integer("Timeout", in: timeoutSeconds) ?? 3),
            "MemorySize": .integer(try reader.integer("MemorySize", in: memoryMiB) ?? 128),
            "Description": .text(try reader.text("Description") ?? TemplateText("")),
            "Layers": .list((try reader.texts("Layers") ?? []).map { .text($0) }),
            "Environment": try environment(&reader),
            "Architectures": try architectures(&reader),
            "EphemeralStorage": try ephemeralStorage(&reader),
            "LoggingConfig": try logging(&reader),
        ]
        if let reserved = try reader.integer("ReservedConcurrentExecutions", in: 0...1_000_000) {
            result["ReservedConcurrentExecutions"] = .integer(reserved)
        }
        if let tenancy = try TenancyProperties.read(&reader) { result["TenancyConfig"] = tenancy }
        ignoreUnsupported(&reader)
        return result
    }

    private static func refuseImages(_ reader: inout PropertyReader) throws {
        let isImage = try reader.literal("PackageType") == "Image"
        let uri = reader.value("ImageUri")
        reader.skip("ImageConfig")
        if isImage || uri != nil {
            throw TemplateError(
                .unsupported, "\(reader.path): functions from container images aren't supported",
                suggestion: "use PackageType Zip with CodeUri, Handler and Runtime",
                at: uri?.position ?? reader.node.position)
        }
    }

    private static func environment(_ reader: inout PropertyReader) throws -> PropertyValue {
        guard var section = try reader.section("Environment") else { return .map(["Variables": .map([:])]) }
        let variables = try section.textMap("Variables") ?? [:]
        try section.warnAboutUnknown()
        return .map(["Variables": .map(variables.mapValues { .text($0) })])
    }

    private static func architectures(_ reader: inout PropertyReader) throws -> PropertyValue {
        guard let names = try reader.texts("Architectures") else { return .list([.string("x86_64")]) }
        guard names.count == 1, let name = names.first?.literal, name == "x86_64" || name == "arm64" else {
            throw TemplateError(
                .invalidValue, "\(reader.path).Architectures must hold one of x86_64 and arm64",
                at: reader.node["Architectures"]?.position)
        }
        return .list([.string(name)])
    }

    private static func ephemeralStorage(_ reader: inout PropertyReader) throws -> PropertyValue {
        guard var section = try reader.section("EphemeralStorage") else { return .map(["Size": .integer(512)]) }
        let size = try section.integer("Size", in: ephemeralStorageMiB) ?? 512
        try section.warnAboutUnknown()
        return .map(["Size": .integer(size)])
    }

    private static func logging(_ reader: inout PropertyReader) throws -> PropertyValue {
        guard var section = try reader.section("LoggingConfig") else { return .map(["LogFormat": .string("Text")]) }
        var result: [String: PropertyValue] = [
            "LogFormat": .string(try section.choice("LogFormat", ["Text", "JSON"]) ?? "Text")
        ]
        if let group = try section.text("LogGroup") { result["LogGroup"] = .text(group) }
        for key in ["ApplicationLogLevel", "SystemLogLevel"] {
            if let level = try section.literal(key) { result[key] = .string(level) }
        }
        try section.warnAboutUnknown()
        return .map(result)
    }

    private static func ignoreUnsupported(_ reader: inout PropertyReader) {
        let notYet = "isn't supported yet and has no effect"
        for key in [
            "SnapStart", "FileSystemConfigs", "KmsKeyArn", "CodeSigningConfigArn", "RuntimeManagementConfig",
            "RecursiveLoop", "CapacityProviderConfig", "DurableConfig",
        ] {
            reader.ignore(key, because: notYet)
        }
        reader.ignore("VpcConfig", because: "has no effect: functions have no network unless configured here")
    }
}
