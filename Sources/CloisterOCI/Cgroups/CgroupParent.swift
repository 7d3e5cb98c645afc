import CloisterIsolation
import Glibc

/// The cgroup that holds all sandboxes of one state directory. Its name follows from the directory's path, so that a
/// restarted server finds what an earlier one left behind, and no other server's.
package struct CgroupParent: Sendable {
    package let layout: CgroupLayout
    let name: String

    package init(layout: CgroupLayout, stateDirectory: String) {
        self.layout = layout
        name = "cloister-" + String(stableHash(stateDirectory), radix: 16)
    }

    package func create() throws(IsolationError) {
        if let defect = layout.defect { throw IsolationError(.unavailable, defect) }
        for directory in layout.directories(name) {
            guard mkdir(directory, 0o755) == 0 || errno == EEXIST else {
                throw IsolationError(.unavailable, "cgroup \(directory): \(errorText(errno))")
            }
        }
        guard !layout.isLegacy, let unified = layout.unified else { return }
        let enabled = CgroupLayout.controllers.map { "+" + $0 }.joined(separator: " ")
        for directory in [unified, unified + "/" + name] {
            let error = KernelFile.write(enabled, to: directory + "/cgroup.subtree_control")
            guard error == 0 else {
                throw IsolationError(
                    .unavailable, "\(directory)/cgroup.subtree_control: \(errorText(error)); the server needs a host "
                        + "or a container whose processes are not in the root cgroup")
            }
        }
    }

    package func group(_ id: String) -> SandboxCgroup { SandboxCgroup(layout: layout, name: name + "/" + id) }

    /// Ids of all groups that exist in any hierarchy.
    package func groups() -> Set<String> {
        var found = Set<String>()
        for directory in layout.directories(name) {
            found.formUnion(KernelFile.names(in: directory).filter { KernelFile.isDirectory(directory + "/" + $0) })
        }
        return found
    }

    /// Removes the parent itself if it is empty.
    package func remove() {
        for directory in layout.directories(name) { rmdir(directory) }
    }
}

/// FNV-1a, 64 bits: stable between runs and builds, unlike `Hasher`.
package func stableHash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
}
