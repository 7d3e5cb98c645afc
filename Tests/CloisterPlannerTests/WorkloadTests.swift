import Testing

@testable import CloisterPlanner

@Suite struct WorkloadTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func csvInAnyColumnOrder() throws {
        let workload = try Workload.csv(
            bytes("tenant,memory_mib,timestamp,duration_ms\r\nb,256,1700000010,5\na,128,1700000000.5,7\n\nb,128,1700000020,5\n"))
        #expect(workload.tenants.map(\.name) == ["b", "a"])
        #expect(workload.tenants.map(\.memoryMiB) == [256, 128])
        #expect(workload.calls.map(\.at) == [0, 9_500_000_000, 19_500_000_000])
        #expect(workload.calls.map(\.tenant) == [1, 0, 0])
    }

    @Test func timesMayBeISO8601() throws {
        let workload = try Workload.csv(bytes("timestamp,tenant\n2026-01-31T12:00:00Z,a\n2026-01-31T12:01:00Z,a\n"))
        #expect(workload.calls.map(\.at) == [0, 60_000_000_000])
    }

    @Test(arguments: [
        ("", 1), ("time,tenant\n", 1), ("timestamp,tenant\nnow,a\n", 2), ("timestamp,tenant\n1,a,b\n", 2),
        ("timestamp,tenant\nnan,a\n", 2), ("timestamp,tenant,duration_ms\n1,a,-5\n", 2),
        ("timestamp,tenant,memory_mib\n1,a,5\n2,a,1e300\n", 3),
    ])
    func aFaultyTraceNamesItsLine(_ text: String, _ line: Int) {
        let error = #expect(throws: WorkloadError.self) { _ = try Workload.csv(bytes(text)) }
        #expect(error?.line == line)
    }

    @Test func logsGiveTheReports() throws {
        let report = #"REPORT RequestId: 1\tDuration: 250.00 ms\tBilled Duration: 251 ms\tMemory Size: 128 MB\tMax Memory Used: 34 MB\n"#
        let workload = try Workload.logs(
            bytes(
                """
                {"timestamp":1000,"tenantId":"a","message":"START RequestId: 1"}
                {"timestamp":1250,"tenantId":"a","message":"\(report)"}
                {"timestamp":3250,"tenantId":"b","message":"\(report)"}
                """))
        #expect(workload.tenants == [.init(name: "a", memoryMiB: 34), .init(name: "b", memoryMiB: 34)])
        #expect(workload.calls.map(\.at) == [0, 2_000_000_000])
        #expect(workload.calls.map(\.duration) == [250, 250])
        #expect(throws: WorkloadError.self) { _ = try Workload.logs(bytes("no json\n")) }
    }

    @Test func aMixIsItsSeed() {
        var mix = GeneratedMix()
        mix.tenants = 100
        mix.calls = 10_000
        let one = Workload.generated(mix)
        #expect(one.calls.map(\.at) == Workload.generated(mix).calls.map(\.at))
        #expect((8_000...12_000).contains(one.calls.count))
        #expect(zip(one.calls, one.calls.dropFirst()).allSatisfy { $0.at <= $1.at })
        mix.seed = 2
        #expect(one.calls.map(\.at) != Workload.generated(mix).calls.map(\.at))
    }

    @Test func aFaultyAzureTableIsRefused() {
        let head = "HashOwner,HashApp,HashFunction,Trigger,1,2\n"
        #expect(throws: WorkloadError.self) {
            _ = try Workload.azure(invocations: bytes(head + "o,a,f,http,1,x\n"), durations: nil, memory: nil)
        }
        #expect(throws: WorkloadError.self) {
            _ = try Workload.azure(invocations: bytes(head + "o,a,f,http,1,2,3\n"), durations: nil, memory: nil)
        }
    }
}
