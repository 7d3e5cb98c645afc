import CloisterCore
import CloisterServiceKit
import Foundation
import Glibc

/// The folder that holds everything a server keeps. One server at a time: a second one is refused.
final class DataDirectory: Sendable {
    /// Absolute.
    let path: String
    private let lock: Int32

    /// Makes the folder (0700) if need be and takes it. Throws `LaunchError`.
    init(_ path: String) throws {
        let absolute = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        self.path = absolute
        do {
            try FileManager.default.createDirectory(
                atPath: absolute, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw LaunchError("the data directory \(absolute) can't be made: \(error.localizedDescription)")
        }
        lock = open(absolute + "/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0 else { throw LaunchError("\(absolute)/lock: \(String(cString: strerror(errno)))") }
        guard DataDirectory.take(lock) else {
            throw LaunchError("another server uses the data directory \(absolute)")
        }
    }

    /// A killed server's lock may live on for a moment in a child that it was just starting.
    private static func take(_ lock: Int32) -> Bool {
        for _ in 0..<100 {
            if flock(lock, LOCK_EX | LOCK_NB) == 0 { return true }
            usleep(50_000)
        }
        return false
    }

    func file(_ name: String) -> String { path + "/" + name }
}

/// Why the server can't start; the text is for whoever started it.
public struct LaunchError: Error, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// The memory that environments may be counted with.
enum HostMemory {
    /// Functions hold a fraction of their `MemorySize`; one that runs is counted in full all the same. So the sum may be
    /// this many times what is there. If it comes to the worst, the kernel kills sandboxes, never the server.
    static let overcommit = 4

    /// Four fifths of what the host has, overcommitted; at least 2 GiB.
    static var budgetMiB: Int {
        let pages = sysconf(Int32(_SC_PHYS_PAGES))
        let pageSize = sysconf(Int32(_SC_PAGESIZE))
        return max(2_048, pages * pageSize / (1 << 20) * 4 / 5 * overcommit)
    }
}

extension PrebootConfiguration {
    /// The share of the memory budget that sandboxes booted in advance may hold, unless told otherwise, and at most.
    private static let budgetShare = 16
    private static let memoryMiBDefaultMax = 1_024

    /// Counts a waiting sandbox with what its level makes it hold: measured with Python started in it.
    init(level: IsolationLevel, memoryMiBMax: Int?) {
        self.init()
        heldMiB = level == .container ? 25 : 60
        self.memoryMiBMax =
            memoryMiBMax
            ?? min(PrebootConfiguration.memoryMiBDefaultMax, HostMemory.budgetMiB / PrebootConfiguration.budgetShare)
        bootsMax = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)) / 2)
    }
}

/// The signals that end the server.
enum Signals {
    /// Returns at the first SIGTERM or SIGINT; a second one kills at once, as ever.
    static func stop() async {
        let queue = DispatchQueue(label: "cloister.signals")
        let (arrived, continuation) = AsyncStream.makeStream(of: Int32.self)
        let sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { continuation.yield(number) }
            source.resume()
            return source
        }
        for await _ in arrived { break }
        for (source, number) in zip(sources, [SIGTERM, SIGINT]) {
            source.cancel()
            signal(number, SIG_DFL)
        }
    }
}
