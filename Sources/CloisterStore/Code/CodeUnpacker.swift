import CloisterServiceKit

/// Unpacks one archive into an empty directory. Links are made last, so that no file is ever written through one.
struct CodeUnpacker {
    let archive: [UInt8]
    let limits: CodeLimits

    /// Returns the sizes and the machines found; what was written so far stays when it throws.
    func unpack(into directory: String) throws(CodeError) -> (unpackedBytes: Int, machines: [String]) {
        let plan = try ZipPlan(ZipDirectory(archive, entriesMax: limits.entriesMax).entries, limits: limits)
        let inflater = ZipInflater(archive: archive)
        for path in plan.directories { try FileTree.makeDirectory("\(directory)/\(path)") }
        var machines: Set<String> = []
        for (path, entry) in plan.files {
            if let machine = try write(entry, to: "\(directory)/\(path)", inflater) { machines.insert(machine) }
        }
        try makeLinks(plan.links, in: directory, inflater)
        return (plan.unpackedBytes, machines.sorted())
    }

    /// Returns the machine that the file holds native code for.
    private func write(_ entry: ZipEntry, to path: String, _ inflater: ZipInflater) throws(CodeError) -> String? {
        // Everyone may read, whoever could execute stays; nothing else of the mode, so never a set-user-id bit.
        let mode: UInt32 = entry.mode & 0o111 != 0 ? 0o755 : 0o644
        var head: [UInt8] = []
        try FileTree.write(path, mode: mode) { (write) throws(CodeError) in
            try inflater.unpack(entry) { (piece) throws(CodeError) in
                if head.count < ELFHeader.bytes { head += piece.prefix(ELFHeader.bytes - head.count) }
                try write(piece)
            }
        }
        return ELFHeader.machine(head)
    }

    private func makeLinks(
        _ links: [ZipPath: ZipEntry], in directory: String, _ inflater: ZipInflater
    ) throws(CodeError) {
        var targets: [ZipPath: String] = [:]
        for (path, entry) in links {
            var target: [UInt8] = []
            try inflater.unpack(entry) { (piece) throws(CodeError) in target += piece }
            guard let text = String(validating: target, as: UTF8.self) else {
                throw CodeError(.unsafe, "the symbolic link \(path) has a target that isn't UTF-8")
            }
            targets[path] = text
        }
        try ZipLinks(targets: targets).check()
        for (path, target) in targets { try FileTree.makeLink("\(directory)/\(path)", target: target) }
    }
}

/// Recognises native code by its first bytes.
enum ELFHeader {
    static let bytes = 20

    /// AWS's name of the machine, `elf-NUMBER` for others; nil when the bytes aren't ELF.
    static func machine(_ head: [UInt8]) -> String? {
        guard head.count >= bytes, head.starts(with: [0x7f, 0x45, 0x4c, 0x46]) else { return nil }
        let isBigEndian = head[5] == 2
        let number = isBigEndian ? Int(head[18]) << 8 | Int(head[19]) : Int(head[19]) << 8 | Int(head[18])
        switch number {
        case 62: return "x86_64"
        case 183: return "arm64"
        default: return "elf-\(number)"
        }
    }
}
