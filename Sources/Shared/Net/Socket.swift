import Glibc

/// An open, non-blocking stream socket. A class: it owns the descriptor, which is closed when the last user lets go,
/// so that no number is reused under a call that is still running.
final class Socket: Sendable {
    private let descriptor: Descriptor
    let readiness: Readiness
    var raw: Int32 { descriptor.raw }

    init(_ descriptor: consuming Descriptor) throws(NetError) {
        readiness = try Poller.shared.add(descriptor)
        self.descriptor = descriptor
    }

    deinit { Poller.shared.remove(readiness) }

    /// A new socket of that family.
    static func make(_ family: Int32, for what: String) throws(NetError) -> Descriptor {
        let raw = socket(
            family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { throw NetError(what, errno: errno) }
        return Descriptor(raw)
    }

    static func set(_ raw: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        _ = setsockopt(raw, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// No delay of small writes; a peer that vanished is noticed within about a minute although nobody writes.
    static func prepare(_ raw: Int32) {
        let tcp = Int32(IPPROTO_TCP)
        set(raw, tcp, TCP_NODELAY, 1)
        set(raw, SOL_SOCKET, SO_KEEPALIVE, 1)
        set(raw, tcp, TCP_KEEPIDLE, 15)
        set(raw, tcp, TCP_KEEPINTVL, 15)
        set(raw, tcp, TCP_KEEPCNT, 3)
    }

    /// Ends every wait and both directions, in this order: who sees the end of what came must be able to tell who has
    /// closed.
    func close() {
        readiness.close()
        shutdown(raw, Int32(SHUT_RDWR))
    }

    var localAddress: SocketAddress {
        var address = RawAddress()
        _ = address.withMutablePointer { getsockname(raw, $0, $1) }
        return address.address
    }

    /// Reads once. Nil means: nothing there yet.
    func receive(most: Int, flags: Int32 = 0) throws(NetError) -> [UInt8]? {
        var result = 0
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
            repeat {
                result = recv(raw, buffer.baseAddress, most, flags)
                code = errno
            } while result < 0 && code == EINTR
            count = max(0, result)
        }
        if result >= 0 { return bytes }
        if code == EAGAIN || code == EWOULDBLOCK { return nil }
        throw NetError("read from the peer", errno: code)
    }
}
