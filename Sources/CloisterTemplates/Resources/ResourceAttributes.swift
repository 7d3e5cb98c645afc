import CloisterCore

/// Which attributes `Ref` and `Fn::GetAtt` may ask of a resource, and those that are known before it exists.
struct ResourceAttributes {
    let context: StackContext
    /// Logical id to type, for every resource that the template makes.
    let types: [String: String]
    /// Logical ids that the template has but whose condition is false.
    let conditionedOut: Set<String>
    /// SAM functions with `AutoPublishAlias`, and the alias's name.
    let aliases: [String: String]
    let warnings: WarningList

    /// Throws when `resource` isn't there or has no such attribute; warns when it is there but not made.
    func check(_ resource: String, _ attribute: String, at position: SourcePosition) throws {
        if let type = types[resource] {
            guard let known = attributes(of: resource, type: type) else {
                warnings.add(
                    "\(resource).\(attribute) refers to a \(type), which isn't made; it stands for a made-up value",
                    at: position)
                return
            }
            if known.contains(attribute) { return }
            throw TemplateError(
                .unresolved, "\(resource) (\(type)) has no attribute `\(attribute)`",
                suggestion: nearest(attribute, in: known), at: position)
        }
        if isImplicitRole(resource), attribute == "Ref" || attribute == "Arn" { return }
        if let attributes = implicitAttributes(resource), attributes.contains(attribute) { return }
        if conditionedOut.contains(resource) {
            throw TemplateError(
                .unresolved, "\(resource) isn't made, because its condition is false",
                suggestion: "use !If with the same condition", at: position)
        }
        throw TemplateError(
            .unresolved, "there is no parameter or resource `\(resource)`",
            suggestion: nearest(resource, in: types.keys), at: position)
    }

    /// Nil for types that aren't made.
    private func attributes(of resource: String, type: String) -> [String]? {
        switch type {
        case "AWS::Serverless::Function": ["Ref", "Arn"] + (aliases[resource] == nil ? [] : ["Alias", "Version"])
        case "AWS::Lambda::Function": ["Ref", "Arn"]
        case "AWS::Serverless::LayerVersion", "AWS::Lambda::LayerVersion": ["Ref", "LayerVersionArn"]
        case "AWS::Lambda::Version": ["Ref", "Version", "FunctionArn"]
        case "AWS::Lambda::Alias": ["Ref", "AliasArn"]
        case "AWS::Lambda::Permission": ["Ref", "Id"]
        case "AWS::Lambda::EventInvokeConfig": ["Ref"]
        case "AWS::IAM::Role": ["Ref", "Arn", "RoleId"]
        default: nil
        }
    }

    private func isImplicitRole(_ resource: String) -> Bool {
        resource.hasSuffix("Role") && types[String(resource.dropLast(4))] == "AWS::Serverless::Function"
    }

    private func implicitAttributes(_ resource: String) -> [String]? {
        for (function, alias) in aliases {
            if resource == function + "Version" { return ["Ref", "Version"] }
            if resource == function + "Alias" + alias { return ["Ref"] }
        }
        return nil
    }

    /// `Function.Alias` and `Function.Version` are SAM's words for attributes of the resources it makes.
    func rewritten(_ resource: String, _ attribute: String) -> (resource: String, attribute: String) {
        guard let alias = aliases[resource], attribute == "Alias" || attribute == "Version" else {
            return (resource, attribute)
        }
        return attribute == "Alias" ? (resource + "Alias" + alias, "Ref") : (resource + "Version", "Version")
    }

    /// Attributes of functions and roles follow from their names; what isn't made gets made-up ones. Nil for what
    /// is known only after deployment.
    func known(_ resource: String, _ attribute: String, desired: [String: DesiredResource]) -> String? {
        if let made = desired[resource] { return known(made, attribute) }
        if isImplicitRole(resource) {
            let name = context.generatedName(for: resource)
            return attribute == "Arn" ? "arn:aws:iam::\(context.account):role/\(name)" : name
        }
        guard let type = types[resource] else { return nil }
        let name = context.generatedName(for: resource)
        let service = type.split(separator: ":").dropFirst().first?.lowercased() ?? "unknown"
        switch attribute {
        case "Ref": return name
        case "Arn": return "arn:aws:\(service):\(context.region):\(context.account):\(name)"
        default: return "\(name).\(attribute)"
        }
    }

    private func known(_ resource: DesiredResource, _ attribute: String) -> String? {
        switch resource.kind {
        case .function:
            guard case .text(let text)? = resource.properties["FunctionName"], let name = text.literal else {
                return nil
            }
            let key = FunctionKey(region: context.region, name: name)
            return attribute == "Arn" ? key.arn(account: context.account) : name
        case .role:
            guard case .text(let text)? = resource.properties["RoleName"], let name = text.literal else { return nil }
            guard case .text(let path)? = resource.properties["Path"] else { return nil }
            switch attribute {
            case "Arn": return "arn:aws:iam::\(context.account):role\(path.literal ?? "/")\(name)"
            case "RoleId": return "AROA" + stableSuffix(name)
            default: return name
            }
        case .layerVersion, .version, .alias, .permission, .eventInvokeConfiguration:
            return nil
        }
    }
}
