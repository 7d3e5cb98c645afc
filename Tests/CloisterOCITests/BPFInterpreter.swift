@testable import CloisterOCI

/// Runs a seccomp program as the kernel would.
struct BPFInterpreter {
    struct Fault: Error {}

    let program: [BPFInstruction]

    func verdict(number: UInt32, architecture: UInt32, arguments: [UInt64] = []) throws -> SeccompVerdict {
        let data = words(number, architecture, arguments)
        var accumulator: UInt32 = 0
        var counter = 0
        while program.indices.contains(counter) {
            let instruction = program[counter]
            counter += 1
            switch instruction.code {
            case 0x20: accumulator = try load(instruction.value, data)
            case 0x06: return SeccompVerdict(rawValue: instruction.value)
            default: counter += Int(try test(instruction, accumulator) ? instruction.jumpTrue : instruction.jumpFalse)
            }
        }
        throw Fault()
    }

    private func test(_ instruction: BPFInstruction, _ accumulator: UInt32) throws -> Bool {
        switch instruction.code {
        case 0x15: return accumulator == instruction.value
        case 0x35: return accumulator >= instruction.value
        case 0x45: return accumulator & instruction.value != 0
        default: throw Fault()
        }
    }

    private func load(_ offset: UInt32, _ data: [UInt32]) throws -> UInt32 {
        guard offset % 4 == 0, data.indices.contains(Int(offset / 4)) else { throw Fault() }
        return data[Int(offset / 4)]
    }

    private func words(_ number: UInt32, _ architecture: UInt32, _ arguments: [UInt64]) -> [UInt32] {
        let padded = arguments + Array(repeating: 0, count: 6 - arguments.count)
        return [number, architecture, 0, 0]
            + padded.flatMap { [UInt32(truncatingIfNeeded: $0), UInt32(truncatingIfNeeded: $0 >> 32)] }
    }
}
