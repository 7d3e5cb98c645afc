import CloisterCore
import CloisterOCI
import Foundation
import Testing

@testable import CloisterMicroVM

extension MachineTests {
    @Suite struct SelfTestTests {
        @Test func passesInSoftware() async throws {
            let report = await MicroVMSelfTest(accelerator: .tcg, agentProgram: try MachineBench.agent()).run()
            #expect(report.works, "\(report.reason ?? "")")
            #expect(report.level == .microvm)
            #expect(
                report.checks.map(\.name) == [
                    "user", "program", "accelerator", "disk images", "guest kernel", "cgroups", "environment",
                ])
        }

        /// Wherever the CPU shows no virtualization, KVM must be found out, by a boot if its device is there.
        @Test(.enabled(if: !CPUFlags.hasVirtualization, "this CPU has virtualization: KVM works here"))
        func halfThereVirtualizationIsFoundOut() async throws {
            let report = await MicroVMSelfTest(accelerator: .kvm, agentProgram: try MachineBench.agent()).run()
            #expect(!report.works)
            let failed = try #require(report.checks.last)
            #expect(["accelerator", "environment"].contains(failed.name))
            #expect(failed.remedy?.contains("tcg") == true)
        }

        @Test func saysWhatToInstall() async throws {
            let report = await MicroVMSelfTest(
                accelerator: .tcg, program: "/nowhere/qemu", agentProgram: try MachineBench.agent()
            ).run()
            #expect(!report.works)
            #expect(report.remedy == "apt install qemu-system-x86")
        }

        @Test func aKernelThatMayNotBeMadeIsAFailure() async throws {
            let report = await MicroVMSelfTest(
                accelerator: .tcg, kernel: GuestKernel(directory: "/nowhere"), agentProgram: try MachineBench.agent(),
                mayPrepare: false
            ).run()
            #expect(report.reason?.hasPrefix("guest kernel") == true)
        }
    }
}
