import CLinux
import Glibc

/// Opens connections.
package enum Dialer {
    /// Tries the addresses of `host` one after the other.
    /// - Parameters:
    ///   - host: a name or a numeric address without brackets.
    ///   - timeout: for all attempts together.
    ///   - source: the numeric local address to connect from; nil lets the kernel choose.
    /// - Throws: `NetError` naming the address, `CancellationError`.
    package static func connect(
        host: String, port: Int, timeout: Duration = .seconds(Limits.connectSeconds), from source: String? = nil
    ) async throws -> Connection {
        let deadline = SystemClock().uptime() + timeout
        let what = "connect to \(SocketAddress.ip(host, port: port))"
        let from = try source.map { try RawAddress.lookUp($0, port: 0, flags: AI_NUMERICHOST).first } ?? nil
        var addresses = try await RawAddress.resolve(host, port: port)
        if let from { addresses.removeAll { $0.family != from.family } }
        var failure = NetError(.name, "cannot \(what): the host has no address of that kind")
        for (index, address) in addresses.enumerated() {
            let now = SystemClock().uptime()
            let share = (deadline - now) / (addresses.count - index)
            do {
                return try await connect(address, what, until: now + share, from: from)
            } catch let error as NetError {
                failure = error
            }
        }
        throw failure
    }

    /// Connects to a unix socket.
    package static func connect(unix path: String, timeout: Duration = .seconds(Limits.connectSeconds)) async throws
        -> Connection
    {
        try await connect(
            try RawAddress(path: path), "connect to \(path)", until: SystemClock().uptime() + timeout, from: nil)
    }

    /// - Parameter namespace: open network namespace that the socket is made in; nil takes the own one.
    static func connect(
        _ address: RawAddress, _ what: String, until deadline: Duration, from source: RawAddress?,
        in namespace: Int32? = nil
    ) async throws -> Connection {
        let descriptor = try make(address, what, in: namespace)
        let raw = descriptor.raw
        if address.family != AF_UNIX { Socket.prepare(raw) }
        if let source, source.withPointer({ bind(raw, $0, $1) }) != 0 {
            throw NetError("\(what) from \(source.address.host)", errno: errno)
        }
        let result = address.withPointer { Glibc.connect(raw, $0, $1) }
        guard result == 0 || errno == EINPROGRESS || errno == EINTR else { throw NetError(what, errno: errno) }
        let socket = try Socket(descriptor)
        if result != 0 {
            do {
                try await waitForConnection(socket, until: deadline)
            } catch let error as NetError where error.reason == .timedOut {
                throw NetError(.timedOut, "cannot \(what): no answer; check the address and the network")
            }
            var code: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(raw, SOL_SOCKET, SO_ERROR, &code, &size)
            if code != 0 { throw NetError(what, errno: code) }
        }
        return Connection(socket, peer: address.address)
    }

    private static func make(_ address: RawAddress, _ what: String, in namespace: Int32?) throws -> Descriptor {
        guard let namespace else { return try Socket.make(address.family, for: what) }
        // A number, because what owns a descriptor can not leave the closure.
        let raw = try NetworkNamespace.run(in: namespace) {
            socket(
                address.family,
                Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue),
                0)
        }
        guard raw >= 0 else { throw NetError(what, errno: errno) }
        return Descriptor(raw)
    }

    /// The first edge may stem from before the connection attempt, so the peer's address decides.
    private static func waitForConnection(_ socket: Socket, until deadline: Duration) async throws {
        while true {
            try await socket.readiness.wait(for: .write, until: deadline)
            var address = RawAddress()
            if address.withMutablePointer({ getpeername(socket.raw, $0, $1) }) == 0 { return }
            var poll = pollfd(fd: socket.raw, events: 0, revents: 0)
            if Glibc.poll(&poll, 1, 0) == 1, Int32(poll.revents) & (POLLERR | POLLHUP) != 0 { return }
        }
    }
}
