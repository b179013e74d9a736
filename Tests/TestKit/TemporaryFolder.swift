import Glibc

/// A folder of one test, removed with all that is in it when the last reference goes. It lies in memory where the
/// machine offers that, since what tests write need not outlive them. A class: it owns the folder.
package final class TemporaryFolder: Sendable {
    package let path: String

    package convenience init() { self.init(below: access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") }

    /// - Parameter parent: an existing folder, for what must lie on a disk.
    package init(below parent: String) {
        var template = Array("\(parent)/kotohajime-test-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? ""
        }
        precondition(!path.isEmpty, "a temporary folder can not be made")
    }
    deinit { TemporaryFolder.remove(path) }

    /// Names of the files in it.
    package var files: [String] { TemporaryFolder.names(in: path) }

    /// Copies the files whose names begin with `prefix`, as they are at this moment: what a machine that loses power
    /// leaves. Locks and shared memory do not outlive that.
    package func copy(_ prefix: String, to other: TemporaryFolder) {
        for file in files where file.hasPrefix(prefix) && !file.hasSuffix(".lock") && !file.hasSuffix("-shm") {
            TemporaryFolder.copy("\(path)/\(file)", "\(other.path)/\(file)")
        }
    }

    private static func copy(_ source: String, _ target: String) {
        let inner = names(in: source)
        if !inner.isEmpty {
            mkdir(target, 0o700)
            for name in inner { copy("\(source)/\(name)", "\(target)/\(name)") }
            return
        }
        let reading = open(source, O_RDONLY | O_CLOEXEC)
        let writing = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer {
            close(reading)
            close(writing)
        }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(reading, &buffer, buffer.count)
            guard count > 0 else { return }
            precondition(write(writing, buffer, count) == count, "a file can not be copied")
        }
    }

    private static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func remove(_ path: String) {
        if unlink(path) == 0 { return }
        for name in names(in: path) { remove("\(path)/\(name)") }
        rmdir(path)
    }
}
