import CCloisterLinux
import Glibc

/// Children that this process has not started itself but adopted as subreaper, such as the helpers that a runtime leaves
/// behind.
///
/// A child that was started here is in this process's session or leads its own. So one whose session is
/// neither was adopted, and reaping it takes nobody's exit status. Nothing ever waits for "any child".
enum AdoptedChildren {
    /// Reaps the zombies among them.
    static func sweep() {
        let own = getsid(0)
        for pid in all() {
            guard let child = state(of: pid), child.isZombie, child.session != own, child.session != pid else { continue }
            cloister_reap_child(pid)
        }
    }

    private static func all() -> [pid_t] {
        KernelFile.names(in: "/proc/self/task").flatMap { thread in
            (KernelFile.read("/proc/self/task/\(thread)/children") ?? "").split(separator: " ").compactMap { pid_t($0) }
        }
    }

    private static func state(of pid: pid_t) -> (isZombie: Bool, session: pid_t)? {
        // pid (name) state parent group session …; the name may hold anything.
        guard let text = KernelFile.read("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 3, let session = pid_t(fields[3]) else { return nil }
        return (fields[0] == "Z", session)
    }
}

/// A process that can't be mistaken for another even after its end.
package struct WatchedProcess {
    let pid: pid_t
    let descriptor: Int32

    /// Nil if there is no such process. The owner closes `descriptor`.
    init?(_ pid: pid_t) {
        var opened: Int32 = -1
        guard cloister_pidfd_open(pid, &opened) == 0 else { return nil }
        self.pid = pid
        descriptor = opened
    }
}
