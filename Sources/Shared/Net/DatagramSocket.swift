import Glibc

/// An IPv4 address with a port.
package struct IPv4Endpoint: Hashable, Sendable, CustomStringConvertible {
    package let address: IPv4Address
    package let port: UInt16

    package init(_ address: IPv4Address, port: UInt16) {
        self.address = address
        self.port = port
    }
    package var description: String { "\(address):\(port)" }

    fileprivate func withPointer<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        var raw = sockaddr_in()
        raw.sin_family = sa_family_t(AF_INET)
        raw.sin_port = port.bigEndian
        raw.sin_addr.s_addr = address.value.bigEndian
        return withUnsafePointer(to: &raw) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}

/// A UDP socket for IPv4. A class: it owns the descriptor. Source: man 7 udp.
package final class DatagramSocket: Sendable {
    private let socket: Socket

    /// Binds to a local address; port 0 lets the kernel choose.
    /// - Parameter reusePort: lets other processes bind the same port; the kernel spreads the senders.
    /// - Throws: `NetError` naming the address.
    package init(bind local: IPv4Endpoint, reusePort: Bool = false) throws {
        socket = try DatagramSocket.make(for: "listen on \(local)")
        if reusePort { Socket.set(socket.raw, SOL_SOCKET, SO_REUSEPORT, 1) }
        guard local.withPointer({ Glibc.bind(socket.raw, $0, $1) }) == 0 else {
            throw NetError("listen on \(local)", errno: errno)
        }
    }

    /// A socket that sends to and receives from one peer only, from a port that the kernel chooses.
    package init(connect peer: IPv4Endpoint) throws {
        socket = try DatagramSocket.make(for: "connect to \(peer)")
        guard peer.withPointer({ Glibc.connect(socket.raw, $0, $1) }) == 0 else {
            throw NetError("connect to \(peer)", errno: errno)
        }
    }

    private static func make(for what: String) throws -> Socket {
        let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let raw = Glibc.socket(AF_INET, kind, 0)
        guard raw >= 0 else { throw NetError(what, errno: errno) }
        return try Socket(Descriptor(raw))
    }

    package var port: UInt16 { UInt16(clamping: socket.localAddress.port) }

    /// The next datagram, cut at `most` bytes, and who sent it.
    /// - Parameter deadline: uptime; nil waits for ever.
    /// - Throws: `NetError` (`timedOut`; `refused` when a connected peer's port is closed), `CancellationError`.
    package func receive(most: Int = 65_535, until deadline: Duration? = nil) async throws -> (
        bytes: [UInt8], from: IPv4Endpoint
    ) {
        while true {
            try Task.checkCancellation()
            var peer = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            var code: Int32 = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
                let result = withUnsafeMutablePointer(to: &peer) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        recvfrom(socket.raw, buffer.baseAddress, most, 0, $0, &length)
                    }
                }
                if result < 0 { code = errno }
                count = max(0, result)
            }
            switch code {
            case 0:
                let address = IPv4Address(value: UInt32(bigEndian: peer.sin_addr.s_addr))
                return (bytes, IPv4Endpoint(address, port: UInt16(bigEndian: peer.sin_port)))
            case EAGAIN: try await socket.readiness.wait(for: .read, until: deadline)
            case EINTR: continue
            default: throw NetError("receive a datagram", errno: code)
            }
        }
    }

    /// Sends one datagram; a full buffer drops it, as the network may anyway.
    package func send(_ bytes: [UInt8], to peer: IPv4Endpoint? = nil) throws {
        let sent =
            if let peer {
                peer.withPointer { address, length in
                    bytes.withUnsafeBytes { sendto(socket.raw, $0.baseAddress, $0.count, 0, address, length) }
                }
            } else {
                bytes.withUnsafeBytes { Glibc.send(socket.raw, $0.baseAddress, $0.count, 0) }
            }
        if sent < 0, errno != EAGAIN, errno != ENOBUFS {
            throw NetError("send to \(peer?.description ?? "the peer")", errno: errno)
        }
    }

    package func close() { socket.close() }
}
