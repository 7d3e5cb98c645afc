import CCloisterLinux
import CloisterIsolation
import Glibc

extension SandboxCgroup {
    /// Long enough for a loaded host to end a thousand processes.
    private static let deadlineMilliseconds: Int64 = 20_000

    /// Host process ids of everything inside, in any hierarchy.
    package func processes() -> Set<pid_t> {
        var found = Set<pid_t>()
        for directory in layout.directories(name) {
            let text = KernelFile.read(directory + "/cgroup.procs") ?? ""
            found.formUnion(text.split(separator: "\n").compactMap { pid_t($0) })
        }
        // 0 stands for a process outside our pid namespace.
        found.remove(0)
        return found
    }

    /// Kills everything inside and waits until it is gone. Zombies that this process is the parent of, among them
    /// `adopted`, are reaped one by one.
    package func kill(adopted: [WatchedProcess] = []) throws(IsolationError) {
        let deadline = milliseconds() + SandboxCgroup.deadlineMilliseconds
        var watched: [pid_t: WatchedProcess] = [:]
        defer { watched.values.forEach { _ = close($0.descriptor) } }
        var inside = processes()
        while !inside.isEmpty {
            for pid in inside where watched[pid] == nil { watched[pid] = WatchedProcess(pid) }
            killOnce(inside)
            for process in watched.values { _ = cloister_await_end(process.descriptor, 1000) }
            guard milliseconds() < deadline else {
                throw IsolationError(.startFailed, "\(inside.count) processes of \(name) could not be killed")
            }
            inside = processes()
        }
        reap(adopted + watched.values)
    }

    private func reap(_ processes: [WatchedProcess]) {
        for process in processes { _ = cloister_reap(process.descriptor, 1000, nil) }
        // What the dead left to this process.
        AdoptedChildren.sweep()
    }

    private func killOnce(_ inside: Set<pid_t>) {
        if let unified = layout.unified {
            let group = "\(unified)/\(name)"
            let killed = KernelFile.write("1", to: group + "/cgroup.kill") == 0
            KernelFile.write("0", to: group + "/cgroup.freeze")
            if killed, !layout.isLegacy { return }
        }
        // Version 1 can only signal one by one; whoever forks meanwhile is found in the next round.
        for pid in inside { _ = Glibc.kill(pid, SIGKILL) }
        if let directory = layout.directory(name, controller: "freezer"), layout.isLegacy {
            KernelFile.write("THAWED", to: directory + "/freezer.state")
        }
    }

    /// Removes the empty groups. A group stays busy for a moment after its last process has gone.
    package func remove() throws(IsolationError) {
        let deadline = milliseconds() + SandboxCgroup.deadlineMilliseconds
        for directory in layout.directories(name) {
            while rmdir(directory) != 0, errno != ENOENT {
                guard errno == EBUSY, milliseconds() < deadline else {
                    throw IsolationError(.startFailed, "cgroup \(directory) stays: \(errorText(errno))")
                }
                usleep(1000)
            }
        }
    }
}

package func milliseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}
