import CloisterIsolation
import Testing

@testable import CloisterOCI

extension SandboxTests {
    /// What every backend promises, always with two sandboxes side by side.
    @Suite struct IsolationContractTests {
        @Test(arguments: OCIRuntime.allCases, [false, true])
        func runsAProgramAndReportsItsEnd(_ runtime: OCIRuntime, isPrebooted: Bool) async throws {
            try await SandboxBench.withTwo(runtime, isPrebooted: isPrebooted) { _, first, second in
                try await IsolationContract.runsAProgramAndReportsItsEnd(first, second)
            }
        }

        @Test(arguments: OCIRuntime.allCases, [false, true])
        func reportsASignalAndAProgramThatIsNotThere(_ runtime: OCIRuntime, isPrebooted: Bool) async throws {
            try await SandboxBench.withTwo(runtime, isPrebooted: isPrebooted) { _, first, second in
                try await IsolationContract.reportsASignalAndAProgramThatIsNotThere(first, second)
            }
        }

        @Test(arguments: OCIRuntime.allCases, [false, true])
        func temporaryFilesAreOnesOwnAndOutliveAStop(_ runtime: OCIRuntime, isPrebooted: Bool) async throws {
            try await SandboxBench.withTwo(runtime, isPrebooted: isPrebooted) { _, first, second in
                try await IsolationContract.temporaryFilesAreOnesOwnAndOutliveAStop(first, second)
            }
        }

        @Test(arguments: OCIRuntime.allCases, [false, true])
        func onlyTemporaryFilesCanBeWritten(_ runtime: OCIRuntime, isPrebooted: Bool) async throws {
            try await SandboxBench.withTwo(runtime, isPrebooted: isPrebooted) { _, first, second in
                try await IsolationContract.onlyTemporaryFilesCanBeWritten(first, second)
            }
        }

        @Test(arguments: OCIRuntime.allCases, [false, true])
        func seesNoOtherProcessAndNoNetwork(_ runtime: OCIRuntime, isPrebooted: Bool) async throws {
            try await SandboxBench.withTwo(runtime, isPrebooted: isPrebooted) { _, first, second in
                try await IsolationContract.seesNoOtherProcessAndNoNetwork(first, second)
            }
        }

        @Test(arguments: OCIRuntime.allCases, [false, true])
        func theListenerIsInsideAndOnlyThere(_ runtime: OCIRuntime, isPrebooted: Bool) async throws {
            try await SandboxBench.withTwo(runtime, isPrebooted: isPrebooted) { _, first, second in
                try await IsolationContract.theListenerIsInsideAndOnlyThere(first, second)
            }
        }

        @Test(arguments: OCIRuntime.allCases, [false, true])
        func aFrozenSandboxStandsStill(_ runtime: OCIRuntime, isPrebooted: Bool) async throws {
            try await SandboxBench.withTwo(runtime, isPrebooted: isPrebooted) { _, first, second in
                try await IsolationContract.aFrozenSandboxStandsStill(first, second)
            }
        }

        @Test(arguments: OCIRuntime.allCases, [false, true])
        func tooMuchMemoryIsKilledAndCounted(_ runtime: OCIRuntime, isPrebooted: Bool) async throws {
            try await SandboxBench.withTwo(
                runtime, memoryMiB: 128, storageMiB: 512, isPrebooted: isPrebooted
            ) { _, first, second in
                try await IsolationContract.tooMuchMemoryIsKilledAndCounted(first, second)
            }
        }

        @Test(arguments: OCIRuntime.allCases, [false, true])
        func theCPULimitCanBeSetWhileItRuns(_ runtime: OCIRuntime, isPrebooted: Bool) async throws {
            try await SandboxBench.withTwo(runtime, isPrebooted: isPrebooted) { _, first, second in
                try await IsolationContract.theCPULimitCanBeSetWhileItRuns(first, second)
            }
        }

        @Test(arguments: OCIRuntime.allCases, [false, true])
        func theChannelsAreNotInheritedAndDoNotBlock(_ runtime: OCIRuntime, isPrebooted: Bool) async throws {
            try await SandboxBench.withTwo(runtime, isPrebooted: isPrebooted) { _, first, second in
                try await IsolationContract.theChannelsAreNotInheritedAndDoNotBlock(first, second)
            }
        }

        @Test func namespacesAndForeignSocketsAreRefused() async throws {
            try await SandboxBench.withTwo(.crun) { _, first, _ in
                let script = """
                    python3.13 - <<'END'
                    import os, socket
                    for flag in (os.CLONE_NEWUSER, os.CLONE_NEWNS, os.CLONE_NEWNET, os.CLONE_NEWPID):
                        try: os.unshare(flag); print('made a namespace', flag)
                        except OSError: pass
                    for family in (socket.AF_NETLINK, socket.AF_PACKET, socket.AF_ALG, socket.AF_VSOCK):
                        try: socket.socket(family, socket.SOCK_RAW); print('made a socket', family)
                        except OSError: pass
                    status = open('/proc/self/status').read()
                    for key in ('CapEff', 'CapBnd', 'NoNewPrivs', 'Seccomp'):
                        print(next(l for l in status.splitlines() if l.startswith(key + ':')).split()[1])
                    END
                    """
                try await first.expectOutput("0000000000000000\n0000000000000000\n1\n2\n", of: script)
            }
        }
    }
}
