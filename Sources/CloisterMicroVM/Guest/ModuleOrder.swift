import CCloisterLinux
import CloisterIsolation

/// Which kernel modules to load, and in which order: each after those that it depends on.
struct ModuleOrder {
    /// What a guest needs: its devices' transport, the channel, disks, the images' file system; vsock for Firecracker.
    static let wanted = ["virtio_mmio", "virtio_console", "virtio_blk", "erofs", "vmw_vsock_virtio_transport"]

    /// Names of modules that the kernel holds anyway.
    let builtIn: Set<String>
    /// A module's file as bytes; nil if there is none.
    let file: (String) -> [UInt8]?

    /// A module's name, however its file spells it.
    static func name(ofFile path: String) -> String {
        let last = path.split(separator: "/").last.map(String.init) ?? path
        let stem = last.split(separator: ".", maxSplits: 1).first.map(String.init) ?? last
        return String(stem.map { $0 == "-" ? "_" : $0 })
    }

    func resolve(_ wanted: [String] = wanted) throws(IsolationError) -> [(name: String, bytes: [UInt8])] {
        var order: [(name: String, bytes: [UInt8])] = []
        var visited: Set<String> = []
        for name in wanted { try visit(name, &order, &visited) }
        return order
    }

    private func visit(
        _ name: String, _ order: inout [(name: String, bytes: [UInt8])], _ visited: inout Set<String>
    ) throws(IsolationError) {
        guard !builtIn.contains(name), visited.insert(name).inserted else { return }
        guard let bytes = file(name) else { throw IsolationError(.unavailable, "the kernel has no module \(name)") }
        for needed in ModuleOrder.dependencies(bytes) { try visit(needed, &order, &visited) }
        order.append((name, bytes))
    }

    /// What the module says of itself in its section `.modinfo`: `depends=a,b`.
    static func dependencies(_ module: [UInt8]) -> [String] {
        let key = [0] + Array("depends=".utf8)
        guard let start = firstIndex(of: key, in: module) else { return [] }
        let text = String(decoding: module[(start + key.count)...].prefix { $0 != 0 }.prefix(4096), as: UTF8.self)
        return text.split(separator: ",").map { name(ofFile: String($0)) }
    }

    private static func firstIndex(of key: [UInt8], in bytes: [UInt8]) -> Int? {
        let found = bytes.withUnsafeBytes { haystack in
            key.withUnsafeBytes { cloister_find(haystack.baseAddress, haystack.count, $0.baseAddress, $0.count) }
        }
        return (0..<bytes.count).contains(found) ? found : nil
    }
}
