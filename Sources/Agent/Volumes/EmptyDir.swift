import Glibc
import Shared

/// `emptyDir`: a folder of the pod's own, on disk or in memory.
enum EmptyDir {
    /// - Returns: nil, or why it can not be made.
    static func make(_ source: JSON, at path: String, group: gid_t?) throws(ConfigError) {
        do throws(Errno) { try Files.makeFolder(path, mode: 0o777) } catch {
            throw ConfigError("the folder of the volume can not be made: \(error)")
        }
        if source["medium"].string == "Memory" {
            let size = source["sizeLimit"].string.flatMap { Quantity($0) }?.value ?? 0
            guard MemoryFolder.mount(path, bytes: size > 0 ? size : nil, mode: "1777") else {
                // Without the right to mount the folder stays on disk; it works all the same.
                chmod(path, 0o777)
                return
            }
        }
        chmod(path, 0o777)
        if let group { chown(path, uid_t.max, group) }
    }
}

/// A tmpfs on the node. Source: man 5 tmpfs.
enum MemoryFolder {
    /// False when this machine or user may not mount.
    static func mount(_ path: String, bytes: Int?, mode: String) -> Bool {
        if isMounted(path) { return true }
        let options = "mode=\(mode)" + (bytes.map { ",size=\($0)" } ?? "")
        return options.withCString { Glibc.mount("tmpfs", path, "tmpfs", UInt(MS_NOSUID | MS_NODEV), $0) }
            == 0
    }

    static func unmount(_ path: String) { umount2(path, Int32(MNT_DETACH)) }

    /// Whether another file system begins at `path`.
    static func isMounted(_ path: String) -> Bool {
        var own = stat()
        var parent = stat()
        guard lstat(path, &own) == 0, lstat(path + "/..", &parent) == 0 else { return false }
        return own.st_dev != parent.st_dev
    }
}
