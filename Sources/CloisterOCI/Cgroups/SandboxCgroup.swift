import CCloisterLinux
import CloisterIsolation
import Glibc

/// One sandbox's cgroups in all hierarchies; created, limited, read, frozen, killed and removed by us alone.
package struct SandboxCgroup: Sendable {
    package let layout: CgroupLayout
    /// Below the mount points: `cloister-…/ID`.
    package let name: String

    // MARK: Making

    package func create(_ limits: SandboxLimits) throws(IsolationError) {
        for directory in layout.directories(name) {
            guard mkdir(directory, 0o755) == 0 || errno == EEXIST else {
                throw IsolationError(.startFailed, "cgroup \(directory): \(errorText(errno))")
            }
        }
        try limit(limits)
    }

    /// Sets the limits, of a new group or of one in use.
    package func limit(_ limits: SandboxLimits) throws(IsolationError) {
        // Memory with swap is never less than without: one of the two goes first, whether the limit rises or falls.
        limitSwap(limits)
        for (controller, file, value) in layout.isLegacy ? legacyLimits(limits) : unifiedLimits(limits) {
            guard let directory = layout.directory(name, controller: controller) else {
                throw IsolationError(.unavailable, "cgroup controller \(controller) is missing")
            }
            let error = KernelFile.write(value, to: directory + "/" + file)
            guard error == 0 else {
                throw IsolationError(.startFailed, "\(directory)/\(file) = \(value): \(errorText(error))")
            }
        }
        limitSwap(limits)
    }

    private typealias Setting = (controller: String, file: String, value: String)

    private func legacyLimits(_ limits: SandboxLimits) -> [Setting] {
        [
            ("memory", "memory.limit_in_bytes", "\(limits.memoryBytes)"), ("pids", "pids.max", "\(limits.processes)"),
            ("cpu", "cpu.shares", "\(limits.shares)"),
        ]
    }

    private func unifiedLimits(_ limits: SandboxLimits) -> [Setting] {
        // The kernel's own conversion of v1 shares to v2 weight.
        let weight = max(1, 1 + (limits.shares - 2) * 9999 / 262_142)
        return [
            ("memory", "memory.max", "\(limits.memoryBytes)"), ("pids", "pids.max", "\(limits.processes)"),
            ("cpu", "cpu.weight", "\(weight)"),
        ]
    }

    /// The files are missing where the kernel has no swap accounting; then there is nothing to limit.
    private func limitSwap(_ limits: SandboxLimits) {
        guard let directory = layout.directory(name, controller: "memory") else { return }
        if layout.isLegacy {
            KernelFile.write("\(limits.memoryBytes)", to: directory + "/memory.memsw.limit_in_bytes")
        } else {
            KernelFile.write("0", to: directory + "/memory.swap.max")
        }
    }

    /// What a child enters every group by.
    package struct Entrances {
        /// Version 1: the groups' `tasks` files.
        package var tasks: [Int32] = []
        /// Version 2: the group's directory; -1 if there is none.
        package var unified: Int32 = -1

        package func closeAll() {
            for descriptor in tasks + [unified] where descriptor >= 0 { close(descriptor) }
        }
    }

    /// The caller closes them.
    package func openEntrances() throws(IsolationError) -> Entrances {
        var entrances = Entrances()
        for directory in layout.directories(name) {
            let isUnified = layout.unified.map { directory.hasPrefix($0 + "/") } ?? false
            let descriptor = isUnified
                ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : open(directory + "/tasks", O_WRONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                let text = errorText(errno)
                entrances.closeAll()
                throw IsolationError(.startFailed, "\(directory): \(text)")
            }
            if isUnified { entrances.unified = descriptor } else { entrances.tasks.append(descriptor) }
        }
        return entrances
    }

    // MARK: Running

    package func limitCPU(_ limits: SandboxLimits) {
        guard let directory = layout.directory(name, controller: "cpu") else { return }
        if layout.isLegacy {
            KernelFile.write("\(SandboxLimits.periodMicroseconds)", to: directory + "/cpu.cfs_period_us")
            KernelFile.write("\(limits.quotaMicroseconds)", to: directory + "/cpu.cfs_quota_us")
        } else {
            KernelFile.write("\(limits.quotaMicroseconds) \(SandboxLimits.periodMicroseconds)", to: directory + "/cpu.max")
        }
    }

    package func memory() -> SandboxMemory {
        guard let directory = layout.directory(name, controller: "memory") else {
            return SandboxMemory(currentBytes: 0, peakBytes: 0, outOfMemoryKills: 0)
        }
        let files = layout.isLegacy
            ? (current: "memory.usage_in_bytes", peak: "memory.max_usage_in_bytes", events: "memory.oom_control")
            : (current: "memory.current", peak: "memory.peak", events: "memory.events")
        let current = KernelFile.readInteger(directory + "/" + files.current) ?? 0
        return SandboxMemory(
            currentBytes: current, peakBytes: KernelFile.readInteger(directory + "/" + files.peak) ?? current,
            outOfMemoryKills: KernelFile.readInteger(directory + "/" + files.events, key: "oom_kill") ?? 0)
    }

    /// The unified hierarchy's freezer where there is one (it lets a frozen process be killed), else version 1's.
    package func openFreezer() throws(IsolationError) -> CgroupFreezer {
        if let unified = layout.unified {
            let descriptor = open("\(unified)/\(name)/cgroup.freeze", O_WRONLY | O_CLOEXEC)
            if descriptor >= 0 { return CgroupFreezer(descriptor: descriptor, frozen: "1", thawed: "0") }
        }
        guard let directory = layout.directory(name, controller: "freezer"), layout.isLegacy else {
            throw IsolationError(.unavailable, "no cgroup freezer")
        }
        let descriptor = open(directory + "/freezer.state", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw IsolationError(.startFailed, "\(directory): \(errorText(errno))") }
        return CgroupFreezer(descriptor: descriptor, frozen: "FROZEN", thawed: "THAWED")
    }
}

/// An open freezer file: freezing is one system call.
package struct CgroupFreezer: Sendable {
    package let descriptor: Int32
    package let frozen: String
    package let thawed: String
}

package func errorText(_ code: Int32) -> String { String(cString: strerror(code)) }
