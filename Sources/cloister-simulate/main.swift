import CloisterSimulator
import Glibc

// Runs the scheduler's simulation over many seeds: `cloister-simulate [--seed N] [--seeds COUNT] [--steps N]`.
// Without `--seeds` and with `--seed`: that one. Exit status 1, and how to see it again, when an invariant breaks.

var seed: UInt64 = 1
var seeds = 100
var steps = 20_000
var arguments = CommandLine.arguments.dropFirst()
while let name = arguments.popFirst() {
    guard let text = arguments.popFirst(), let value = UInt64(text) else {
        print("usage: cloister-simulate [--seed N] [--seeds COUNT] [--steps N]")
        exit(2)
    }
    switch name {
    case "--seed": (seed, seeds) = (value, 1)
    case "--seeds": seeds = Int(value)
    case "--steps": steps = Int(value)
    default:
        print("unknown option \(name)")
        exit(2)
    }
}

let summary = simulate(seeds: (0..<UInt64(seeds)).map { seed &+ $0 }, steps: steps)
for (name, count) in summary.counts.sorted(by: { $0.key < $1.key }) { print("\(name): \(count)") }
for failure in summary.failures { print(failure) }
print("\(seeds) seeds from \(seed), \(summary.steps) events, \(summary.failures.count) failed")
if !summary.failures.isEmpty { exit(1) }
