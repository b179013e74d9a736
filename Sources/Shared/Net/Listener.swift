import CLinux
import Glibc

/// A socket that takes connections. A class: it owns the socket and the path of a unix socket.
package final class Listener: Sendable {
    private let socket: Socket
    package let address: SocketAddress
    /// The port that was given, or chosen by the kernel when 0 was asked for.
    package var port: Int { address.port }
    private let unlinks: Bool

    private init(_ socket: Socket, _ address: SocketAddress, unlinks: Bool) {
        self.socket = socket
        self.address = address
        self.unlinks = unlinks
    }

    /// - Parameters:
    ///   - host: a numeric address or a name that stands in /etc/hosts; `::` takes IPv4 as well.
    ///   - port: 0 lets the kernel choose.
    ///   - reusePort: lets other processes listen on the same port; the kernel spreads the connections.
    /// - Throws: `NetError` naming the address.
    package static func tcp(host: String, port: Int, reusePort: Bool = false) throws -> Listener {
        let text = "listen on \(SocketAddress.ip(host, port: port))"
        guard let address = try RawAddress.lookUp(host, port: port, flags: AI_PASSIVE).first else {
            throw NetError(.name, "cannot \(text): the host has no address")
        }
        let descriptor = try Socket.make(address.family, for: text)
        Socket.set(descriptor.raw, SOL_SOCKET, SO_REUSEADDR, 1)
        if reusePort { Socket.set(descriptor.raw, SOL_SOCKET, SO_REUSEPORT, 1) }
        return try open(descriptor, address, text, unlinks: false)
    }

    /// Listens at a path. A stale socket file is replaced; one that somebody listens on is not.
    /// - Parameter mode: permissions of the socket file.
    package static func unix(path: String, mode: UInt32 = 0o600) throws -> Listener {
        let address = try RawAddress(path: path)
        let text = "listen on \(path)"
        let probe = try Socket.make(AF_UNIX, for: text)
        if address.withPointer({ connect(probe.raw, $0, $1) }) == 0 {
            throw NetError(.addressInUse, "cannot \(text): another program listens there; stop it first")
        }
        unlink(path)
        let listener = try open(Socket.make(AF_UNIX, for: text), address, text, unlinks: true)
        chmod(path, mode)
        return listener
    }

    private static func open(
        _ descriptor: consuming Descriptor, _ address: RawAddress, _ text: String, unlinks: Bool
    ) throws -> Listener {
        let raw = descriptor.raw
        guard address.withPointer({ bind(raw, $0, $1) }) == 0, listen(raw, Limits.listenBacklog) == 0 else {
            throw NetError(text, errno: errno)
        }
        let socket = try Socket(descriptor)
        return Listener(socket, unlinks ? address.address : socket.localAddress, unlinks: unlinks)
    }

    /// The next connection. Running out of descriptors or memory is waited out, since closing others cures it.
    /// - Throws: `NetError.closed` after `close`, `CancellationError`.
    package func accept() async throws -> Connection {
        while true {
            try Task.checkCancellation()
            if socket.readiness.isClosed { throw NetError(.closed, "the listener is closed") }
            var address = RawAddress()
            let raw = address.withMutablePointer {
                clinux_accept(socket.raw, $0, $1)
            }
            if raw >= 0 {
                let descriptor = Descriptor(raw)
                if address.family != AF_UNIX { Socket.prepare(raw) }
                return Connection(try Socket(descriptor), peer: address.address)
            }
            switch errno {
            case EAGAIN, EWOULDBLOCK: try await socket.readiness.wait(for: .read, until: nil)
            case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                do {
                    try await socket.readiness.wait(for: .read, until: SystemClock().uptime() + .milliseconds(100))
                } catch let error as NetError where error.reason == .timedOut {}
            case EBADF, EINVAL, ENOTSOCK: throw NetError(.closed, "the listener is closed")
            default: continue  // The connection was lost before it was taken; man 2 accept names these errors.
            }
        }
    }

    package func close() {
        if unlinks, !socket.readiness.isClosed, case .unix(let path) = address { unlink(path) }
        socket.close()
    }

    deinit { close() }
}
