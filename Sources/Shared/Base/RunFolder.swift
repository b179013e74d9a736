import Glibc

/// Where programs keep sockets and mount points: short paths, since that of a unix socket ends at 107 bytes.
package enum RunFolder {
    /// `/run/kotohajime` for root; a folder of the user's own for others.
    package static var base: String {
        if geteuid() == 0 { return "/run/kotohajime" }
        if let folder = getenv("XDG_RUNTIME_DIR").map({ String(cString: $0) }), folder.hasPrefix("/"),
            access(folder, W_OK) == 0
        {
            return folder + "/kotohajime"
        }
        return "/tmp/kotohajime-\(geteuid())"
    }

    /// The folder of the agent whose state is in `state`: one for each state folder.
    package static func of(state: String) -> String {
        // FNV-1a: tells folders apart, nothing more.
        let hash = state.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
        return base + "/" + String(hash, radix: 16)
    }

    /// Whether a folder belongs to this user alone; one in /tmp may have been laid there by somebody else.
    package static func isOwn(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_uid == geteuid() && status.st_mode & S_IFMT == S_IFDIR
            && status.st_mode & 0o022 == 0
    }
}
