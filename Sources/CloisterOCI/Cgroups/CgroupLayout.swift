import Glibc

/// How this host mounts its cgroup hierarchies.
package struct CgroupLayout: Equatable, Sendable {
    /// One hierarchy for all controllers.
    package var unified: String?
    /// Version 1: mount point by controller; empty on a pure version 2 host.
    package var legacy: [String: String]

    /// Version 1 hierarchies are in use (a unified one may be mounted beside them, without controllers).
    package var isLegacy: Bool { legacy["memory"] != nil }

    package static let controllers = ["memory", "pids", "cpu"]

    package static func ofThisHost() -> CgroupLayout {
        CgroupLayout(mountInformation: KernelFile.read("/proc/self/mountinfo") ?? "")
    }

    /// `mountInformation`: the text of `/proc/self/mountinfo`.
    init(mountInformation: String) {
        unified = nil
        legacy = [:]
        for line in mountInformation.split(separator: "\n") {
            let halves = line.split(separator: " - ", maxSplits: 1)
            guard halves.count == 2 else { continue }
            let left = halves[0].split(separator: " ")
            let right = halves[1].split(separator: " ")
            guard left.count >= 5, right.count >= 3 else { continue }
            let mountPoint = String(left[4])
            switch right[0] {
            case "cgroup2": unified = unified ?? mountPoint
            case "cgroup":
                for option in right[2].split(separator: ",") where legacy[String(option)] == nil {
                    legacy[String(option)] = mountPoint
                }
            default: break
            }
        }
    }

    /// What is missing for limits, in words; nil if all is there.
    package var defect: String? {
        if isLegacy {
            let missing = (CgroupLayout.controllers + ["freezer"]).filter { legacy[$0] == nil }
            return missing.isEmpty ? nil : "cgroup v1 without \(missing.joined(separator: ", "))"
        }
        guard let unified else { return "no cgroup file system is mounted" }
        let available = (KernelFile.read(unified + "/cgroup.controllers") ?? "").split(whereSeparator: \.isWhitespace)
        let missing = CgroupLayout.controllers.filter { !available.contains(Substring($0)) }
        return missing.isEmpty ? nil : "cgroup v2 without \(missing.joined(separator: ", "))"
    }

    /// Every directory that a group named `name` has, without doubles.
    package func directories(_ name: String) -> [String] {
        let used = isLegacy ? (CgroupLayout.controllers + ["freezer"]).compactMap { legacy[$0] } : []
        let mounts = used + (unified.map { [$0] } ?? [])
        var seen = Set<String>()
        return mounts.filter { seen.insert($0).inserted }.map { $0 + "/" + name }
    }

    package func directory(_ name: String, controller: String) -> String? {
        (isLegacy ? legacy[controller] : unified).map { $0 + "/" + name }
    }
}
