import Glibc

extension [UInt8] {
    /// Writes all bytes to an open file, pipe or terminal that blocks.
    /// - Returns: false when that failed, with the reason in `errno`. Source: man 2 write.
    package func writeAll(to descriptor: Int32) -> Bool {
        withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let count = Glibc.write(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                done += count
            }
            return true
        }
    }
}
