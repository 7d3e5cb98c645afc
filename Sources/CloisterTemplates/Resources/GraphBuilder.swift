/// Evaluates a template and turns its resources into those of the Lambda API.
struct GraphBuilder {
    private let template: Template
    private let context: StackContext
    private let warnings = WarningList()
    private let parameters: TemplateParameters
    private let conditions: [String: Bool]

    init(template: Template, context: StackContext) throws {
        self.template = template
        self.context = context
        let root = template.root
        parameters = try TemplateParameters(
            section: root["Parameters"], overrides: context.parameters, file: template.file)
        conditions = try ConditionEvaluator.evaluate(
            root["Conditions"], context: context, parameters: parameters, mappings: root["Mappings"])
    }

    func build() throws -> ResourceGraph {
        try TemplateSections.check(template.root, warnings: warnings)
        let entries = try resourceEntries()
        let wanted = try entries.filter { try holds($0) }
        let attributes = ResourceAttributes(
            context: context,
            types: Dictionary(wanted.map { ($0.key, $0.value["Type"]?.literal ?? "") }) { first, _ in first },
            conditionedOut: Set(entries.map(\.key)).subtracting(wanted.map(\.key)),
            aliases: publishedAliases(wanted), warnings: warnings)
        let evaluator = Evaluator(
            context: context, parameters: parameters, mappings: template.root["Mappings"], conditions: conditions,
            checkAttribute: attributes.check)
        let resources = try wanted.flatMap { try read($0, evaluator: evaluator) }
        return try assemble(resources, attributes: attributes, evaluator: evaluator)
    }

    private func resourceEntries() throws -> [TemplateNode.Entry] {
        guard let section = template.root["Resources"], let entries = section.entries, !entries.isEmpty else {
            throw TemplateError(
                .malformed, "the template has no `Resources`",
                at: template.root["Resources"]?.position ?? template.root.position)
        }
        guard entries.count <= TemplateLimits.resourcesMax else {
            throw TemplateError(
                .tooLarge, "more than \(TemplateLimits.resourcesMax) resources", at: section.position)
        }
        for entry in entries where entry.value["Type"]?.literal == nil {
            throw TemplateError(.malformed, "\(entry.key) has no `Type`", at: entry.keyPosition)
        }
        return entries
    }

    /// Whether the entry's `Condition` is absent or true.
    private func holds(_ entry: TemplateNode.Entry) throws -> Bool {
        guard let name = entry.value["Condition"] else { return true }
        guard let literal = name.literal, let isTrue = conditions[literal] else {
            throw TemplateError(
                .unresolved, "there is no condition `\(name.literal ?? "?")`",
                suggestion: nearest(name.literal ?? "", in: conditions.keys), at: name.position)
        }
        return isTrue
    }

    private func globals(for type: String) -> TemplateNode? {
        switch type {
        case "AWS::Serverless::Function": template.root["Globals"]?["Function"]
        case "AWS::Serverless::LayerVersion": template.root["Globals"]?["LayerVersion"]
        default: nil
        }
    }

    private func properties(of entry: TemplateNode.Entry) -> TemplateNode? {
        let own = entry.value["Properties"]
        guard let globals = globals(for: entry.value["Type"]?.literal ?? "") else { return own }
        return own.map { GlobalsMerge.merge(globals, with: $0) } ?? globals
    }

    /// Read before anything is evaluated, because references to the alias have to be checked by then.
    private func publishedAliases(_ entries: [TemplateNode.Entry]) -> [String: String] {
        let evaluator = Evaluator(
            context: context, parameters: parameters, mappings: template.root["Mappings"], conditions: conditions
        ) { resource, _, position in throw TemplateError(.unresolved, resource, at: position) }
        var aliases: [String: String] = [:]
        for entry in entries where entry.value["Type"]?.literal == "AWS::Serverless::Function" {
            guard let alias = properties(of: entry)?["AutoPublishAlias"] else { continue }
            // What is wrong with it is reported when the function itself is read.
            aliases[entry.key] = (try? evaluator.evaluate(alias))?.literal
        }
        return aliases
    }

    private func read(_ entry: TemplateNode.Entry, evaluator: Evaluator) throws -> [DesiredResource] {
        try TemplateSections.checkResource(entry, warnings: warnings)
        let type = entry.value["Type"]?.literal ?? ""
        let id = entry.key
        let lambda = LambdaResourceReader(
            logicalID: id, context: context, warnings: warnings, position: entry.keyPosition)
        func properties() throws -> TemplateNode? {
            try self.properties(of: entry).flatMap { try evaluator.evaluate($0) }
        }
        var made: [DesiredResource]
        switch type {
        case "AWS::Serverless::Function":
            let reader = ServerlessFunctionReader(
                logicalID: id, context: context, warnings: warnings, position: entry.keyPosition)
            made = try reader.read(try properties())
        case "AWS::Lambda::Function": made = [try lambda.function(try properties())]
        case "AWS::Serverless::LayerVersion": made = [try lambda.layer(try properties(), contentKey: "ContentUri")]
        case "AWS::Lambda::LayerVersion": made = [try lambda.layer(try properties(), contentKey: "Content")]
        case "AWS::Lambda::Version": made = [try lambda.version(try properties())]
        case "AWS::Lambda::Alias": made = [try lambda.alias(try properties())]
        case "AWS::Lambda::Permission": made = [try lambda.permission(try properties())]
        case "AWS::Lambda::EventInvokeConfig": made = [try lambda.eventInvokeConfiguration(try properties())]
        case "AWS::IAM::Role": made = [try lambda.role(try properties())]
        default:
            warnings.add("\(id) (\(type)) isn't supported yet and is left out", at: entry.keyPosition)
            return []
        }
        let isRetained = entry.value["DeletionPolicy"]?.literal == "Retain"
        for index in made.indices {
            made[index].dependencies.formUnion(dependsOn(entry))
            if isRetained { made[index].isRetained = true }
        }
        return made
    }

    private func dependsOn(_ entry: TemplateNode.Entry) -> [String] {
        guard let value = entry.value["DependsOn"] else { return [] }
        return value.literal.map { [$0] } ?? (value.items ?? []).compactMap(\.literal)
    }

    private func assemble(
        _ resources: [DesiredResource], attributes: ResourceAttributes, evaluator: Evaluator
    ) throws -> ResourceGraph {
        var byID: [String: DesiredResource] = [:]
        for resource in resources {
            guard byID.updateValue(resource, forKey: resource.logicalID) == nil else {
                throw TemplateError(
                    .malformed, "two resources are called \(resource.logicalID)",
                    suggestion: "AutoPublishAlias makes <Function>Version and <Function>Alias<name>",
                    at: resource.position)
            }
        }
        let rewrite = { (text: TemplateText) in rewritten(text, attributes) }
        let resolve = { (text: TemplateText) in
            text.resolved { attributes.known($0, $1, desired: byID) }
        }
        let finished = resources.map { resource in
            var result = resource
            let properties = resource.properties.mapValues { $0.mapTexts(rewrite) }
            for value in properties.values { result.dependencies.formUnion(value.resources) }
            result.dependencies.formIntersection(byID.keys)
            result.dependencies.remove(resource.logicalID)
            result.properties = properties.mapValues { $0.mapTexts(resolve) }
            return result
        }
        let outputs = try outputs(evaluator).map { output in
            var result = output
            result.value = resolve(rewrite(output.value))
            return result
        }
        return try ResourceGraph(
            resources: finished, outputs: outputs, warnings: warnings.warnings,
            description: template.root["Description"]?.literal)
    }

    private func rewritten(_ text: TemplateText, _ attributes: ResourceAttributes) -> TemplateText {
        var result = TemplateText("")
        for segment in text.segments {
            switch segment {
            case .literal(let literal): result.append(TemplateText(literal))
            case .attribute(let resource, let name):
                let target = attributes.rewritten(resource, name)
                result.append(TemplateText(resource: target.resource, attribute: target.attribute))
            }
        }
        return result
    }

    private func outputs(_ evaluator: Evaluator) throws -> [ResourceGraph.Output] {
        guard let section = template.root["Outputs"], !section.isNull else { return [] }
        guard let entries = section.entries else {
            throw TemplateError(.malformed, "`Outputs` must be a map", at: section.position)
        }
        return try entries.filter { try holds($0) }.map { entry in
            if let export = entry.value["Export"] {
                warnings.add("output \(entry.key) isn't exported: stacks don't share values yet", at: export.position)
            }
            guard let value = entry.value["Value"] else {
                throw TemplateError(.malformed, "output \(entry.key) has no `Value`", at: entry.keyPosition)
            }
            return .init(
                name: entry.key, value: try evaluator.text(value, in: "Outputs.\(entry.key)"),
                description: entry.value["Description"]?.literal)
        }
    }
}
