import CloisterCore
import Testing

@testable import CloisterOCI

@Suite struct CgroupTests {
    @Test func readsAHybridHost() {
        let layout = CgroupLayout(
            mountInformation: """
                30 20 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw
                31 30 0:27 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw
                32 30 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
                33 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
                34 30 0:30 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
                35 30 0:31 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer
                """)
        #expect(layout.isLegacy)
        #expect(layout.defect == nil)
        #expect(
            layout.directories("a/b") == [
                "/sys/fs/cgroup/memory/a/b", "/sys/fs/cgroup/pids/a/b", "/sys/fs/cgroup/cpu,cpuacct/a/b",
                "/sys/fs/cgroup/freezer/a/b", "/sys/fs/cgroup/unified/a/b",
            ])
    }

    @Test func readsAUnifiedHost() {
        let layout = CgroupLayout(mountInformation: "31 30 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate")
        #expect(!layout.isLegacy)
        #expect(layout.directories("a") == ["/sys/fs/cgroup/a"])
        #expect(layout.directory("a", controller: "memory") == "/sys/fs/cgroup/a")
    }

    @Test func aHostWithoutCgroupsIsRefused() {
        #expect(CgroupLayout(mountInformation: "").defect != nil)
        #expect(CgroupLayout(mountInformation: "3 2 0:1 / /c rw - cgroup cgroup rw,memory").defect?.contains("pids") == true)
    }

    @Test func limitsFollowMemory() {
        let oneCPU = SandboxLimits(memoryMiB: 1769, level: .container)
        #expect(oneCPU.quotaMicroseconds == SandboxLimits.periodMicroseconds)
        #expect(oneCPU.shares == 1024)
        let small = SandboxLimits(memoryMiB: 128, level: .container)
        #expect(small.quotaMicroseconds == SandboxLimits.periodMicroseconds)
        #expect(small.shares == 74)
        #expect(small.memoryBytes == (128 + 16) << 20)
        #expect(SandboxLimits(memoryMiB: 3538, level: .gvisor).quotaMicroseconds == 2 * SandboxLimits.periodMicroseconds)
        let withoutDisk = SandboxLimits(memoryMiB: 128, filesMiB: 512, level: .container)
        #expect(withoutDisk.memoryBytes == (128 + 512 + 16) << 20)
    }

    @Test func hostUsersAreDistinctAndReused() throws {
        let users = HostUsers(stateDirectory: "/a")
        let taken = try (0..<4096).map { _ in try users.take() }
        #expect(Set(taken.flatMap { [$0, $0 + 1] }).count == 8192)
        #expect(taken.allSatisfy { $0 >= HostUsers.first })
        #expect(throws: (any Error).self) { try users.take() }
        users.giveBack(taken[7])
        let reused = try users.take()
        #expect(reused == taken[7])
        let elsewhere = try HostUsers(stateDirectory: "/b").take()
        #expect(elsewhere != taken[0])
    }
}
