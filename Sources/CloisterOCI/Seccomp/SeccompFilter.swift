import CCloisterLinux
import Glibc

/// The system call filter of the `container` level: a list of what is allowed; known but refused calls fail with EPERM, calls
/// that the list's author did not know with ENOSYS, so that programs fall back as on an older kernel.
package struct SeccompFilter: Sendable {
    /// The filter for this machine's architecture.
    package static let standard = SeccompFilter(
        architecture: cloister_audit_architecture, numbers: SeccompFilter.hostSystemCalls())

    let instructions: [BPFInstruction]

    package var bytes: [UInt8] { instructions.flatMap(\.bytes) }

    /// `numbers`: this architecture's system calls by name.
    init(architecture: UInt32, numbers: [String: UInt32]) {
        var program: [BPFInstruction] = [
            .load(SeccompData.architecture), .skipOneIfEqual(architecture), .answer(.killProcess),
            .load(SeccompData.number),
        ]
        // Calls of the x32 ABI have their own numbers and would slip past the list.
        program += [.ifAtLeast(0x4000_0000), .answer(.fail(ENOSYS))]
        for (name, rule) in SeccompPolicy.conditional {
            guard let number = numbers[name] else { continue }
            program += SeccompFilter.block(number: number, rule: rule)
        }
        program += SeccompFilter.ranges(SeccompFilter.verdicts(numbers))
        instructions = program
    }

    private static func block(number: UInt32, rule: ArgumentRule) -> [BPFInstruction] {
        let body = rule.instructions
        return [.ifEqual(number, else: UInt8(body.count))] + body
    }

    private static func verdicts(_ numbers: [String: UInt32]) -> [(number: UInt32, verdict: SeccompVerdict)] {
        let conditional = Set(SeccompPolicy.conditional.map(\.name))
        return numbers.filter { !conditional.contains($0.key) }
            .map { (number: $0.value, verdict: SeccompPolicy.verdict(of: $0.key)) }
            .sorted { $0.number < $1.number }
    }

    /// From the highest number down: `if nr >= start return verdict`. No long jumps, so no limit on the list's length; the
    /// kernel caches the verdicts of calls that are always allowed.
    private static func ranges(_ verdicts: [(number: UInt32, verdict: SeccompVerdict)]) -> [BPFInstruction] {
        var starts: [(UInt32, SeccompVerdict)] = [(0, .fail(ENOSYS))]
        var expected: UInt32 = 0
        for (number, verdict) in verdicts {
            if number > expected { append((expected, .fail(ENOSYS)), to: &starts) }
            append((number, verdict), to: &starts)
            expected = number + 1
        }
        append((expected, .fail(ENOSYS)), to: &starts)
        // The last range starts at 0 and needs no test: a program must end with an answer.
        return starts.dropFirst().reversed().flatMap { [BPFInstruction.ifAtLeast($0.0), .answer($0.1)] }
            + [.answer(starts[0].1)]
    }

    private static func append(_ start: (UInt32, SeccompVerdict), to starts: inout [(UInt32, SeccompVerdict)]) {
        if starts.last?.0 == start.0 { starts.removeLast() }
        if starts.last?.1 != start.1 { starts.append(start) }
    }

    private static func hostSystemCalls() -> [String: UInt32] {
        var numbers: [String: UInt32] = [:]
        for index in 0..<cloister_syscall_count {
            let entry = cloister_syscall_at(index)
            numbers[String(cString: entry.name)] = entry.number
        }
        return numbers
    }
}

/// Offsets in the kernel's `struct seccomp_data` (little-endian: the low word of an argument first).
enum SeccompData {
    static let number: UInt32 = 0
    static let architecture: UInt32 = 4
    static func argumentLow(_ index: UInt32) -> UInt32 { 16 + 8 * index }
}
