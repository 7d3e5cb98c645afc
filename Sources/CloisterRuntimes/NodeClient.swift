/// The Node.js runtime client, in `/var/runtime`.
struct NodeClient {
    let root: ImageRoot

    func install() throws {
        for (name, bytes) in RuntimeFiles.node { try root.write(bytes, to: RuntimeFiles.directory + "/" + name) }
        try root.write(RuntimeFiles.nodeBootstrap, to: RuntimeFiles.bootstrap, mode: 0o755)
        try FileTree.link(root.path + "/var/lang/bin/node", to: "/usr/bin/node")
    }
}
