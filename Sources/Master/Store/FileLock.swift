import Glibc

/// The right to be the only process that uses a state file; ends with the process, however that ends.
/// Source: man 2 flock.
struct FileLock: ~Copyable {
    private let descriptor: Int32

    /// - Throws: a sentence that names the process which holds the lock.
    init(path: String, of state: String) throws(StoreError) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreError(
                "the state \(state) can not be locked (\(String(cString: strerror(errno)))): choose a folder that this "
                    + "user may write")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = FileLock.text(of: descriptor)
            Glibc.close(descriptor)
            throw StoreError(
                "the state \(state) is in use by another kmaster\(holder.isEmpty ? "" : " (process \(holder))"): stop "
                    + "that one, or choose another folder with --state")
        }
        self.descriptor = descriptor
        let text = Array("\(getpid())\n".utf8)
        _ = ftruncate(descriptor, 0)
        _ = text.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    }

    deinit { Glibc.close(descriptor) }

    /// Whether nobody holds the lock at this moment.
    static func isFree(path: String) -> Bool {
        let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return errno == ENOENT }
        defer { Glibc.close(descriptor) }
        return flock(descriptor, LOCK_EX | LOCK_NB) == 0
    }

    private static func text(of descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 20)
        let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        return String(decoding: bytes.prefix(max(0, count)).filter { (48...57).contains($0) }, as: UTF8.self)
    }
}
