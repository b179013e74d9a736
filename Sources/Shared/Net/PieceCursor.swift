import Glibc

/// A place in a list of buffers that are written one after the other.
struct PieceCursor {
    private let pieces: [[UInt8]]
    private var index = 0
    /// Bytes of the piece at `index` that are done.
    private var offset = 0

    init(_ pieces: [[UInt8]]) {
        self.pieces = pieces
        skipEmpty()
    }

    var isAtEnd: Bool { index == pieces.count }

    mutating func advance(by count: Int) {
        var left = count
        while left > 0, index < pieces.count {
            let here = pieces[index].count - offset
            if left < here {
                offset += left
                return
            }
            left -= here
            index += 1
            offset = 0
        }
        skipEmpty()
    }

    private mutating func skipEmpty() {
        while index < pieces.count, pieces[index].isEmpty { index += 1 }
    }

    /// The buffers from here on, at most `Limits.writePiecesMax`, in the kernel's form.
    func withVectors<T>(_ body: (UnsafeMutablePointer<iovec>?, Int) -> T) -> T {
        var vectors: [iovec] = []
        let end = min(pieces.count, index + Limits.writePiecesMax)
        vectors.reserveCapacity(end - index)
        // The addresses stay good after their closures: on Linux an array of bytes is one block of memory that does
        // not move while the array lives unchanged, and `pieces` is a constant kept alive past the call.
        return withExtendedLifetime(pieces) {
            for position in index..<end {
                pieces[position].withUnsafeBytes { bytes in
                    let skipped = position == index ? offset : 0
                    guard let start = bytes.baseAddress, bytes.count > skipped else { return }
                    vectors.append(
                        iovec(
                            iov_base: UnsafeMutableRawPointer(mutating: start + skipped), iov_len: bytes.count - skipped
                        ))
                }
            }
            return vectors.withUnsafeMutableBufferPointer { body($0.baseAddress, $0.count) }
        }
    }
}
