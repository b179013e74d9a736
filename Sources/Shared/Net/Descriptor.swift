import CLinux
import Glibc

/// An open file descriptor, closed exactly once.
package struct Descriptor: ~Copyable, Sendable {
    package let raw: Int32

    /// Takes over `raw`, which nobody else closes.
    package init(_ raw: Int32) { self.raw = raw }

    /// Gives the descriptor away without closing it.
    package consuming func release() -> Int32 {
        let raw = raw
        discard self
        return raw
    }

    deinit { if raw >= 0 { _ = Glibc.close(raw) } }
}
