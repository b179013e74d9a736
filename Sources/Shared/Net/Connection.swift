import Glibc
import Synchronization

/// One connection with a peer, plain or under TLS. A class: it owns the socket; `close` ends it for everybody, and
/// the descriptor is freed with the last reference.
///
/// One task may read while another writes. Every wait ends with the task's cancellation, with `close`, and after the
/// idle time with `NetError.timedOut`.
package final class Connection: ByteChannel {
    private let socket: Socket
    private let tls: TLSSession?
    package let peer: SocketAddress
    package let local: SocketAddress
    /// Seconds that one read may wait for the first byte; nil for ever.
    package let readTimeout: Duration?
    /// Seconds that a write may stand still; nil for ever.
    package let writeTimeout: Duration?

    init(
        _ socket: Socket, tls: TLSSession? = nil, peer: SocketAddress, local: SocketAddress? = nil,
        readTimeout: Duration? = nil,
        writeTimeout: Duration? = .seconds(Limits.writeSeconds)
    ) {
        self.socket = socket
        self.tls = tls
        self.peer = peer
        self.local = local ?? socket.localAddress
        self.readTimeout = readTimeout
        self.writeTimeout = writeTimeout
    }

    /// True when the bytes are encrypted.
    package var isSecure: Bool { tls != nil }
    /// The peer's certificate when it was asked for, given, and issued by the trusted authority.
    package var peerCertificate: Certificate? { tls?.peerCertificate }
    /// Why a certificate that the peer gave is not trusted; nil when it gave none or a good one.
    package var peerCertificateProblem: String? { tls?.peerProblem }
    /// True when the handshake was a short one.
    package var isResumed: Bool { tls?.isResumed ?? false }
    /// The host name that the client asked for (SNI).
    package var serverName: String? { tls?.serverName }
    /// `TLSv1.3`, `TLSv1.2`; nil without TLS.
    package var tlsVersion: String? { tls?.version }

    /// The same connection with other idle times.
    package func timing(read: Duration?, write: Duration?) -> Connection {
        Connection(socket, tls: tls, peer: peer, local: local, readTimeout: read, writeTimeout: write)
    }

    /// Performs the handshake on a plain connection; the result takes its place.
    /// - Parameter host: the name that was dialled, which a server's certificate must carry; nil takes the address.
    /// - Throws: `NetError.tls` with what is wrong, `.timedOut` after `timeout`. The connection is closed then.
    package func secured(
        by context: TLSContext, host: String? = nil, timeout: Duration = .seconds(Limits.handshakeSeconds)
    ) async throws -> Connection {
        let session = try context.session(descriptor: socket.raw, peer: peer, host: host)
        let deadline = SystemClock().uptime() + timeout
        do {
            loop: while true {
                switch session.handshake() {
                case .done: break loop
                case .wantsRead: try await socket.readiness.wait(for: .read, until: deadline)
                case .wantsWrite: try await socket.readiness.wait(for: .write, until: deadline)
                case .closed: throw NetError(.closed, "\(peer) closed the connection during the TLS handshake")
                case .failed(let text): throw NetError(.tls, "the TLS handshake with \(peer) failed: \(text)")
                }
            }
        } catch {
            socket.close()
            if let error = error as? NetError, error.reason == .timedOut {
                throw NetError(.timedOut, "the TLS handshake with \(peer) took more than \(timeout.human)")
            }
            throw error
        }
        return Connection(
            socket, tls: session, peer: peer, local: local, readTimeout: readTimeout, writeTimeout: writeTimeout)
    }

    package func read(most: Int) async throws -> [UInt8]? { try await read(most: most, within: readTimeout) }

    /// - Parameter timeout: how long nothing may arrive; nil for ever.
    package func read(most: Int, within timeout: Duration?) async throws -> [UInt8]? {
        let deadline = timeout.map { SystemClock().uptime() + $0 }
        return try await read(most: most, until: deadline)
    }

    /// - Parameter deadline: uptime at which waiting ends.
    package func read(most: Int = Limits.readBytes, until deadline: Duration?) async throws -> [UInt8]? {
        let most = min(max(1, most), 1 << 20)
        while true {
            try Task.checkCancellation()
            if socket.readiness.isClosed { throw NetError(.closed, "the connection is closed") }
            guard let tls else {
                if let bytes = try socket.receive(most: most) { return bytes.isEmpty ? try end() : bytes }
                try await socket.readiness.wait(for: .read, until: deadline)
                continue
            }
            let (bytes, outcome) = tls.read(most: most)
            switch outcome {
            case .done: return bytes
            case .wantsRead: try await socket.readiness.wait(for: .read, until: deadline)
            case .wantsWrite: try await socket.readiness.wait(for: .write, until: deadline)
            case .closed: return try end()
            case .failed(let text): throw NetError(.tls, "reading from \(peer) failed: \(text)")
            }
        }
    }

    /// The end of what the peer sends; an error when it is this side that has closed.
    private func end() throws -> [UInt8]? {
        if socket.readiness.isClosed { throw NetError(.closed, "the connection is closed") }
        return nil
    }

    package func write(_ bytes: [UInt8]) async throws { try await write(pieces: [bytes]) }

    /// Writes all pieces in order as if they were one, without joining them first. Source: man 2 sendmsg.
    package func write(pieces: [[UInt8]]) async throws {
        if let tls { return try await writeSecure(pieces, tls) }
        var cursor = PieceCursor(pieces)
        while !cursor.isAtEnd {
            if socket.readiness.isClosed { throw NetError(.closed, "the connection is closed") }
            let (sent, code) = cursor.withVectors { vectors, count in
                var message = msghdr()
                message.msg_iov = vectors
                message.msg_iovlen = count
                let sent = sendmsg(socket.raw, &message, Int32(MSG_NOSIGNAL))
                return (sent, sent < 0 ? errno : 0)
            }
            if sent >= 0 {
                cursor.advance(by: sent)
            } else if code == EAGAIN || code == EWOULDBLOCK {
                try await waitForRoom(.write)
            } else if code != EINTR {
                throw NetError("write to \(peer)", errno: code)
            }
        }
    }

    /// Small pieces are joined into whole TLS records; large ones are encrypted from where they lie.
    private func writeSecure(_ pieces: [[UInt8]], _ tls: TLSSession) async throws {
        let record = 16 * 1024
        var joined: [UInt8] = []
        for piece in pieces where !piece.isEmpty {
            if joined.count + piece.count <= record {
                joined.append(contentsOf: piece)
            } else if joined.isEmpty {
                try await writeSecure(piece[...], tls)
            } else {
                let head = record - joined.count
                joined.append(contentsOf: piece.prefix(head))
                try await writeSecure(joined[...], tls)
                joined.removeAll(keepingCapacity: true)
                let tail = piece.dropFirst(head)
                if tail.count >= record { try await writeSecure(tail, tls) } else { joined.append(contentsOf: tail) }
            }
        }
        if !joined.isEmpty { try await writeSecure(joined[...], tls) }
    }

    private func writeSecure(_ bytes: ArraySlice<UInt8>, _ tls: TLSSession) async throws {
        var rest = bytes
        while !rest.isEmpty {
            if socket.readiness.isClosed { throw NetError(.closed, "the connection is closed") }
            let (written, outcome) = tls.write(rest)
            switch outcome {
            case .done: rest = rest.dropFirst(written)
            case .wantsRead: try await waitForRoom(.read)
            case .wantsWrite: try await waitForRoom(.write)
            case .closed: throw NetError(.closed, "cannot write to \(peer): the peer closed the connection")
            case .failed(let text): throw NetError(.tls, "writing to \(peer) failed: \(text)")
            }
        }
    }

    private func waitForRoom(_ direction: Readiness.Direction) async throws {
        do {
            try await socket.readiness.wait(for: direction, until: writeTimeout.map { SystemClock().uptime() + $0 })
        } catch let error as NetError where error.reason == .timedOut {
            throw NetError(.timedOut, "\(peer) has read nothing for \((writeTimeout ?? .zero).human)")
        }
    }

    /// True while an idle connection looks alive: neither closed by the peer nor holding bytes that nobody asked for.
    package var isQuiet: Bool {
        if socket.readiness.isClosed { return false }
        // TLS 1.3 sends session tickets after the handshake; they are not an answer.
        if let tls { return tls.isQuiet }
        do { return try socket.receive(most: 1, flags: Int32(MSG_PEEK)) == nil } catch { return false }
    }

    /// Makes reads end as if the peer had closed its direction; writing goes on. A server stops in this way.
    package func closeReading() {
        shutdown(socket.raw, Int32(SHUT_RD))
        socket.readiness.wake(read: true, write: false)
    }

    /// Tells the peer that no more bytes follow; reading goes on.
    package func closeWriting() {
        if let tls { tls.sayGoodbye() }
        shutdown(socket.raw, Int32(SHUT_WR))
    }

    package func close() {
        if !socket.readiness.isClosed { tls?.sayGoodbye() }
        socket.close()
    }
}
