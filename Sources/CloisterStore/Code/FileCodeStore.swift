import CloisterServiceKit
import Crypto
import Dispatch

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Code as files: `DIRECTORY/<sha256>/` holds `archive.zip`, `code.json` and the unpacked `tree`;
/// `DIRECTORY/layers-<sha256>/` holds merged layers, by the digest of the list of their digests.
///
/// Everything is written under a temporary name, synchronised, then renamed: what has its final name is complete.
/// Works on threads of its own, two archives at a time.
public final class FileCodeStore: CodeStore {
    private static let temporaryPrefix = ".new-"
    private static let layersPrefix = "layers-"

    private let root: String
    private let limits: CodeLimits
    private let queue = DispatchQueue(label: "cloister.code", attributes: .concurrent)
    private let slots = DispatchSemaphore(value: 2)

    /// `directory` is an absolute path; it is made (0711) if need be, its parent must exist. Removes the temporaries
    /// of a crashed run.
    public init(directory: String, limits: CodeLimits = CodeLimits()) throws(CodeError) {
        self.root = directory
        self.limits = limits
        // Environments' users pass through to the tree that is bound for them, but can't list what else there is.
        try FileTree.ensureDirectory(directory, mode: 0o711)
        for name in try FileTree.names(directory) where name.hasPrefix(FileCodeStore.temporaryPrefix) {
            try FileTree.remove(directory + "/" + name)
        }
    }

    public func add(_ archive: [UInt8]) async throws(CodeError) -> StoredCode {
        try await onQueue { [self] () throws(CodeError) in try addNow(archive) }
    }

    public func directory(of digest: CodeDigest) -> String { "\(root)/\(digest)/tree" }

    public func archive(_ digest: CodeDigest) async throws(CodeError) -> [UInt8] {
        try await onQueue { [self] () throws(CodeError) in
            let path = "\(root)/\(digest)/archive.zip"
            guard FileTree.exists(path) else { throw CodeError(.missing, "no code \(digest)") }
            return try FileTree.read(path, bytesMax: limits.archiveBytesMax)
        }
    }

    public func layersDirectory(_ digests: [CodeDigest]) async throws(CodeError) -> String {
        if digests.count == 1 { return directory(of: digests[0]) }
        let path = "\(root)/\(FileCodeStore.layersName(digests))"
        if FileTree.exists(path) { return path }
        return try await onQueue { [self] () throws(CodeError) in
            for digest in digests where !FileTree.isDirectory(directory(of: digest)) {
                throw CodeError(.missing, "no code \(digest)")
            }
            try build(path) { (temporary) throws(CodeError) in
                try LayerMerger.merge(digests.map(directory(of:)), into: temporary)
            }
            return path
        }
    }

    public func removeAll(except codes: Set<CodeDigest>, layers: Set<[CodeDigest]>) async throws(CodeError) {
        let kept = Set(codes.map(\.rawValue)).union(layers.map(FileCodeStore.layersName))
        try await onQueue { [root] () throws(CodeError) in
            for name in try FileTree.names(root) where !kept.contains(name) {
                // Other people's files in our directory are left alone.
                let isOurs = CodeDigest(name) != nil || name.hasPrefix(FileCodeStore.layersPrefix)
                if isOurs { try FileTree.remove(root + "/" + name) }
            }
        }
    }

    private func addNow(_ archive: [UInt8]) throws(CodeError) -> StoredCode {
        guard archive.count <= limits.archiveBytesMax else {
            throw CodeError(.archiveTooLarge, "Zipped size must be at most \(limits.archiveBytesMax) bytes")
        }
        let digest = try FileCodeStore.digest(archive)
        let path = "\(root)/\(digest)"
        if FileTree.exists(path) { return try storedCode(path) }
        try build(path) { (temporary) throws(CodeError) in
            try FileTree.makeDirectory(temporary + "/tree")
            let unpacked = try CodeUnpacker(archive: archive, limits: limits).unpack(into: temporary + "/tree")
            let code = StoredCode(
                digest: digest, archiveBytes: archive.count, unpackedBytes: unpacked.unpackedBytes,
                machines: unpacked.machines)
            try FileCodeStore.write(archive[...], to: temporary + "/archive.zip")
            try FileCodeStore.write(FileCodeStore.encode(code)[...], to: temporary + "/code.json")
        }
        return try storedCode(path)
    }

    private func storedCode(_ path: String) throws(CodeError) -> StoredCode {
        let bytes = try FileTree.read(path + "/code.json", bytesMax: 1 << 16)
        do {
            return try JSONDecoder().decode(StoredCode.self, from: Data(bytes))
        } catch {
            throw CodeError(.unavailable, "\(path)/code.json is damaged")
        }
    }

    private func build(_ path: String, _ fill: (String) throws(CodeError) -> Void) throws(CodeError) {
        let temporary = "\(root)/\(FileCodeStore.temporaryPrefix)\(UUID().uuidString)"
        do {
            try FileTree.makeDirectory(temporary)
            try fill(temporary)
            try FileTree.publish(temporary, as: path, in: root)
        } catch {
            // The first error counts; a leftover is removed at the next start.
            try? FileTree.remove(temporary)
            throw error
        }
    }

    private func onQueue<Value: Sendable>(
        _ body: @escaping @Sendable () throws(CodeError) -> Value
    ) async throws(CodeError) -> Value {
        let result: Result<Value, CodeError> = await withCheckedContinuation { continuation in
            queue.async { [slots] in
                slots.wait()
                defer { slots.signal() }
                do throws(CodeError) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    private static func write(_ bytes: ArraySlice<UInt8>, to path: String) throws(CodeError) {
        try FileTree.write(path, mode: 0o600) { (write) throws(CodeError) in try write(bytes) }
    }

    private static func encode(_ code: StoredCode) throws(CodeError) -> [UInt8] {
        do { return Array(try JSONEncoder().encode(code)) } catch {
            throw CodeError(.unavailable, "can't write a code record")
        }
    }

    private static func digest(_ bytes: [UInt8]) throws(CodeError) -> CodeDigest {
        guard let digest = CodeDigest(hexadecimal(SHA256.hash(data: bytes))) else {
            throw CodeError(.unavailable, "can't digest the archive")
        }
        return digest
    }

    private static func layersName(_ digests: [CodeDigest]) -> String {
        let list = digests.map(\.rawValue).joined(separator: "\n")
        return layersPrefix + hexadecimal(SHA256.hash(data: Array(list.utf8)))
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
