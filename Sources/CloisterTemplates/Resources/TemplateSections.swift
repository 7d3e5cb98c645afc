/// Checks the parts around resources: unknown sections are warned about, transforms other than SAM's are refused.
enum TemplateSections {
    private static let known: Set<String> = [
        "AWSTemplateFormatVersion", "Transform", "Description", "Metadata", "Parameters", "Mappings", "Conditions",
        "Resources", "Outputs", "Globals",
    ]
    private static let knownInResource: Set<String> = [
        "Type", "Properties", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Metadata",
    ]

    static func check(_ root: TemplateNode, warnings: WarningList) throws {
        try checkTransform(root["Transform"])
        for entry in root.entries ?? [] where !known.contains(entry.key) {
            if entry.key.hasPrefix("Fn::") {
                throw TemplateError(.unsupported, "`\(entry.key)` isn't supported", at: entry.keyPosition)
            }
            let hint = nearest(entry.key, in: known).flatMap { $0.hasPrefix("did") ? " (\($0))" : nil } ?? ""
            warnings.add("the section \(entry.key) has no effect\(hint)", at: entry.keyPosition)
        }
        for entry in root["Globals"]?.entries ?? [] where entry.key != "Function" && entry.key != "LayerVersion" {
            warnings.add("Globals.\(entry.key) has no effect", at: entry.keyPosition)
        }
    }

    private static func checkTransform(_ transform: TemplateNode?) throws {
        guard let transform else { return }
        for item in transform.items ?? [transform] {
            guard item.literal == "AWS::Serverless-2016-10-31" else {
                throw TemplateError(
                    .unsupported, "the transform `\(item.literal ?? item.kindName)` isn't supported",
                    suggestion: "AWS::Serverless-2016-10-31 is", at: item.position)
            }
        }
    }

    static func checkResource(_ entry: TemplateNode.Entry, warnings: WarningList) throws {
        if entry.key.isEmpty || !entry.key.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) {
            throw TemplateError(
                .malformed, "`\(entry.key)` isn't a logical id", suggestion: "letters and digits only",
                at: entry.keyPosition)
        }
        for part in entry.value.entries ?? [] where !knownInResource.contains(part.key) {
            warnings.add("\(entry.key): \(part.key) has no effect", at: part.keyPosition)
        }
    }
}
