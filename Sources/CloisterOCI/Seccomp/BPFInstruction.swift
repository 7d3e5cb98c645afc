/// One instruction of a classic BPF program, as seccomp takes it.
struct BPFInstruction: Equatable, Sendable {
    var code: UInt16
    var jumpTrue: UInt8 = 0
    var jumpFalse: UInt8 = 0
    var value: UInt32

    /// A = the 32-bit word at `offset` of `struct seccomp_data`.
    static func load(_ offset: UInt32) -> BPFInstruction { BPFInstruction(code: 0x20, value: offset) }

    /// Continues with the next instruction if A == value, else skips `otherwise` instructions.
    static func ifEqual(_ value: UInt32, else otherwise: UInt8 = 1) -> BPFInstruction {
        BPFInstruction(code: 0x15, jumpTrue: 0, jumpFalse: otherwise, value: value)
    }

    static func skipOneIfEqual(_ value: UInt32) -> BPFInstruction {
        BPFInstruction(code: 0x15, jumpTrue: 1, jumpFalse: 0, value: value)
    }

    /// Continues with the next instruction if A >= value, else skips `otherwise` instructions.
    static func ifAtLeast(_ value: UInt32, else otherwise: UInt8 = 1) -> BPFInstruction {
        BPFInstruction(code: 0x35, jumpTrue: 0, jumpFalse: otherwise, value: value)
    }

    /// Continues with the next instruction if A & mask != 0, else skips `otherwise` instructions.
    static func ifAnyBit(_ mask: UInt32, else otherwise: UInt8 = 1) -> BPFInstruction {
        BPFInstruction(code: 0x45, jumpTrue: 0, jumpFalse: otherwise, value: mask)
    }

    static func answer(_ verdict: SeccompVerdict) -> BPFInstruction {
        BPFInstruction(code: 0x06, value: verdict.rawValue)
    }

    /// As the kernel reads it on this (little-endian) machine.
    var bytes: [UInt8] {
        [
            UInt8(truncatingIfNeeded: code), UInt8(truncatingIfNeeded: code >> 8), jumpTrue, jumpFalse,
            UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8),
            UInt8(truncatingIfNeeded: value >> 16), UInt8(truncatingIfNeeded: value >> 24),
        ]
    }
}

/// What the kernel does with a system call.
struct SeccompVerdict: Equatable, Sendable {
    let rawValue: UInt32

    static let allow = SeccompVerdict(rawValue: 0x7fff_0000)
    static let killProcess = SeccompVerdict(rawValue: 0x8000_0000)
    /// The call fails with this errno.
    static func fail(_ errno: Int32) -> SeccompVerdict {
        SeccompVerdict(rawValue: 0x0005_0000 | UInt32(bitPattern: errno) & 0xffff)
    }
}
