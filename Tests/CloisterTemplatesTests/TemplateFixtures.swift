import CloisterCore
import CloisterTemplates
import Foundation
import Testing

/// What most tests evaluate templates for.
func testContext(_ parameters: [String: String] = [:], stack: String = "demo") -> StackContext {
    StackContext(stackName: stack, region: "eu-west-1", account: .default, parameters: parameters)
}

func graph(_ text: String, _ parameters: [String: String] = [:]) throws -> ResourceGraph {
    try Template(text, file: "template.yaml").resources(for: testContext(parameters))
}

/// The error that reading or evaluating `text` throws.
func failure(_ text: String, _ parameters: [String: String] = [:]) -> TemplateError? {
    do {
        _ = try graph(text, parameters)
        return nil
    } catch let error as TemplateError {
        return error
    } catch {
        Issue.record("not a TemplateError: \(error)")
        return nil
    }
}

/// A function whose environment holds one variable with the value under test.
func evaluating(_ value: String, sections: String = "") -> String {
    """
    \(sections)
    Resources:
      Other:
        Type: AWS::Serverless::Function
        Properties: {FunctionName: other, Handler: app.main, Runtime: python3.13, CodeUri: src}
      Layer:
        Type: AWS::Serverless::LayerVersion
        Properties: {ContentUri: layer}
      Subject:
        Type: AWS::Serverless::Function
        Properties:
          Handler: app.main
          Runtime: python3.13
          CodeUri: src
          Environment:
            Variables:
              VALUE: \(value)
    """
}

func variable(_ graph: ResourceGraph) -> String? {
    graph["Subject"]?.properties["Environment"]?.json["Variables"]?["VALUE"]?.string
}

/// A folder of its own for one test, removed afterwards.
func withFolder(_ files: [String: String], _ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("templates-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, contents) in files {
        let file = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(contents.utf8).write(to: file)
    }
    try body(folder.path)
}
