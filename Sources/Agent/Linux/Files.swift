import CLinux
import Glibc

/// Small files and folders of the node. Every call is short; none follows a network.
enum Files {
    /// The whole file, at most `most` bytes.
    static func read(_ path: String, most: Int = 1 << 20) throws(Errno) -> [UInt8] {
        let descriptor = clinux_open(path, O_RDONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw .last }
        defer { close(descriptor) }
        return try read(descriptor, most: most)
    }

    static func read(_ descriptor: Int32, most: Int) throws(Errno) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < most {
            let count = Glibc.read(descriptor, &buffer, min(buffer.count, most - bytes.count))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .last }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return bytes
    }

    static func text(_ path: String, most: Int = 1 << 20) -> String? {
        guard let bytes = try? read(path, most: most) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Writes a file of the kernel (a cgroup, a sysctl) with one write.
    static func set(_ path: String, _ text: String) throws(Errno) {
        let descriptor = clinux_open(path, O_WRONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw .last }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count else { throw .last }
    }

    /// Replaces a file by rename, mode 0600.
    static func replace(_ path: String, _ bytes: [UInt8]) throws(Errno) {
        let descriptor = clinux_open(path + ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last }
        let result = writeAll(descriptor, bytes)
        close(descriptor)
        if let result { throw result }
        guard rename(path + ".new", path) == 0 else { throw .last }
    }

    /// Nil when all bytes are written.
    static func writeAll(_ descriptor: Int32, _ bytes: some Collection<UInt8>) -> Errno? {
        Array(bytes).writeAll(to: descriptor) ? nil : .last
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Makes a folder and its parents.
    static func makeFolder(_ path: String, mode: mode_t = 0o755) throws(Errno) {
        if mkdir(path, mode) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else { throw .last }
        try makeFolder(String(path[..<slash]), mode: 0o755)
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw .last }
    }

    /// Names in a folder without `.` and `..`, sorted; empty when it cannot be read.
    static func names(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Removes a file or a folder with all it has. Links are removed, not followed, and no other mount is entered.
    static func removeAll(_ path: String) {
        var info = stat()
        guard lstat(path, &info) == 0 else { return }
        if info.st_mode & S_IFMT == S_IFDIR {
            for name in names(path) { removeAll(path + "/" + name) }
            rmdir(path)
        } else {
            unlink(path)
        }
    }

    static func linkText(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink(path, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }

    static func isFolder(_ path: String) -> Bool {
        var info = stat()
        return lstat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }
}
