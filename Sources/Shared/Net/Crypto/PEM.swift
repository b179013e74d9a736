import CTLS

/// A memory buffer of OpenSSL.
struct MemoryBIO: ~Copyable {
    let pointer: OpaquePointer?

    /// For writing.
    init() { pointer = BIO_new(BIO_s_mem()) }
    /// For reading; OpenSSL refers to `bytes`, so they must outlive the value: use `withReader`.
    private init(_ bytes: UnsafeRawBufferPointer) {
        pointer = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count))
    }
    deinit { _ = BIO_free(pointer) }

    static func withReader<T>(_ bytes: [UInt8], _ body: (OpaquePointer?) throws -> T) rethrows -> T {
        try bytes.withUnsafeBytes { buffer in
            let bio = MemoryBIO(buffer)
            return try body(bio.pointer)
        }
    }

    /// What was written.
    consuming func bytes() -> [UInt8] {
        var result: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Int(BIO_read(pointer, &piece, 4096))
            if count <= 0 { return result }
            result += piece[..<count]
        }
    }
}
