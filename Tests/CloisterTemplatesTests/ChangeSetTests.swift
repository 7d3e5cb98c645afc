import CloisterTemplates
import Testing

@Suite("Change sets")
struct ChangeSetTests {
    static let base = """
        Resources:
          Layer:
            Type: AWS::Serverless::LayerVersion
            Properties: {ContentUri: layer}
          F:
            Type: AWS::Serverless::Function
            Properties:
              Handler: app.main
              Runtime: python3.13
              FunctionName: f
              Timeout: 3
              Layers: [!Ref Layer]
              AutoPublishAlias: live
        """
    static let digests = ["F": "code1", "Layer": "layer1"]

    /// The record that deploying `graph` leaves.
    func deployed(_ graph: ResourceGraph, _ digests: [String: String]) -> StackRecord {
        StackRecord(
            name: "demo", region: "eu-west-1",
            resources: graph.resources.map {
                DeployedResource(
                    logicalID: $0.logicalID, kind: $0.kind, physicalID: $0.logicalID,
                    properties: $0.properties.mapValues(\.json), codeSHA256: digests[$0.logicalID],
                    dependencies: $0.dependencies.sorted(), isRetained: $0.isRetained)
            })
    }

    func actions(_ text: String, digests: [String: String] = digests, after: String = base) throws -> [String: Change
        .Action]
    {
        let before = deployed(try graph(after), Self.digests)
        let set = ChangeSet(desired: try graph(text), codeDigests: digests, deployed: before)
        return Dictionary(set.changes.map { ($0.logicalID, $0.action) }) { first, _ in first }
    }

    @Test("a first deployment creates everything, dependencies first")
    func first() throws {
        let set = ChangeSet(desired: try graph(Self.base), codeDigests: Self.digests, deployed: nil)
        #expect(set.changes.map(\.logicalID) == ["Layer", "F", "FVersion", "FAliaslive"])
        #expect(set.changes.allSatisfy { $0.action == .create })
    }

    @Test("the same again is no change")
    func unchanged() throws {
        let before = deployed(try graph(Self.base), Self.digests)
        #expect(ChangeSet(desired: try graph(Self.base), codeDigests: Self.digests, deployed: before).isEmpty)
    }

    @Test("configuration is updated in place, and says from what to what")
    func configuration() throws {
        let text = Self.base.replacing("Timeout: 3", with: "Timeout: 9")
        #expect(
            try actions(text) == ["Layer": .unchanged, "F": .update, "FVersion": .unchanged, "FAliaslive": .unchanged])
        let before = deployed(try graph(Self.base), Self.digests)
        let set = ChangeSet(desired: try graph(text), codeDigests: Self.digests, deployed: before)
        #expect(set["F"]?.reasons == ["Timeout 3 → 9"])
        #expect(set["F"]?.isCodeChanged == false)
    }

    @Test("new code publishes a new version and moves the alias")
    func code() throws {
        #expect(
            try actions(Self.base, digests: ["F": "code2", "Layer": "layer1"])
                == ["Layer": .unchanged, "F": .update, "FVersion": .replace, "FAliaslive": .update])
    }

    @Test("a new layer version updates the functions that use it")
    func layer() throws {
        #expect(
            try actions(Self.base, digests: ["F": "code1", "Layer": "layer2"])
                == ["Layer": .replace, "F": .update, "FVersion": .unchanged, "FAliaslive": .unchanged])
    }

    @Test("tenancy can't be changed in place: the function and all that belongs to it are replaced")
    func tenancy() throws {
        let text = Self.base + "\n      TenancyConfig: {TenantIsolationMode: PER_TENANT}"
        #expect(
            try actions(text) == ["Layer": .unchanged, "F": .replace, "FVersion": .replace, "FAliaslive": .replace])
        #expect(
            try actions(Self.base, after: text)
                == ["Layer": .unchanged, "F": .replace, "FVersion": .replace, "FAliaslive": .replace])
    }

    @Test("what the template no longer has is deleted last, or kept if it said so; versions go with their function")
    func deletion() throws {
        let text = "Resources:\n  G: {Type: AWS::Serverless::Function, Properties: {Handler: a.b, Runtime: python3.13}}"
        let before = deployed(try graph(Self.base), Self.digests)
        let set = ChangeSet(desired: try graph(text), codeDigests: ["G": "x"], deployed: before)
        #expect(set.changes.map(\.logicalID) == ["G", "FAliaslive", "FVersion", "F", "Layer"])
        #expect(set.changes.map(\.action) == [.create, .delete, .delete, .delete, .retain])
    }

    @Test("what an interrupted deployment left half done is made anew")
    func interrupted() throws {
        var before = deployed(try graph(Self.base), Self.digests)
        var function = try #require(before["F"])
        function.isComplete = false
        before.put(function)
        let set = ChangeSet(desired: try graph(Self.base), codeDigests: Self.digests, deployed: before)
        #expect(set["F"]?.action == .replace)
        #expect(set["F"]?.reasons == ["an earlier deployment of it was interrupted"])
    }

    @Test("texts, which may be secrets, are not shown")
    func secrets() throws {
        let before = deployed(try graph(evaluating("old-secret")), [:])
        let set = ChangeSet(desired: try graph(evaluating("new-secret")), codeDigests: [:], deployed: before)
        #expect(set["Subject"]?.reasons == ["Environment"])
    }
}
