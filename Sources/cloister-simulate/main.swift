import CloisterSimulator
import Glibc

// Runs the scheduler's simulation over many seeds, or measures its warm path.
// Exit status 1, and how to see it again, when an invariant breaks.

let usage = """
    usage: cloister-simulate [--seed N] [--seeds COUNT] [--steps N] | --benchmark TENANTS
      --seed N         the first seed (default 1); without --seeds the only one
      --seeds COUNT    how many seeds (default 100)
      --steps N        events of each run before it drains (default 20000)
      --benchmark N    CPU time of the scheduler for one warm invocation among N tenants
    """

func refuse(_ text: String) -> Never {
    print(text)
    print(usage)
    exit(2)
}

func processTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

func benchmark(tenants: Int) {
    var invocations = WarmInvocations(tenantCount: tenants)
    let count = 200_000
    var times: [Double] = []
    for _ in 0..<7 {
        let start = processTime()
        let ran = invocations.run(count)
        times.append((processTime() - start) / Double(count))
        if ran != count { refuse("only \(ran) of \(count) invocations ran") }
    }
    times.sort()
    print(
        "\(tenants) tenants: \(Int(times[3])) ns a warm invocation (median of 7; \(Int(times[0])) to \(Int(times[6])))")
}

var seed: UInt64 = 1
var seeds: Int?
var steps = 20_000
var isOneSeed = false
var arguments = CommandLine.arguments.dropFirst()
while let name = arguments.popFirst() {
    guard let text = arguments.popFirst(), let value = UInt64(text), value <= UInt64(Int.max) || name == "--seed" else {
        refuse("\(name) needs a number")
    }
    switch name {
    case "--seed":
        seed = value
        isOneSeed = true
    case "--seeds": seeds = Int(value)
    case "--steps": steps = Int(value)
    case "--benchmark":
        guard (1...10_000_000).contains(value) else { refuse("--benchmark takes 1 to 10000000 tenants") }
        benchmark(tenants: Int(value))
        exit(0)
    default: refuse("unknown option \(name)")
    }
}

let count = seeds ?? (isOneSeed ? 1 : 100)
let summary = simulate(seeds: (0..<UInt64(count)).map { seed &+ $0 }, steps: steps)
for (name, count) in summary.counts.sorted(by: { $0.key < $1.key }) { print("\(name): \(count)") }
for failure in summary.failures { print(failure) }
print("\(count) seeds from \(seed), \(summary.steps) events, \(summary.failures.count) failed")
if !summary.failures.isEmpty { exit(1) }
