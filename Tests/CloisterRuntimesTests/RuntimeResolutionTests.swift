import CloisterServiceKit
import Foundation
import Testing

@testable import CloisterRuntimes

@Suite struct RuntimeResolutionTests {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path

    private func images(substitutes: Bool = false) -> RuntimeImages {
        RuntimeImages(directory: folder, allowSubstitutes: substitutes, environment: [:])
    }

    /// A directory that looks like a finished image of `runtime`.
    private func place(_ runtime: String, format: Int = ImageManifest.currentFormat) throws {
        try FileTree.write([], to: "\(folder)/\(runtime)/rootfs/var/runtime/bootstrap", mode: 0o755)
        try ImageManifest(
            format: format, runtime: runtime, suite: "trixie", packages: [:], libraries: [:], digest: "", size: 0,
            builtAt: ""
        ).write("\(folder)/\(runtime)/image.json")
    }

    @Test func aKnownRuntimeWithoutImageIsNotBuilt() {
        #expect(images().availability(of: "python3.13") == .notBuilt)
    }

    @Test func aBuiltRuntimeIsReady() throws {
        defer { try? FileTree.remove(folder) }
        try place("python3.13")
        let image = RuntimeImage(
            runtime: "python3.13", directory: folder + "/python3.13/rootfs", bootstrap: ["/var/runtime/bootstrap"])
        #expect(images().availability(of: "python3.13") == .ready(image))
    }

    @Test func anImageOfAnotherFormatIsNotUsed() throws {
        defer { try? FileTree.remove(folder) }
        try place("python3.13", format: ImageManifest.currentFormat + 1)
        #expect(images().availability(of: "python3.13") == .notBuilt)
    }

    @Test func anUnfinishedImageIsNotUsed() throws {
        defer { try? FileTree.remove(folder) }
        try place("python3.13")
        try FileTree.remove("\(folder)/python3.13/image.json")
        #expect(images().availability(of: "python3.13") == .notBuilt)
    }

    @Test(arguments: ["python3.12", "ruby3.4", "", "../python3.13", "python3.13/"])
    func otherNamesAreUnknown(name: String) {
        #expect(images().availability(of: name) == .unknown(available: RuntimeDefinition.all.map(\.name)))
    }

    @Test func preparingAnUnknownRuntimeNamesTheKnown() async {
        await #expect(throws: RuntimeImageError.unknownRuntime("ruby3.4", available: images().available)) {
            try await images().prepare("ruby3.4")
        }
    }

    @Test func aSubstituteIsUsedOnlyWhereAllowed() throws {
        defer { try? FileTree.remove(folder) }
        try place("python3.13")
        #expect(images().substitute(for: "python3.12") == "python3.13")
        #expect(images().substitute(for: "python3.13") == nil)
        guard case .ready(let image) = images(substitutes: true).availability(of: "python3.12") else {
            Issue.record("no substitute")
            return
        }
        #expect(image.runtime == "python3.13")
    }

    @Test func everySubstituteIsARuntimeThatIsHere() {
        for (name, substitute) in RuntimeDefinition.substitutes {
            #expect(RuntimeDefinition.named(substitute) != nil, "\(name)")
            #expect(RuntimeDefinition.named(name) == nil, "\(name) needs no substitute")
        }
    }

    @Test func theDirectoryIsTheOptionElseTheVariableElseTheStandardPlace() {
        #expect(RuntimesDirectory(option: "/a", environment: ["CLOISTER_RUNTIMES": "/b"]).path == "/a")
        #expect(RuntimesDirectory(option: nil, environment: ["CLOISTER_RUNTIMES": "/b"]).path == "/b")
        #expect(RuntimesDirectory(option: nil, environment: [:]).path == "/var/cache/cloister/runtimes")
    }
}
