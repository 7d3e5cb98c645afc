import CloisterServiceKit

#if canImport(Glibc)
    import Glibc
#endif

/// Lays unpacked trees over each other in one directory, by hard links: no data is copied. A later tree's file
/// replaces an earlier one; a directory and a file of one name: the later wins.
enum LayerMerger {
    static func merge(_ trees: [String], into directory: String) throws(CodeError) {
        for tree in trees { try lay(tree, over: directory) }
    }

    private static func lay(_ source: String, over target: String) throws(CodeError) {
        for name in try FileTree.names(source) {
            let from = source + "/" + name
            let to = target + "/" + name
            if FileTree.isDirectory(from) {
                if !FileTree.isDirectory(to) {
                    try FileTree.remove(to)
                    try FileTree.makeDirectory(to)
                }
                try lay(from, over: to)
            } else {
                try FileTree.remove(to)
                // Doesn't follow symbolic links: the link itself gets a second name.
                guard link(from, to) == 0 else { throw FileTree.failure("link a layer's file") }
            }
        }
    }
}
