import CloisterCore
import CloisterTemplates
import Foundation

/// A template with its code, compared with what is deployed: all that is needed to apply it.
struct DeploymentPlan {
    let stackName: String
    let region: String
    let account: AccountID
    let graph: ResourceGraph
    /// By logical id.
    let packages: [String: CodePackage]
    let deployed: StackRecord?
    let changes: ChangeSet
    /// Files and folders that the plan was made from.
    let sources: [String]

    /// Reads the template at `path`, packages its code and compares it with `deployed`. Throws `TemplateError` or
    /// `CommandFailure`.
    init(path: String, context: StackContext, deployed: StackRecord?) throws {
        guard let contents = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(
                "the template `\(path)` can't be read", hint: "cloister deploy template.yaml", status: .badInput)
        }
        guard contents.count <= TemplateLimits.bytesMax, let text = String(bytes: contents, encoding: .utf8) else {
            throw CommandFailure(
                "`\(path)` isn't a text of at most \(TemplateLimits.bytesMax) bytes", status: .badInput)
        }
        let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
        graph = try Template(text, file: path).resources(for: context)
        var packages: [String: CodePackage] = [:]
        var sources = [path]
        for resource in graph.resources {
            guard let code = resource.code else { continue }
            packages[resource.logicalID] = try CodePackage.make(code, directory: directory, at: resource.position)
            if let location = CodePackage.location(of: code, directory: directory) { sources.append(location) }
        }
        self.packages = packages
        self.sources = sources
        self.stackName = context.stackName
        self.region = context.region
        self.account = context.account
        self.deployed = deployed
        self.changes = ChangeSet(
            desired: graph, codeDigests: packages.mapValues(\.sha256), deployed: deployed)
    }

    /// The template's folder's name, as far as a stack may be called so.
    static func defaultStackName(template path: String) -> String {
        let folder = URL(fileURLWithPath: path).standardizedFileURL.deletingLastPathComponent().lastPathComponent
        let plain = folder.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        let name = String(String(plain).drop { !$0.isLetter }.prefix(64))
        return StackContext.isStackName(name) ? name : "cloister-app"
    }
}
