/// Reads the resources of CloudFormation's `AWS::Lambda` and SAM's layers.
struct LambdaResourceReader {
    let logicalID: String
    let context: StackContext
    let warnings: WarningList
    let position: SourcePosition

    func function(_ properties: TemplateNode?) throws -> DesiredResource {
        var reader = try reader(properties)
        var function = try FunctionProperties.read(&reader)
        function["FunctionName"] = .string(try FunctionName.read(&reader, logicalID: logicalID, context: context))
        function["Role"] = .text(try reader.text("Role") ?? TemplateText(defaultRole))
        function["Tags"] = .map(try tags(&reader))
        var tracing = try reader.section("TracingConfig")
        let mode = try tracing?.choice("Mode", ["Active", "PassThrough"]) ?? "PassThrough"
        function["TracingConfig"] = .map(["Mode": .string(mode)])
        var deadLetters = try reader.section("DeadLetterConfig")
        let target = try deadLetters?.text("TargetArn") ?? TemplateText("")
        function["DeadLetterConfig"] = .map(["TargetArn": .text(target)])
        let code = try code(&reader, runtime: try reader.literal("Runtime") ?? "")
        try reader.warnAboutUnknown()
        return resource(.function, function, code: code)
    }

    /// `contentKey`: `Content` in CloudFormation, `ContentUri` in SAM. SAM keeps old versions unless told otherwise.
    func layer(_ properties: TemplateNode?, contentKey: String) throws -> DesiredResource {
        var reader = try reader(properties)
        let name = try reader.literal("LayerName") ?? (contentKey == "ContentUri" ? logicalID : nil)
        var layer: [String: PropertyValue] = [
            "LayerName": .string(name ?? context.generatedName(for: logicalID)),
            "Description": .text(try reader.text("Description") ?? TemplateText("")),
        ]
        for key in ["CompatibleRuntimes", "CompatibleArchitectures"] {
            if let names = try reader.texts(key) { layer[key] = .list(names.map { .text($0) }) }
        }
        if let license = try reader.text("LicenseInfo") { layer["LicenseInfo"] = .text(license) }
        guard let content = reader.value(contentKey) else {
            throw TemplateError(.invalidValue, "\(logicalID).\(contentKey) is missing", at: position)
        }
        let code = try path(content, key: contentKey)
        let retention = try reader.literal("RetentionPolicy") ?? (contentKey == "ContentUri" ? "Retain" : "Delete")
        try reader.warnAboutUnknown()
        var result = resource(.layerVersion, layer, code: code)
        result.isRetained = retention.lowercased() == "retain"
        return result
    }

    func version(_ properties: TemplateNode?) throws -> DesiredResource {
        var reader = try reader(properties)
        var version: [String: PropertyValue] = ["FunctionName": .text(try reader.required("FunctionName"))]
        if let description = try reader.text("Description") { version["Description"] = .text(description) }
        if let digest = try reader.text("CodeSha256") { version["CodeSha256"] = .text(digest) }
        version[ProvisionedConcurrencyProperties.key] = try ProvisionedConcurrencyProperties.read(&reader)
        try reader.warnAboutUnknown()
        return resource(.version, version)
    }

    func alias(_ properties: TemplateNode?) throws -> DesiredResource {
        var reader = try reader(properties)
        var alias: [String: PropertyValue] = [
            "FunctionName": .text(try reader.required("FunctionName")),
            "FunctionVersion": .text(try reader.required("FunctionVersion")),
            "Name": .text(try reader.required("Name")),
            "Description": .text(try reader.text("Description") ?? TemplateText("")),
        ]
        if let weights = try routing(&reader) { alias["RoutingConfig"] = weights }
        alias[ProvisionedConcurrencyProperties.key] = try ProvisionedConcurrencyProperties.read(&reader)
        try reader.warnAboutUnknown()
        return resource(.alias, alias)
    }

    func permission(_ properties: TemplateNode?) throws -> DesiredResource {
        var reader = try reader(properties)
        var permission: [String: PropertyValue] = [
            "FunctionName": .text(try reader.required("FunctionName")),
            "Action": .text(try reader.required("Action")),
            "Principal": .text(try reader.required("Principal")),
            "StatementId": .string(context.generatedName(for: logicalID, lengthMax: 100)),
        ]
        for key in ["SourceArn", "SourceAccount", "EventSourceToken", "FunctionUrlAuthType", "PrincipalOrgID"] {
            if let text = try reader.text(key) { permission[key] = .text(text) }
        }
        try reader.warnAboutUnknown()
        return resource(.permission, permission)
    }

    func eventInvokeConfiguration(_ properties: TemplateNode?) throws -> DesiredResource {
        var reader = try reader(properties)
        let function = try reader.required("FunctionName")
        let qualifier = try reader.required("Qualifier")
        var configuration = try EventInvokeProperties.read(&reader)
        configuration["FunctionName"] = .text(function)
        configuration["Qualifier"] = .text(qualifier)
        return resource(.eventInvokeConfiguration, configuration)
    }

    func role(_ properties: TemplateNode?) throws -> DesiredResource {
        var reader = try reader(properties)
        var role: [String: PropertyValue] = [
            "RoleName": .string(try reader.literal("RoleName") ?? context.generatedName(for: logicalID)),
            "Path": .string(try reader.literal("Path") ?? "/"),
            "AssumeRolePolicyDocument": reader.value("AssumeRolePolicyDocument").map(ExecutionRole.value) ?? .map([:]),
            "ManagedPolicyArns": .list((try reader.texts("ManagedPolicyArns") ?? []).map { .text($0) }),
            "Policies": .list(try inlinePolicies(&reader)),
            "Tags": .map(try tags(&reader)),
        ]
        if let boundary = try reader.text("PermissionsBoundary") { role["PermissionsBoundary"] = .text(boundary) }
        if let description = try reader.text("Description") { role["Description"] = .text(description) }
        if let seconds = try reader.integer("MaxSessionDuration", in: 3_600...43_200) {
            role["MaxSessionDuration"] = .integer(seconds)
        }
        try reader.warnAboutUnknown()
        return resource(.role, role)
    }

    private func inlinePolicies(_ reader: inout PropertyReader) throws -> [PropertyValue] {
        guard let value = reader.value("Policies") else { return [] }
        guard let items = value.items else { throw reader.wrongType("Policies", "a list", value) }
        return try items.map { item in
            guard let name = item["PolicyName"]?.literal, let document = item["PolicyDocument"], document.entries != nil else {
                throw reader.wrongType("Policies", "a list of PolicyName and PolicyDocument", item)
            }
            return .map(["PolicyName": .string(name), "PolicyDocument": ExecutionRole.value(document)])
        }
    }

    // MARK: - Parts

    private var defaultRole: String {
        "arn:aws:iam::\(context.account):role/\(context.generatedName(for: logicalID + "Role"))"
    }

    private func reader(_ properties: TemplateNode?) throws -> PropertyReader {
        try PropertyReader(properties, path: logicalID, warnings: warnings, at: position)
    }

    private func resource(
        _ kind: ResourceKind, _ properties: [String: PropertyValue], code: CodeSource? = nil
    ) -> DesiredResource {
        DesiredResource(logicalID: logicalID, kind: kind, properties: properties, code: code, position: position)
    }

    private func tags(_ reader: inout PropertyReader) throws -> [String: PropertyValue] {
        var result: [String: PropertyValue] = [:]
        guard let value = reader.value("Tags") else { return result }
        guard let items = value.items else { throw reader.wrongType("Tags", "a list of Key and Value", value) }
        for item in items {
            guard let key = item["Key"]?.literal, let text = item["Value"]?.text else {
                throw reader.wrongType("Tags", "a list of Key and Value", item)
            }
            result[key] = .text(text)
        }
        return result
    }

    private func code(_ reader: inout PropertyReader, runtime: String) throws -> CodeSource {
        guard let value = reader.value("Code") else {
            throw TemplateError(.invalidValue, "\(logicalID).Code is missing", at: position)
        }
        if value.text != nil { return try path(value, key: "Code") }
        var section = try PropertyReader(value, path: "\(logicalID).Code", warnings: warnings, at: value.position)
        section.skip("SourceKMSKeyArn")
        if section.value("S3Bucket") != nil || section.value("S3Key") != nil || section.value("ImageUri") != nil {
            throw TemplateError(
                .unsupported, "\(logicalID).Code must be ZipFile or a path on this machine", suggestion: "Code: src/",
                at: value.position)
        }
        guard let source = try section.literal("ZipFile") else {
            throw TemplateError(.invalidValue, "\(logicalID).Code has no ZipFile", at: value.position)
        }
        try section.warnAboutUnknown()
        return .inline(fileName: InlineCode.fileName(runtime: runtime), source: source)
    }

    private func path(_ value: TemplateNode, key: String) throws -> CodeSource {
        guard let path = value.literal else {
            throw TemplateError(
                .unsupported, "\(logicalID).\(key) must be a path on this machine", suggestion: "\(key): layer/",
                at: value.position)
        }
        return .path(try InlineCode.localPath(path, at: value.position))
    }

    private func routing(_ reader: inout PropertyReader) throws -> PropertyValue? {
        guard var section = try reader.section("RoutingConfig") else { return nil }
        guard let items = section.value("AdditionalVersionWeights")?.items else { return nil }
        var weights: [String: PropertyValue] = [:]
        for item in items {
            guard let version = item["FunctionVersion"]?.literal,
                let weight = item["FunctionWeight"]?.literal.flatMap({ Double($0) }), (0...1).contains(weight)
            else {
                throw TemplateError(
                    .invalidValue, "\(section.path): an additional version needs FunctionVersion and FunctionWeight",
                    suggestion: "the weight is 0.0 to 1.0", at: item.position)
            }
            weights[version] = .number(weight)
        }
        return .map(["AdditionalVersionWeights": .map(weights)])
    }
}
