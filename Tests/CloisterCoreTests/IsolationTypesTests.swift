import Foundation
import Testing

/// The compiler refuses what must never happen to an environment. Each program is checked against the very module
/// that these tests are built with; the correct one must pass, so that a broken set-up can't look like a refusal.
@Suite struct IsolationTypesTests {
    private struct SetUpError: Error, CustomStringConvertible { let description: String }

    private static let start = """
        import CloisterCore

        func serve(_ environment: BoundEnvironment) {}

        """

    @Test func theCorrectProgramCompiles() throws {
        let result = try check(
            """
            func hand(_ ready: consuming UnboundEnvironment, to tenant: TenantID) -> BoundEnvironment {
                ready.bind(to: .tenant(tenant))
            }
            func use(_ environment: BoundEnvironment) -> EnvironmentOwner { environment.owner }
            """)
        #expect(result.output == "")
        #expect(result.status == 0)
    }

    @Test func bindingTwiceDoesNotCompile() throws {
        try refused(
            """
            func hand(_ ready: consuming UnboundEnvironment, to one: TenantID, and other: TenantID) {
                serve(ready.bind(to: .tenant(one)))
                serve(ready.bind(to: .tenant(other)))
            }
            """, "'ready' consumed more than once")
    }

    @Test func bindingInALoopDoesNotCompile() throws {
        try refused(
            """
            func hand(_ ready: consuming UnboundEnvironment, to tenants: [TenantID]) {
                for tenant in tenants { serve(ready.bind(to: .tenant(tenant))) }
            }
            """, "'ready' consumed in a loop")
    }

    @Test func bindingABorrowedOneDoesNotCompile() throws {
        try refused(
            """
            func hand(_ ready: borrowing UnboundEnvironment, to tenant: TenantID) {
                serve(ready.bind(to: .tenant(tenant)))
            }
            """, "'ready' is borrowed and cannot be consumed")
    }

    @Test func copyingDoesNotCompile() throws {
        try refused(
            """
            func twice(_ ready: consuming UnboundEnvironment, _ tenant: TenantID) {
                let other = ready
                serve(other.bind(to: .tenant(tenant)))
                serve(ready.bind(to: .function))
            }
            """, "'ready' consumed more than once")
        try refused(
            "func twice(_ ready: borrowing UnboundEnvironment) { let _ = copy ready }",
            "'copy' cannot be applied to noncopyable")
    }

    @Test func makingABoundEnvironmentDoesNotCompile() throws {
        try refused(
            "func forge(_ n: EnvironmentNumber, _ o: EnvironmentOwner) { serve(BoundEnvironment(number: n, owner: o)) }",
            "'BoundEnvironment' initializer is inaccessible due to 'fileprivate' protection level")
    }

    @Test func changingTheOwnerDoesNotCompile() throws {
        try refused(
            "func steal(_ bound: inout BoundEnvironment, for tenant: TenantID) { bound.owner = .tenant(tenant) }",
            "cannot assign to property: 'owner' is a 'let' constant")
    }

    @Test func makingAnUnboundEnvironmentDoesNotCompile() throws {
        let program = "func forge(_ n: EnvironmentNumber) -> UnboundEnvironment { UnboundEnvironment(n) }"
        let diagnostic = "'UnboundEnvironment' initializer is inaccessible due to 'internal' protection level"
        try refused(program, diagnostic)
        try refused(program, diagnostic, packageName: "cloister")
    }

    // MARK: The compiler

    private func refused(
        _ program: String, _ diagnostic: String, packageName: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let result = try check(program, packageName: packageName)
        #expect(result.status != 0, "it compiles", sourceLocation: sourceLocation)
        let errors = result.output.split(separator: "\n").filter { $0.contains(" error: ") }
        #expect(
            errors.count == 1 && errors.first?.contains(diagnostic) == true, "\(result.output)",
            sourceLocation: sourceLocation)
    }

    private func check(_ program: String, packageName: String? = nil) throws -> (status: Int32, output: String) {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("isolation-types-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let source = directory.appendingPathComponent("Program.swift")
        try Data((Self.start + program + "\n").utf8).write(to: source)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            [
                "swiftc", "-emit-sil", "-o", "/dev/null", "-parse-as-library", "-swift-version", "6",
                "-diagnostic-style=llvm",
            ]
            + (packageName.map { ["-package-name", $0] } ?? []) + ["-I", try modules(), source.path]
        let pipe = Pipe()
        process.standardError = pipe
        process.standardOutput = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    /// Where the build put `CloisterCore.swiftmodule`: beside the test bundle that is running.
    private func modules() throws -> String {
        var directory = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        var candidates = [Bundle.main.bundleURL, directory]
        candidates += CommandLine.arguments.filter { $0.hasSuffix(".xctest") }.map { URL(fileURLWithPath: $0) }
        for candidate in candidates {
            directory = candidate.resolvingSymlinksInPath()
            while directory.path != "/" {
                let modules = directory.appendingPathComponent("Modules")
                let module = modules.appendingPathComponent("CloisterCore.swiftmodule").path
                if FileManager.default.fileExists(atPath: module) { return modules.path }
                directory.deleteLastPathComponent()
            }
        }
        throw SetUpError(description: "CloisterCore.swiftmodule is not beside \(candidates.map(\.path))")
    }
}
