/// Turns `AWS::Serverless::Function` into the Lambda resources that SAM would make of it.
struct ServerlessFunctionReader {
    let logicalID: String
    let context: StackContext
    let warnings: WarningList
    let position: SourcePosition

    func read(_ properties: TemplateNode?) throws -> [DesiredResource] {
        var reader = try PropertyReader(properties, path: logicalID, warnings: warnings, at: position)
        var function = try FunctionProperties.read(&reader)
        let name = try FunctionName.read(&reader, logicalID: logicalID, context: context)
        function["FunctionName"] = .string(name)
        function["Role"] = .text(try reader.text("Role") ?? TemplateText(defaultRole))
        let role = try executionRole(&reader)
        function["Tags"] = .map((try reader.textMap("Tags") ?? [:]).mapValues { .text($0) })
        function["TracingConfig"] = .map(["Mode": .string(try tracing(&reader))])
        function["DeadLetterConfig"] = .map(["TargetArn": .text(try deadLetterTarget(&reader))])
        let code = try code(&reader)
        let alias = try reader.literal("AutoPublishAlias")
        let publishesAll = try reader.flag("AutoPublishAliasAllProperties") ?? false
        let versionDescription = try reader.text("VersionDescription")
        let provisioned = try provisionedConcurrency(&reader, alias: alias)
        let eventInvoke = try eventInvoke(&reader, functionName: name, qualifier: alias ?? "$LATEST", alias: alias)
        warnAboutCompanions(&reader)
        try reader.warnAboutUnknown()

        var resources = role.map { [$0] } ?? []
        resources.append(
            DesiredResource(
                logicalID: logicalID, kind: .function, properties: function, code: code,
                dependencies: Set(resources.map(\.logicalID)), position: position))
        if let alias {
            resources += published(
                alias, function: name, description: versionDescription, properties: publishesAll ? function : [:],
                provisioned: provisioned)
        }
        if let eventInvoke { resources.append(eventInvoke) }
        return resources
    }

    private var defaultRole: String {
        "arn:aws:iam::\(context.account):role/\(context.generatedName(for: logicalID + "Role"))"
    }

    /// The role that is made for the function when it says what it may do; nil when it brings its own, or says nothing.
    private func executionRole(_ reader: inout PropertyReader) throws -> DesiredResource? {
        let policies = reader.value("Policies")
        let trust = reader.value("AssumeRolePolicyDocument")
        let boundary = try reader.text("PermissionsBoundary")
        let path = try reader.literal("RolePath")
        if reader.value("Role") != nil {
            reader.ignore("Policies", because: "has no effect beside Role, as in SAM")
            return nil
        }
        guard policies != nil || trust != nil || boundary != nil else { return nil }
        let role = try ExecutionRole(
            functionID: logicalID, policies: policies, trust: trust, permissionsBoundary: boundary,
            isTraced: try tracing(&reader) == "Active", context: context)
        if let path, path != "/" {
            throw TemplateError(
                .unsupported, "\(logicalID).RolePath isn't supported", suggestion: "write the role as a resource of its own",
                at: reader.node["RolePath"]?.position)
        }
        return DesiredResource(logicalID: logicalID + "Role", kind: .role, properties: role.properties, position: position)
    }

    private func code(_ reader: inout PropertyReader) throws -> CodeSource {
        let runtime = try reader.literal("Runtime") ?? ""
        if let source = try reader.literal("InlineCode") {
            return .inline(fileName: InlineCode.fileName(runtime: runtime), source: source)
        }
        guard let uri = reader.value("CodeUri") else { return .path(".") }
        guard let path = uri.literal else {
            throw TemplateError(
                .unsupported, "\(logicalID).CodeUri must be a path on this machine", suggestion: "CodeUri: src/",
                at: uri.position)
        }
        return .path(try InlineCode.localPath(path, at: uri.position))
    }

    private func tracing(_ reader: inout PropertyReader) throws -> String {
        switch try reader.choice("Tracing", ["Active", "PassThrough", "Disabled"]) {
        case "Active": "Active"
        default: "PassThrough"
        }
    }

    private func deadLetterTarget(_ reader: inout PropertyReader) throws -> TemplateText {
        guard var section = try reader.section("DeadLetterQueue") else { return TemplateText("") }
        section.skip("Type")
        let target = try section.required("TargetArn")
        try section.warnAboutUnknown()
        return target
    }

    /// The version and alias of `AutoPublishAlias`, under the logical ids that SAM gives them.
    private func published(
        _ alias: String, function: String, description: TemplateText?, properties: [String: PropertyValue],
        provisioned: PropertyValue?
    ) -> [DesiredResource] {
        var version: [String: PropertyValue] = ["FunctionName": .string(function)]
        version["Description"] = description.map { .text($0) }
        if !properties.isEmpty { version["PublishedProperties"] = .map(properties) }
        let versionID = logicalID + "Version"
        var target: [String: PropertyValue] = [
            "FunctionName": .string(function), "Name": .string(alias), "Description": .string(""),
            "FunctionVersion": .text(TemplateText(resource: versionID, attribute: "Version")),
        ]
        target[ProvisionedConcurrencyProperties.key] = provisioned
        return [
            DesiredResource(
                logicalID: versionID, kind: .version, properties: version, dependencies: [logicalID],
                publishesCodeOf: logicalID, isRetained: true, position: position),
            DesiredResource(
                logicalID: logicalID + "Alias" + alias, kind: .alias, properties: target,
                dependencies: [logicalID, versionID], position: position),
        ]
    }

    /// SAM puts it on the alias, and refuses it without one.
    private func provisionedConcurrency(_ reader: inout PropertyReader, alias: String?) throws -> PropertyValue? {
        guard let provisioned = try ProvisionedConcurrencyProperties.read(&reader) else { return nil }
        guard alias != nil else {
            throw TemplateError(
                .invalidValue, "\(logicalID).\(ProvisionedConcurrencyProperties.key) needs AutoPublishAlias",
                suggestion: "AutoPublishAlias: live",
                at: reader.node[ProvisionedConcurrencyProperties.key]?.position)
        }
        return provisioned
    }

    private func eventInvoke(
        _ reader: inout PropertyReader, functionName: String, qualifier: String, alias: String?
    ) throws -> DesiredResource? {
        guard var section = try reader.section("EventInvokeConfig") else { return nil }
        var properties = try EventInvokeProperties.read(&section)
        properties["FunctionName"] = .string(functionName)
        properties["Qualifier"] = .string(qualifier)
        return DesiredResource(
            logicalID: logicalID + "EventInvokeConfig", kind: .eventInvokeConfiguration, properties: properties,
            dependencies: alias.map { [logicalID, logicalID + "Alias" + $0] } ?? [logicalID], position: position)
    }

    private func warnAboutCompanions(_ reader: inout PropertyReader) {
        for event in reader.value("Events")?.entries ?? [] {
            let type = event.value["Type"]?.literal ?? "unknown"
            warnings.add(
                "\(logicalID).Events.\(event.key) (\(type)) isn't supported yet: nothing will call the function for it",
                at: event.keyPosition)
        }
        reader.skip("PropagateTags")
        for key in ["DeploymentPreference", "FunctionUrlConfig", "FunctionScalingConfig"] {
            reader.ignore(key, because: "isn't supported yet and has no effect")
        }
    }
}

/// A function's name: as written, or made from stack and resource.
enum FunctionName {
    static func read(_ reader: inout PropertyReader, logicalID: String, context: StackContext) throws -> String {
        guard let name = try reader.literal("FunctionName") else { return context.generatedName(for: logicalID) }
        guard isName(name) else {
            throw TemplateError(
                .invalidValue, "\(logicalID).FunctionName `\(name)` isn't a function's name",
                suggestion: "1 to 64 letters, digits, - and _", at: reader.node["FunctionName"]?.position)
        }
        return name
    }

    private static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 64
            && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
    }
}

/// Source text inside a template, and paths to code.
enum InlineCode {
    static func fileName(runtime: String) -> String { runtime.hasPrefix("nodejs") ? "index.js" : "index.py" }

    static func localPath(_ path: String, at position: SourcePosition) throws -> String {
        if path.contains("://") {
            throw TemplateError(
                .unsupported, "code at `\(path)` can't be fetched",
                suggestion: "use a folder or zip file on this machine", at: position)
        }
        return path
    }
}
