import CloisterServiceKit
import Foundation

/// The runtime images on this host, and their making.
public struct RuntimeImages: RuntimeCatalog {
    let directory: RuntimesDirectory
    let allowSubstitutes: Bool
    let environment: [String: String]
    let progress: @Sendable (BuildProgress) -> Void

    /// - Parameters:
    ///   - directory: where images are kept; nil takes `CLOISTER_RUNTIMES`, else `/var/cache/cloister/runtimes`.
    ///   - allowSubstitutes: whether a runtime without an image is answered with the nearest that has one. The
    ///     image's `runtime` then differs from the name that was asked for: tell the user.
    ///   - progress: called, in order, on a thread of the build's.
    public init(
        directory: String? = nil, allowSubstitutes: Bool = false,
        environment: [String: String] = ProcessInfo.processInfo.environment,
        progress: @escaping @Sendable (BuildProgress) -> Void = { _ in }
    ) {
        self.directory = RuntimesDirectory(option: directory, environment: environment)
        self.allowSubstitutes = allowSubstitutes
        self.environment = environment
        self.progress = progress
    }

    /// Names that can be built, in the order in which to show them.
    public var available: [String] { RuntimeDefinition.all.map(\.name) }

    /// The runtime that would run in place of `runtime`; nil where it needs none or there is none.
    public func substitute(for runtime: String) -> String? {
        RuntimeDefinition.named(runtime) == nil ? RuntimeDefinition.substitutes[runtime] : nil
    }

    public func availability(of runtime: String) -> RuntimeAvailability {
        guard let definition = resolve(runtime) else { return .unknown(available: available) }
        guard let image = image(of: definition) else { return .notBuilt }
        return .ready(image)
    }

    /// What is known of a built image; nil where it isn't built.
    public func manifest(of runtime: String) -> ImageManifest? {
        resolve(runtime).flatMap { ImageManifest.read(directory.manifest($0.name)) }
    }

    public func prepare(_ runtime: String) async throws -> RuntimeImage {
        try await prepare(runtime, rebuild: false)
    }

    /// - Parameter rebuild: makes the image anew even where there is one, for example for security updates.
    ///   Environments that run keep the files of the old one until they end.
    /// - Throws: `RuntimeImageError`.
    public func prepare(_ runtime: String, rebuild: Bool) async throws -> RuntimeImage {
        guard let definition = resolve(runtime) else {
            throw RuntimeImageError.unknownRuntime(runtime, available: available)
        }
        if !rebuild, let image = image(of: definition) { return image }
        let cancellation = Cancellation()
        return try await withTaskCancellationHandler {
            try await onThread { try build(definition, rebuild: rebuild, cancellation: cancellation) }
        } onCancel: {
            cancellation.cancel()
        }
    }

    private func resolve(_ runtime: String) -> RuntimeDefinition? {
        if let definition = RuntimeDefinition.named(runtime) { return definition }
        guard allowSubstitutes, let name = substitute(for: runtime) else { return nil }
        return RuntimeDefinition.named(name)
    }

    private func image(of definition: RuntimeDefinition) -> RuntimeImage? {
        let name = definition.name
        guard let manifest = ImageManifest.read(directory.manifest(name)),
            manifest.format == ImageManifest.currentFormat, manifest.runtime == name,
            FileManager.default.fileExists(atPath: directory.rootfs(name) + RuntimeFiles.bootstrap)
        else { return nil }
        return RuntimeImage(
            runtime: name, directory: directory.rootfs(name), bootstrap: [RuntimeFiles.bootstrap])
    }

    /// Blocks for minutes, also while another process builds the same image.
    private func build(
        _ definition: RuntimeDefinition, rebuild: Bool, cancellation: Cancellation
    ) throws -> RuntimeImage {
        try FileTree.makeDirectory(directory.path)
        let lock = try BuildLock(path: directory.lock(definition.name), cancellation: cancellation)
        defer { lock.unlock() }
        if !rebuild, let image = image(of: definition) { return image }
        var builder = ImageBuilder(
            definition: definition, directory: directory, environment: environment, cancellation: cancellation,
            progress: progress)
        try builder.build()
        guard let image = image(of: definition) else {
            throw RuntimeImageError.file(path: directory.image(definition.name), reason: "is no image")
        }
        return image
    }

    /// Builds block: they get a thread of their own rather than one of the pool's.
    private func onThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try work() }) }
        }
    }
}
