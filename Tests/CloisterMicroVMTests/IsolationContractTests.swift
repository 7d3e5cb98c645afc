import CloisterCore
import CloisterIsolation
import Testing

@testable import CloisterMicroVM

extension MachineTests {
    /// What every backend promises, of machines in software.
    @Suite struct IsolationContractTests {
        @Test func levelIsMicrovm() async throws {
            try await MachineBench.withTwo { _, first, second in
                #expect(first.sandbox.level == .microvm)
                try await IsolationContract.runsAProgramAndReportsItsEnd(first, second)
            }
        }

        @Test(arguments: [
            IsolationContract.reportsASignalAndAProgramThatIsNotThere,
            IsolationContract.temporaryFilesAreOnesOwnAndOutliveAStop, IsolationContract.onlyTemporaryFilesCanBeWritten,
            IsolationContract.seesNoOtherProcessAndNoNetwork, IsolationContract.theListenerIsInsideAndOnlyThere,
            IsolationContract.aFrozenSandboxStandsStill, IsolationContract.theCPULimitCanBeSetWhileItRuns,
            IsolationContract.theChannelsAreNotInheritedAndDoNotBlock,
        ] as [@Sendable (SandboxProbe, SandboxProbe) async throws -> Void])
        func holds(_ promise: @Sendable (SandboxProbe, SandboxProbe) async throws -> Void) async throws {
            try await MachineBench.withTwo { _, first, second in try await promise(first, second) }
        }

        @Test func tooMuchMemoryIsKilledAndCounted() async throws {
            try await MachineBench.withTwo(memoryMiB: 128, storageMiB: 512) { _, first, second in
                try await IsolationContract.tooMuchMemoryIsKilledAndCounted(first, second)
            }
        }
    }
}
