import CloisterLambda
import Testing

@Suite struct CoverageTests {
    @Test func everyOperationAnswersAsTheTableSays() async throws {
        let harness = try Harness()
        for operation in LambdaCoverage.operations where operation.status != .dataPlane {
            let path = operation.path.replacing(#/\{[A-Za-z]+\}/#, with: "x1")
            let answer = try await harness.send(operation.method.rawValue, path, [:])
            if operation.status == .missing {
                #expect(answer.status == 501, "\(operation.name)")
                #expect(answer.error == "NotImplementedException")
                #expect(answer.message == "Cloister does not implement \(operation.name).")
            } else {
                #expect(answer.status != 501, "\(operation.name)")
                #expect(answer.status < 500, "\(operation.name)")
            }
        }
    }

    @Test func thePageNamesEveryOperationOnce() {
        let page = LambdaCoverage.markdown()
        for operation in LambdaCoverage.operations {
            #expect(page.split(separator: "\n").count { $0.hasPrefix("| \(operation.name) |") } == 1)
        }
    }
}
