import CTLS
import Synchronization

/// One TLS conversation over a non-blocking descriptor. A class: it owns OpenSSL's `SSL`. Source: man 3ssl SSL_read.
///
/// OpenSSL encrypts into a buffer of one record and writes it to the socket itself, so a large write is never copied.
///
/// Unchecked, because a pointer is not Sendable: the pointer is set once and every use is inside `lock`; an `SSL`
/// may be used from any thread, by one at a time.
final class TLSSession: @unchecked Sendable {
    enum Outcome: Equatable {
        case done, wantsRead, wantsWrite, closed
        case failed(String)
    }
    private let ssl: OpaquePointer
    private let lock = Mutex(false)
    /// Where a client keeps the session for the next connection.
    private let context: TLSContext
    private let resumeKey: String?

    /// Takes over `ssl`.
    init(_ ssl: OpaquePointer, context: TLSContext, resumeKey: String?) {
        self.ssl = ssl
        self.context = context
        self.resumeKey = resumeKey
    }

    deinit {
        SSL_set_shutdown(ssl, 1 | 2)  // A session that is not marked as ended well can not be resumed.
        SSL_free(ssl)
    }

    func handshake() -> Outcome {
        lock.withLock { _ in
            ERR_clear_error()
            let result = SSL_do_handshake(ssl)
            return result == 1 ? .done : outcome(result, isHandshake: true)
        }
    }

    func read(most: Int) -> ([UInt8], Outcome) {
        lock.withLock { _ in
            var outcome = Outcome.done
            let bytes = [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
                ERR_clear_error()
                let result = SSL_read(ssl, buffer.baseAddress, Int32(clamping: most))
                count = Int(max(0, result))
                if result <= 0 { outcome = self.outcome(result, isHandshake: false) }
            }
            return (bytes, outcome)
        }
    }

    func write(_ bytes: ArraySlice<UInt8>) -> (Int, Outcome) {
        lock.withLock { hasEnded in
            if hasEnded { return (0, .closed) }
            var written = 0
            ERR_clear_error()
            let result = bytes.withUnsafeBytes { SSL_write_ex(ssl, $0.baseAddress, $0.count, &written) }
            return result == 1 ? (written, .done) : (0, outcome(result, isHandshake: false))
        }
    }

    /// Sends "close notify" if that is possible at once, and keeps a client's session.
    func sayGoodbye() {
        lock.withLock { hasEnded in
            if hasEnded { return }
            hasEnded = true
            if let resumeKey, let session = SSL_get1_session(ssl) {
                if SSL_SESSION_is_resumable(session) == 1 {
                    context.keep(session, for: resumeKey)
                } else {
                    SSL_SESSION_free(session)
                }
            }
            ERR_clear_error()
            _ = SSL_shutdown(ssl)
            ERR_clear_error()
        }
    }

    /// True while the peer has sent neither data nor an end.
    var isQuiet: Bool {
        let (bytes, outcome) = read(most: 1)
        return bytes.isEmpty && outcome == .wantsRead
    }

    var peerCertificate: Certificate? {
        lock.withLock { _ in
            guard SSL_get_verify_result(ssl) == 0 else { return nil }
            return SSL_get1_peer_certificate(ssl).map { Certificate(owning: $0) }
        }
    }
    var peerProblem: String? {
        lock.withLock { _ in
            let code = SSL_get_verify_result(ssl)
            return code == 0 ? nil : String(cString: X509_verify_cert_error_string(code))
        }
    }
    var isResumed: Bool { lock.withLock { _ in SSL_session_reused(ssl) == 1 } }
    var serverName: String? { lock.withLock { _ in SSL_get_servername(ssl, 0).map { String(cString: $0) } } }
    var version: String { lock.withLock { _ in String(cString: SSL_get_version(ssl)) } }

    /// Source: man 3ssl SSL_get_error. Called in the lock, right after the operation, on its thread.
    private func outcome(_ result: Int32, isHandshake: Bool) -> Outcome {
        let code = SSL_get_error(ssl, result)
        switch code {
        case 2: return .wantsRead
        case 3: return .wantsWrite
        case 6: return .closed
        case 5: return .closed
        default:
            let error = ERR_peek_last_error()
            let text = ERR_reason_error_string(error).map { String(cString: $0) } ?? "error \(code)"
            ERR_clear_error()
            if text == "unexpected eof while reading" { return .closed }
            let verify = SSL_get_verify_result(ssl)
            if isHandshake, verify != 0, text == "certificate verify failed" {
                return .failed(
                    "the peer's certificate is not trusted (\(String(cString: X509_verify_cert_error_string(verify))))")
            }
            return .failed(text)
        }
    }
}
