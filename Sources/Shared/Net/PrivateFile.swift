import CLinux
import Glibc

/// Files that only their owner may read.
package enum PrivateFile {
    /// The whole file; nil when there is none.
    package static func read(_ path: String) throws -> [UInt8]? {
        let file = Descriptor(clinux_open(path, O_RDONLY | O_CLOEXEC, 0))
        if file.raw < 0 {
            if errno == ENOENT { return nil }
            throw NetError("read \(path)", errno: errno)
        }
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(file.raw, &room, room.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw NetError("read \(path)", errno: errno) }
            if count == 0 { return bytes }
            bytes += room[..<count]
        }
    }

    /// Replaces the file in one step with mode 0600: it has the old bytes or the new ones, also after a power cut.
    /// Source: man 2 rename, fsync.
    package static func write(_ path: String, _ bytes: [UInt8]) throws {
        let temporary = "\(path).\(Random.bytes(6).hex).tmp"
        let raw = clinux_open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard raw >= 0 else { throw NetError("write \(path)", errno: errno) }
        do {
            let file = Descriptor(raw)
            var offset = 0
            while offset < bytes.count {
                let count = bytes.withUnsafeBytes {
                    Glibc.write(file.raw, $0.baseAddress.map { $0 + offset }, bytes.count - offset)
                }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw NetError("write \(path)", errno: errno) }
                offset += count
            }
            guard fsync(file.raw) == 0 else { throw NetError("write \(path)", errno: errno) }
            guard rename(temporary, path) == 0 else { throw NetError("write \(path)", errno: errno) }
        } catch {
            unlink(temporary)
            throw error
        }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let directory = Descriptor(clinux_open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0))
        if directory.raw >= 0 { fsync(directory.raw) }
    }
}
