import Glibc
import Shared

/// A sentence for the user that ends a command with exit code 1.
struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// The few file operations that commands need. Paths are taken as they are.
enum SystemFiles {
    /// The text of a small file, such as one of /proc; nil when it can not be read.
    static func text(_ path: String) -> String? {
        guard let bytes = try? PrivateFile.read(path) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func isProgram(_ path: String) -> Bool { access(path, X_OK) == 0 }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// True for a link to a folder too only when `path` ends in a slash.
    private static func isRealFolder(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Names in a folder in order, without `.` and `..`; empty when it can not be read.
    static func names(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Writes to an existing file of the kernel, such as a sysctl. Returns errno, 0 when done.
    @discardableResult
    static func set(_ path: String, _ value: String) -> Int32 {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        let bytes = Array(value.utf8)
        return Glibc.write(descriptor, bytes, bytes.count) == bytes.count ? 0 : errno
    }

    /// Makes a folder and its parents.
    static func makeFolder(_ path: String, mode: mode_t = 0o755) throws(Failure) {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/" + part
            if mkdir(made, mode) != 0, errno != EEXIST {
                throw Failure(
                    "The folder \(path) can not be made (\(String(cString: strerror(errno)))); name another with --state."
                )
            }
        }
    }

    /// Removes a file or a folder with everything in it; links are removed, not followed.
    static func removeTree(_ path: String) {
        if isRealFolder(path) {
            for name in names(path) { removeTree(path + "/" + name) }
            rmdir(path)
        } else {
            unlink(path)
        }
    }

    /// Where a symbolic link points.
    static func link(_ path: String) -> String? {
        var room = [UInt8](repeating: 0, count: 4096)
        let count = room.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: CChar.self) { $0.baseAddress.map { readlink(path, $0, 4096) } ?? 0 }
        }
        return count > 0 ? String(decoding: room[..<count], as: UTF8.self) : nil
    }
}
