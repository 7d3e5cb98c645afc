import ArgumentParser
import CloisterPlanner
import Foundation

/// `cloister plan`: what ways to keep environments would cost, and save, on a trace.
struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Compare ways to keep environments warm on a trace of calls.",
        discussion: """
            Replays the calls through the scheduler that the server uses, under a virtual clock. Traces:
              cloister plan                              a generated mix of tenants (Zipf)
              cloister plan --csv calls.csv              timestamp,tenant[,duration_ms][,memory_mib]
              cloister logs NAME --since 1d --json > l; cloister plan --logs l
              cloister plan --azure DIR                  invocations, durations and memory of AzurePublicDataset 2019
            """)

    @Option(help: "A CSV file of calls.")
    var csv: String?

    @Option(help: "A file with what `cloister logs --json` printed.")
    var logs: String?

    @Option(help: "A directory with inv.csv, run.csv and mem.csv (or .csv.gz) in the Azure format.")
    var azure: String?

    @Flag(help: "Azure format: spread the calls of a minute evenly instead of taking the minute as one.")
    var spread = false

    @Option(help: "Generated mix: tenants.")
    var tenants = 10_000

    @Option(help: "Generated mix: calls.")
    var calls = 1_000_000

    @Option(help: "Generated mix: exponent of Zipf's law.")
    var zipf = 1.1

    @Option(help: "Generated mix: share of tenants who call periodically, 0 to 1.")
    var periodic = 0.3

    @Option(help: "Generated mix: days.")
    var days = 1.0

    @Option(help: "Generated mix: seed.")
    var seed: UInt64 = 1

    @Option(help: "Fixed keep-alives to compare, in minutes.")
    var keepAlive: [Int] = [10]

    @Option(help: "Minutes that the AWS-like policy keeps an idle environment.")
    var awsKeepAlive = 6

    @Option(help: "A tier as NAME:RESERVED:SHARE, the most active tenants first; repeat it.")
    var tier: [String] = []

    @Option(help: "Milliseconds of a cold start.")
    var coldStart = 250.0

    @Option(help: "Milliseconds of a resume from hibernation.")
    var resume = 25.0

    @Option(help: "What a hibernated environment holds, in percent of its memory.")
    var hibernated = 15

    @Option(help: "Memory for all environments, in MiB; no limit unless given.")
    var memory: Int?

    @Option(help: "Dollars for a GB-hour.")
    var rate = 0.015

    @Flag(help: "Print JSON.")
    var json = false

    @Option(help: "Write a page with plots to this file.")
    var html: String?

    func validate() throws {
        guard [csv, logs, azure].compactMap({ $0 }).count <= 1 else {
            throw ValidationError("give one of --csv, --logs and --azure")
        }
        guard (1...Workload.tenantsMax).contains(tenants), (1...Workload.callsMax).contains(calls),
            (0...10).contains(zipf), (0...1).contains(periodic), days > 0, days <= 366
        else { throw ValidationError("the generated mix is out of range") }
        guard keepAlive.allSatisfy({ (0...100_000).contains($0) }), (0...100_000).contains(awsKeepAlive),
            coldStart >= 0, coldStart <= 600_000, resume >= 0, resume <= 600_000, (0...100).contains(hibernated), rate >= 0,
            memory.map({ $0 > 0 }) ?? true
        else { throw ValidationError("a time, a share or a rate is out of range") }
        _ = try tiers()
    }

    func run() throws {
        let workload: Workload
        do {
            workload = try readWorkload()
        } catch let error as WorkloadError {
            throw CommandFailure(
                (error.line.map { "line \($0): " } ?? "") + error.message, status: .badInput)
        }
        guard !workload.calls.isEmpty else { throw CommandFailure("the trace has no calls", status: .badInput) }
        let results = try policies().map { Replay(workload, policy: $0, costs: costs).run() }
        let comparison = PlanComparison(workload, costs: costs, results: results)
        Terminal.write(Array((json ? comparison.json : comparison.table).utf8))
        guard let html else { return }
        do {
            try comparison.html.write(toFile: html, atomically: true, encoding: .utf8)
        } catch {
            throw CommandFailure("\(html) can't be written: \(error.localizedDescription)")
        }
    }

    private var costs: PlanCosts {
        var costs = PlanCosts()
        costs.coldStartMilliseconds = coldStart
        costs.resumeMilliseconds = resume
        costs.hibernatedPercent = hibernated
        costs.dollarsPerGBHour = rate
        if let memory { costs.memoryMiBMax = memory }
        return costs
    }

    func policies() throws -> [PlanPolicy] {
        keepAlive.map { .fixed(minutes: $0) }
            + [.awsLike(minutes: awsKeepAlive), .tiered(try tiers()), .adaptiveWarm, .adaptive]
    }

    private func tiers() throws -> [PlanPolicy.Tier] {
        guard !tier.isEmpty else { return PlanPolicy.Tier.usual }
        return try tier.map { text in
            let parts = text.split(separator: ":")
            guard parts.count == 3, let reserved = Int(parts[1]), (0...1_000).contains(reserved), let share = Double(parts[2]),
                (0...1).contains(share)
            else { throw ValidationError("--tier takes NAME:RESERVED:SHARE, such as enterprise:20:0.01") }
            return PlanPolicy.Tier(name: String(parts[0]), reserved: reserved, share: share)
        }
    }

    private func readWorkload() throws -> Workload {
        if let csv { return try Workload.csv(try bytes(csv)) }
        if let logs { return try Workload.logs(try bytes(logs)) }
        if let azure {
            return try Workload.azure(
                invocations: try table("inv", in: azure), durations: try? table("run", in: azure),
                memory: try? table("mem", in: azure), isSpread: spread)
        }
        var mix = GeneratedMix()
        mix.tenants = tenants
        mix.calls = calls
        mix.exponent = zipf
        mix.periodicShare = periodic
        mix.days = days
        mix.seed = seed
        return Workload.generated(mix)
    }

    private func bytes(_ path: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure("\(path) can't be read", status: .badInput)
        }
        return [UInt8](data)
    }

    private func table(_ name: String, in directory: String) throws -> [UInt8] {
        let plain = directory + "/\(name).csv"
        if FileManager.default.fileExists(atPath: plain) { return try bytes(plain) }
        let packed = plain + ".gz"
        guard FileManager.default.fileExists(atPath: packed) else {
            throw CommandFailure("\(plain) and \(packed) don't exist", status: .badInput)
        }
        let gzip = Process()
        gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        gzip.arguments = ["gzip", "-dc", "--", packed]
        let pipe = Pipe()
        gzip.standardOutput = pipe
        try gzip.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        gzip.waitUntilExit()
        guard gzip.terminationStatus == 0 else { throw CommandFailure("\(packed) can't be unpacked", status: .badInput) }
        return [UInt8](data)
    }
}
