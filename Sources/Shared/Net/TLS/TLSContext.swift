import CTLS
import Synchronization

/// What a side of TLS connections knows: certificate, key, whom it trusts. TLS 1.2 and later, ALPN `http/1.1`,
/// sessions are resumed. A class: the certificate may be replaced while connections are open. Source: man 7 ssl.
///
/// Unchecked, because pointers are not Sendable: `SSL_CTX` counts its references, is finished before it is stored,
/// and the stored pointers are touched inside the lock only.
package final class TLSContext: @unchecked Sendable {
    package enum Role: Sendable, Equatable {
        case server
        /// - serverName: whom the certificate must name: a host or an address; nil checks the chain only.
        case client(serverName: String?, insecure: Bool)
    }
    /// A counted reference to something of OpenSSL that any thread may use, one at a time.
    private struct Held: @unchecked Sendable { let pointer: OpaquePointer }
    private struct State {
        var context: Held
        var sessions: [(key: String, session: Held)] = []
    }
    package let role: Role
    private let trust: [Certificate]?
    private let state: Mutex<State>
    /// Contexts that serve clients who ask for a name.
    private let named = Mutex<[String: TLSContext]>([:])

    private init(role: Role, chain: [Certificate], key: PrivateKey?, trust: [Certificate]?) throws {
        self.role = role
        self.trust = trust
        state = Mutex(State(context: Held(pointer: try TLSContext.make(role, chain, key, trust))))
    }

    deinit {
        state.withLock { state in
            for entry in state.sessions { SSL_SESSION_free(entry.session.pointer) }
            SSL_CTX_free(state.context.pointer)
        }
    }

    /// - Parameters:
    ///   - certificate: the server's own, followed by intermediate ones.
    ///   - clientCA: asks clients for a certificate of these authorities. None is needed; one that is not trusted
    ///     does not end the handshake but shows as `peerCertificateProblem`, so that a 401 can say it.
    package static func server(certificate: [Certificate], key: PrivateKey, clientCA: [Certificate]? = nil) throws
        -> TLSContext
    {
        try TLSContext(role: .server, chain: certificate, key: key, trust: clientCA)
    }

    /// - Parameters:
    ///   - ca: whom to trust; nil trusts the system's authorities.
    ///   - serverName: what the server's certificate must name, instead of the host that is dialled.
    ///   - insecure: trusts every server.
    package static func client(
        ca: [Certificate]? = nil, certificate: [Certificate] = [], key: PrivateKey? = nil, serverName: String? = nil,
        insecure: Bool = false
    ) throws -> TLSContext {
        try TLSContext(
            role: .client(serverName: serverName, insecure: insecure), chain: certificate, key: key, trust: ca)
    }

    /// Gives new connections another certificate; open ones keep theirs.
    package func replace(certificate: [Certificate], key: PrivateKey) throws {
        let fresh = Held(pointer: try TLSContext.make(role, certificate, key, trust))
        let old = state.withLock { state in
            let old = state.context
            state.context = fresh
            return old
        }
        SSL_CTX_free(old.pointer)
    }

    /// Gives clients that ask for one of these names the certificate of another context; all others get this one's.
    /// - Parameter contexts: by host in lower case; `*.` at the front stands for one label.
    package func setNames(_ contexts: [String: TLSContext]) {
        named.withLock { $0 = contexts }
        let own = Held(pointer: OpaquePointer(Unmanaged.passUnretained(self).toOpaque()))
        state.withLock { state in
            // Every conversation keeps this context alive, so the argument outlives its use.
            ctls_set_name_callback(
                state.context.pointer,
                { session, _, argument in
                    guard let session, let argument, let name = SSL_get_servername(session, 0) else { return 0 }
                    Unmanaged<TLSContext>.fromOpaque(argument).takeUnretainedValue()
                        .hand(over: session, to: String(cString: name))
                    return 0
                }, UnsafeMutableRawPointer(own.pointer))
        }
    }

    private func hand(over session: OpaquePointer, to name: String) {
        let name = name.lowercased()
        let chosen = named.withLock { named in
            named[name] ?? name.firstIndex(of: ".").flatMap { named["*" + name[$0...]] }
        }
        guard let chosen else { return }
        let held = Held(pointer: session)
        chosen.state.withLock { _ = SSL_set_SSL_CTX(held.pointer, $0.context.pointer) }
    }

    /// A conversation over a connected descriptor that outlives it.
    func session(descriptor: Int32, peer: SocketAddress, host: String? = nil) throws -> TLSSession {
        guard let ssl = state.withLock({ SSL_new($0.context.pointer).map(Held.init) })?.pointer,
            SSL_set_fd(ssl, descriptor) == 1
        else {
            throw TLSContext.failure("start TLS")
        }
        guard case .client(let serverName, let insecure) = role else {
            SSL_set_accept_state(ssl)
            return TLSSession(ssl, context: self, resumeKey: nil)
        }
        SSL_set_connect_state(ssl)
        let name = serverName ?? host ?? peer.host
        let isAddress = (try? RawAddress.lookUp(name, port: 0, flags: 0x4)) != nil  // AI_NUMERICHOST
        if !name.isEmpty, !isAddress {
            _ = name.withCString { SSL_ctrl(ssl, 55, 0, UnsafeMutableRawPointer(mutating: $0)) }  // SNI
        }
        let isNamed =
            insecure || name.isEmpty
            || (isAddress ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) : SSL_set1_host(ssl, name)) == 1
        let key = "\(name) \(peer)"
        let session = TLSSession(ssl, context: self, resumeKey: key)
        guard isNamed else { throw NetError(.tls, "\"\(name)\" is not a host name that a certificate could carry") }
        let resumed = Held(pointer: ssl)
        state.withLock { state in
            if let entry = state.sessions.first(where: { $0.key == key }) {
                _ = SSL_set_session(resumed.pointer, entry.session.pointer)
            }
        }
        return session
    }

    /// Takes over `session`.
    func keep(_ session: OpaquePointer, for key: String) {
        let session = Held(pointer: session)
        state.withLock { state in
            state.sessions.append((key, session))
            let older = state.sessions.dropLast().firstIndex { $0.key == key }
            if let index = older ?? (state.sessions.count > Limits.tlsSessionsMax ? 0 : nil) {
                SSL_SESSION_free(state.sessions.remove(at: index).session.pointer)
            }
        }
    }

    private static func make(
        _ role: Role, _ chain: [Certificate], _ key: PrivateKey?, _ trust: [Certificate]?
    ) throws -> OpaquePointer {
        ERR_clear_error()
        guard let context = SSL_CTX_new(role == .server ? TLS_server_method() : TLS_client_method()) else {
            throw failure("start TLS")
        }
        var isDone = false
        defer { if !isDone { SSL_CTX_free(context) } }
        _ = SSL_CTX_ctrl(context, 123, 0x0303, nil)  // SSL_CTRL_SET_MIN_PROTO_VERSION, TLS 1.2
        // Partial writes, from a buffer that may move, and no buffers while a connection is idle.
        _ = SSL_CTX_ctrl(context, 33, 0x1 | 0x2 | 0x10, nil)
        _ = SSL_CTX_set_options(context, 1 << 30 | 1 << 17)  // no renegotiation, no compression
        if let first = chain.first, let key {
            guard SSL_CTX_use_certificate(context, first.pointer) == 1,
                SSL_CTX_use_PrivateKey(context, key.pointer) == 1,
                SSL_CTX_check_private_key(context) == 1
            else { throw failure("use the certificate \(first.commonName) with its key") }
            for issuer in chain.dropFirst() {
                _ = SSL_CTX_ctrl(context, 89, 1, UnsafeMutableRawPointer(issuer.pointer))
            }
        } else if role == .server {
            throw NetError(.tls, "a TLS server needs a certificate and its key")
        }
        if let trust {
            for authority in trust { _ = X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.pointer) }
        }
        switch role {
        case .server: prepareServer(context, trust)
        case .client(_, let insecure):
            if trust == nil { _ = SSL_CTX_set_default_verify_paths(context) }
            SSL_CTX_set_verify(context, insecure ? 0 : 1, nil)
            _ = SSL_CTX_ctrl(context, 44, 1, nil)  // SSL_CTRL_SET_SESS_CACHE_MODE, client
            let protocols: [UInt8] = [8] + Array("http/1.1".utf8)
            _ = SSL_CTX_set_alpn_protos(context, protocols, UInt32(protocols.count))
        }
        isDone = true
        return context
    }

    private static func prepareServer(_ context: OpaquePointer, _ trust: [Certificate]?) {
        let id = Array("kotohajime".utf8)
        _ = SSL_CTX_set_session_id_context(context, id, UInt32(id.count))
        _ = SSL_CTX_set_timeout(context, 300)
        if let trust {
            for authority in trust { _ = SSL_CTX_add_client_CA(context, authority.pointer) }
            // The verdict is kept and asked for after the handshake; see `server`.
            SSL_CTX_set_verify(context, 1) { _, _ in 1 }
        }
        SSL_CTX_set_alpn_select_cb(
            context,
            { _, chosen, size, offered, count, _ in
                guard let chosen, let size, let offered else { return 3 }
                var index = 0
                while index < Int(count) {
                    let length = Int(offered[index])
                    let name = UnsafeBufferPointer(start: offered + index + 1, count: length)
                    if index + 1 + length <= Int(count), name.elementsEqual("http/1.1".utf8) {
                        chosen.pointee = offered + index + 1
                        size.pointee = UInt8(length)
                        return 0
                    }
                    index += 1 + length
                }
                return 3  // SSL_TLSEXT_ERR_NOACK: go on without.
            }, nil)
    }

    static func failure(_ what: String) -> NetError {
        let text = ERR_reason_error_string(ERR_peek_last_error()).map { String(cString: $0) } ?? "unknown reason"
        ERR_clear_error()
        return NetError(.tls, "cannot \(what): \(text)")
    }
}
