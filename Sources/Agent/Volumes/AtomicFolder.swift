import CLinux
import Glibc
import Shared

/// A file of a volume that is made of API objects.
struct VolumeFile: Equatable, Sendable {
    var bytes: [UInt8]
    var mode: mode_t
}

/// A folder whose files change all at once: `NAME → ..data/NAME`, `..data → ..TIME`, and a rename of the link `..data`
/// brings the new set. Readers see the old files or the new ones. Source: Kubernetes `util.AtomicWriter`.
struct AtomicFolder: Sendable {
    let path: String
    /// Owner group of the files (`fsGroup`); nil leaves it.
    let group: gid_t?

    /// Writes `files` (by relative path) when they differ from what is there; true when something changed.
    /// - Parameter version: names the new set; unique for this folder.
    func write(_ files: [String: VolumeFile], version: String) throws(Errno) -> Bool {
        let old = Files.linkText(path + "/..data")
        if let old, isSame(files, in: path + "/" + old) { return false }
        let folder = "..\(version)"
        try Files.makeFolder(path + "/" + folder)
        for (name, file) in files {
            let target = "\(path)/\(folder)/\(name)"
            if let slash = target.lastIndex(of: "/") { try Files.makeFolder(String(target[..<slash])) }
            try Files.replace(target, file.bytes)
            chmod(target, file.mode)
            if let group { chown(target, uid_t.max, group) }
        }
        let fresh = path + "/..data_tmp"
        unlink(fresh)
        guard symlink(folder, fresh) == 0, rename(fresh, path + "/..data") == 0 else { throw .last }
        let names = Set(files.keys.compactMap { $0.split(separator: "/").first.map(String.init) })
        for name in names where !isLink(path + "/" + name) {
            guard symlink("..data/" + name, path + "/" + name) == 0 else { throw .last }
        }
        for name in Files.names(path) where !name.hasPrefix("..") && !names.contains(name) { unlink(path + "/" + name) }
        for name in Files.names(path) where name.hasPrefix("..") && name != "..data" && name != folder {
            Files.removeAll(path + "/" + name)
        }
        return true
    }

    private func isLink(_ path: String) -> Bool { Files.linkText(path) != nil }

    private func isSame(_ files: [String: VolumeFile], in folder: String) -> Bool {
        var found = 0
        func count(_ path: String) {
            for name in Files.names(path) {
                if Files.isFolder(path + "/" + name) { count(path + "/" + name) } else { found += 1 }
            }
        }
        count(folder)
        guard found == files.count else { return false }
        return files.allSatisfy { name, file in
            (try? Files.read("\(folder)/\(name)", most: Limits.objectBytesMax + 1)) == file.bytes
        }
    }
}
