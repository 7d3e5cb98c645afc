import Foundation

/// An image's root file system while it is made.
struct ImageRoot {
    let path: String

    func write(_ bytes: [UInt8], to place: String, mode: mode_t = 0o644) throws {
        try FileTree.write(bytes, to: path + place, mode: mode)
    }

    func write(_ text: String, to place: String, mode: mode_t = 0o644) throws {
        try write(Array(text.utf8), to: place, mode: mode)
    }

    /// Each package's version, by name, from dpkg's own list.
    func installedPackages() throws -> [String: String] {
        let status = path + "/var/lib/dpkg/status"
        guard let data = FileManager.default.contents(atPath: status) else {
            throw RuntimeImageError.file(path: status, reason: "can't be read")
        }
        var packages: [String: String] = [:]
        var name: String?
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n") {
            if line.hasPrefix("Package: ") { name = String(line.dropFirst(9)) }
            if line.hasPrefix("Version: "), let name { packages[name] = String(line.dropFirst(9)) }
        }
        return packages
    }

    /// Takes out what only an administrator of a whole system needs: the package manager, logins, mounts, daemons'
    /// settings, documentation, caches.
    func prune() throws {
        for package in Self.unneededPackages { try removeFiles(of: package) }
        for place in Self.unneeded { try FileTree.remove(path + place) }
        for place in Self.emptied { try FileTree.empty(path + place) }
    }

    /// Packages whose programs functions have no use for. Libraries stay: others may need them.
    private static let unneededPackages = [
        "debconf", "dpkg", "init-system-helpers", "libpam-modules", "libpam-modules-bin", "libpam-runtime", "login",
        "login.defs", "mount", "ncurses-bin", "passwd", "perl-base", "sysvinit-utils", "util-linux",
        "util-linux-extra", "debian-archive-keyring", "e2fsprogs", "logsave",
    ]

    private static let unneeded = [
        "/boot", "/etc/alternatives/README", "/etc/apt", "/etc/cron.d", "/etc/cron.daily", "/etc/debconf.conf",
        "/etc/default", "/etc/dpkg", "/etc/gshadow", "/etc/gshadow-", "/etc/group-", "/etc/init.d",
        "/etc/logrotate.d", "/etc/machine-id", "/etc/motd", "/etc/pam.conf", "/etc/pam.d", "/etc/passwd-",
        "/etc/rc0.d", "/etc/rc1.d", "/etc/rc2.d", "/etc/rc3.d", "/etc/rc4.d", "/etc/rc5.d", "/etc/rc6.d",
        "/etc/rcS.d", "/etc/security", "/etc/shadow", "/etc/shadow-", "/etc/skel", "/etc/subgid", "/etc/subgid-",
        "/etc/subuid", "/etc/subuid-", "/etc/systemd", "/etc/update-motd.d", "/etc/hostname", "/etc/.pwd.lock",
        "/media", "/mnt", "/srv", "/usr/lib/systemd", "/usr/lib/tmpfiles.d", "/usr/share/applications",
        "/usr/share/bash-completion", "/usr/share/bug", "/usr/share/debconf", "/usr/share/doc",
        "/usr/share/doc-base", "/usr/share/dpkg", "/usr/share/info", "/usr/share/lintian", "/usr/share/locale",
        "/usr/share/man", "/usr/share/menu", "/usr/share/pam", "/usr/share/pam-configs", "/usr/share/perl5",
        "/usr/share/pixmaps", "/usr/share/polkit-1", "/var/backups", "/var/local", "/var/lock", "/var/mail",
        "/var/opt", "/var/run", "/var/spool",
    ]

    private static let emptied = [
        "/dev", "/home", "/opt", "/proc", "/root", "/run", "/sys", "/tmp", "/var/cache", "/var/lib", "/var/log",
        "/var/task", "/var/tmp",
    ]

    private func removeFiles(of package: String) throws {
        let lists = path + "/var/lib/dpkg/info/"
        let list = ["", ":amd64", ":arm64"].map { lists + package + $0 + ".list" }.first { FileTree.exists($0) }
        guard let list, let data = FileManager.default.contents(atPath: list) else { return }
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
        // A package's folders are in its list too, and some of them, such as /bin, are links here.
        let folders = Set(lines.map { ($0 as NSString).deletingLastPathComponent })
        for line in lines where !folders.contains(line) {
            var status = stat()
            guard lstat(path + line, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else { continue }
            try FileTree.remove(path + line)
        }
    }

    /// What every environment's file system has, whatever the runtime.
    func addPlatformFiles() throws {
        // The platform mounts its agent here.
        try write("", to: "/var/runtime/cloister-agent", mode: 0o755)
        try write("", to: "/etc/resolv.conf")
        try write("127.0.0.1\tlocalhost\n::1\tlocalhost\n", to: "/etc/hosts")
        try append("sbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin\n", to: "/etc/passwd")
        try append("sbx_user1051:x:990:\n", to: "/etc/group")
        // Lambda sets LANG to en_US.UTF-8; Debian's base has only C.UTF-8, which differs in sorting alone.
        let locales = path + "/usr/lib/locale"
        if FileTree.exists(locales + "/C.utf8") { try FileTree.link(locales + "/en_US.utf8", to: "C.utf8") }
    }

    private func append(_ line: String, to place: String) throws {
        let old = FileManager.default.contents(atPath: path + place) ?? Data()
        try write(Array(old) + Array(line.utf8), to: place)
    }

    /// Makes the tree root's, unwritable by others, free of setuid files and device nodes, and of one age.
    func seal(timestamp: Int) throws -> ImageContent {
        var sealing = ImageSealing(root: path, timestamp: timestamp)
        try sealing.run()
        return sealing.content
    }
}
