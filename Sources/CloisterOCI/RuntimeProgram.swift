import CCloisterLinux
import CloisterIsolation
import Glibc

/// A program that is run to its end, with its output bounded.
struct RuntimeProgram {
    var arguments: [String]
    var standardInput: Int32
    var output: Int32
    var cgroups = SandboxCgroup.Entrances()
    var binds: [StagedBind] = []
    var hiddenMount: String?
    var isPrivate = true

    private static let environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]

    /// Starts it and waits; its wait status. When time is up it is killed.
    func run(timeoutMilliseconds: Int32) throws(IsolationError) -> Int32 {
        var pid: pid_t = 0
        var descriptor: Int32 = -1
        var step: Int32 = 0
        let error = withRequest { cloister_spawn($0, &pid, &descriptor, &step) }
        guard error == 0 else { throw failure(error, step: step) }
        defer { close(descriptor) }
        var status: Int32 = -1
        if cloister_reap(descriptor, timeoutMilliseconds, &status) == 0 { return status }
        _ = cloister_pidfd_kill(descriptor, SIGKILL)
        _ = cloister_reap(descriptor, -1, &status)
        throw IsolationError(.startFailed, "\(arguments[0]) did not end within \(timeoutMilliseconds) ms")
    }

    private func failure(_ error: Int32, step: Int32) -> IsolationError {
        let steps = [
            CLOISTER_SPAWN_CLONE: "clone", CLOISTER_SPAWN_CGROUP: "entering the cgroup",
            CLOISTER_SPAWN_MOUNTS: "private mounts", CLOISTER_SPAWN_DESCRIPTORS: "descriptors",
            CLOISTER_SPAWN_EXEC: "exec",
        ]
        let name = steps[cloister_spawn_step(UInt32(bitPattern: step))] ?? "spawn"
        let code: IsolationError.Code =
            switch error {
            case ENOENT where step == Int32(CLOISTER_SPAWN_EXEC.rawValue): .unavailable
            case EAGAIN, ENOMEM, EMFILE, ENFILE, ENOSPC: .exhausted
            default: .startFailed
            }
        return IsolationError(code, "\(arguments[0]): \(name): \(errorText(error))")
    }

    private func withRequest(_ body: (UnsafePointer<cloister_spawn_request>) -> Int32) -> Int32 {
        let texts = CStrings()
        let arguments = texts.array(arguments)
        let environment = texts.array(RuntimeProgram.environment)
        let binds = binds.map {
            switch $0.source {
            case .path(let path):
                cloister_bind(
                    source: texts.text(path), mount: -1, target: texts.text($0.target), is_file: $0.isFile ? 1 : 0,
                    own_inodes: $0.hasOwnInodes ? 1 : 0)
            case .mount(let descriptor):
                cloister_bind(source: nil, mount: descriptor, target: texts.text($0.target), is_file: 0, own_inodes: 0)
            }
        }
        return arguments.withUnsafeBufferPointer { arguments in
            environment.withUnsafeBufferPointer { environment in
                binds.withUnsafeBufferPointer { binds in
                    cgroups.tasks.withUnsafeBufferPointer { tasks in
                        var request = cloister_spawn_request(
                            program: arguments[0], arguments: arguments.baseAddress, environment: environment.baseAddress,
                            descriptors: (standardInput, output, output), cgroups: tasks.baseAddress,
                            cgroup_count: tasks.count, unified_cgroup: cgroups.unified,
                            private_mounts: isPrivate ? 1 : 0, hidden: hiddenMount.map { texts.text($0) },
                            stage: binds.isEmpty ? nil : texts.text(StagedBind.stage), binds: binds.baseAddress,
                            bind_count: binds.count, confinement: nil)
                        return body(&request)
                    }
                }
            }
        }
    }
}

/// C strings that live as long as this object.
package final class CStrings {
    package init() {}

    private var owned: [UnsafeMutablePointer<CChar>] = []

    package func text(_ text: String) -> UnsafePointer<CChar> {
        let bytes = Array(text.utf8CString)
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        copy.initialize(from: bytes, count: bytes.count)
        owned.append(copy)
        return UnsafePointer(copy)
    }

    /// Ended by nil.
    package func array(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
        texts.map { UnsafeMutablePointer(mutating: text($0)) } + [nil]
    }

    deinit { owned.forEach { $0.deallocate() } }
}
