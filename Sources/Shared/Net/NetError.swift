import Glibc

/// A failure of a socket, a name or a handshake, said in one sentence.
package struct NetError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Reason: Sendable, Equatable {
        /// Nobody listens at the address.
        case refused
        case unreachable
        /// Nothing happened within the time that was allowed.
        case timedOut
        /// The peer or this side has closed the connection.
        case closed
        case addressInUse
        /// The name of a host could not be found.
        case name
        /// The handshake failed or the peer's certificate is not trusted.
        case tls
        /// Any other `errno`.
        case system(Int32)
    }
    package let reason: Reason
    package let description: String

    package init(_ reason: Reason, _ description: String) {
        self.reason = reason
        self.description = description
    }

    /// The error of a system call: `what` says what was tried, such as `connect to 10.0.0.1:6443`.
    init(_ what: String, errno code: Int32) {
        let text = String(cString: strerror(code))
        switch code {
        case ECONNREFUSED: self.init(.refused, "cannot \(what): nobody listens there (connection refused)")
        case EHOSTUNREACH, ENETUNREACH, ENETDOWN, EHOSTDOWN: self.init(.unreachable, "cannot \(what): \(text)")
        case ETIMEDOUT: self.init(.timedOut, "cannot \(what): timed out")
        case EPIPE, ECONNRESET, ECONNABORTED, ENOTCONN:
            self.init(.closed, "cannot \(what): the peer closed the connection")
        case EADDRINUSE:
            self.init(
                .addressInUse,
                "cannot \(what): the address is already in use; stop the program that has it or choose another port")
        case EACCES, EPERM: self.init(.system(code), "cannot \(what): permission denied; ports below 1024 need root")
        default: self.init(.system(code), "cannot \(what): \(text)")
        }
    }
}
