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

    /// What a folder held at some moment, by path below it; for what is made once and needed often.
    package struct Contents: Sendable {
        fileprivate var files: [String: [UInt8]] = [:]
        fileprivate var folders: [String] = []
    }

    /// All that is in it now, but for locks and shared memory.
    package var contents: Contents {
        var contents = Contents()
        TemporaryFolder.gather("", below: path, into: &contents)
        return contents
    }

    /// A folder that holds what another one held.
    package convenience init(_ contents: Contents) {
        self.init()
        for folder in contents.folders { mkdir("\(path)/\(folder)", 0o700) }
        for (name, bytes) in contents.files {
            let writing = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            precondition(write(writing, bytes, bytes.count) == bytes.count, "a file can not be written")
            close(writing)
        }
    }

    private static func gather(_ prefix: String, below path: String, into contents: inout Contents) {
        for name in names(in: "\(path)/\(prefix)") where !name.hasSuffix(".lock") && !name.hasSuffix("-shm") {
            let full = "\(path)/\(prefix)\(name)"
            var status = stat()
            guard lstat(full, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                contents.folders.append(prefix + name)
                gather("\(prefix)\(name)/", below: path, into: &contents)
                continue
            }
            let reading = open(full, O_RDONLY | O_CLOEXEC)
            defer { close(reading) }
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while case let count = read(reading, &buffer, buffer.count), count > 0 { bytes += buffer[..<count] }
            contents.files[prefix + name] = bytes
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
