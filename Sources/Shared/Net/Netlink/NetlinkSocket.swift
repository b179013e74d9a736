import CLinux
import Glibc

/// A netlink socket: owns its descriptor, which stays in the network namespace it was opened in.
///
/// The kernel has answered when `send` returns, so nothing here waits. Not for use from two tasks at once.
package struct NetlinkSocket: ~Copyable {
    package enum Family: Int32, Sendable {
        /// NETLINK_ROUTE: links, addresses, routes, neighbours.
        case route = 0
        /// NETLINK_NETFILTER: nf_tables and conntrack.
        case netfilter = 12
    }
    private let descriptor: Int32
    private var sequence: UInt32 = 1

    /// Opens a socket in the namespace that `namespace` refers to, or in the caller's.
    /// - Throws: `NetlinkError`.
    package init(_ family: Family, in namespace: Int32? = nil) throws(NetlinkError) {
        let kind = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        descriptor = clinux_network_socket(namespace ?? -1, AF_NETLINK, kind, family.rawValue)
        guard descriptor >= 0 else { throw NetlinkError(code: errno, purpose: "open a netlink socket") }
        // Errors carry a text and no copy of the request; large batches fit. All three are wishes.
        for (level, option, value) in [
            (Int32(270), Int32(11), Int32(1)), (270, 10, 1), (SOL_SOCKET, SO_SNDBUFFORCE, 64 << 20),
            (SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20),
        ] {
            var value = value
            _ = setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    deinit { close(descriptor) }

    /// Performs the requests in order; stops reporting at the first that fails (later ones may have been done).
    package mutating func perform(_ messages: [NetlinkMessage]) throws(NetlinkError) {
        for message in messages {
            let (_, error) = try exchange(message, flags: .acknowledge)
            if let error { throw error }
        }
    }
    package mutating func perform(_ message: NetlinkMessage) throws(NetlinkError) { try perform([message]) }

    /// Performs the request; the errors in `tolerated` (errno) count as done.
    package mutating func perform(_ message: NetlinkMessage, tolerating tolerated: Int32...) throws(NetlinkError) {
        let (_, error) = try exchange(message, flags: .acknowledge)
        if let error, !tolerated.contains(error.code) { throw error }
    }

    /// Asks for a list, or for one object (`flags` empty).
    package mutating func query(_ message: NetlinkMessage) throws(NetlinkError) -> [NetlinkReply] {
        let (replies, error) = try exchange(message, flags: message.flags.contains(.dump) ? [] : .acknowledge)
        if let error { throw error }
        return replies
    }

    /// Sends all messages at once: the last one is acknowledged, the others answer only when they fail.
    package mutating func transact(_ messages: [NetlinkMessage]) throws(NetlinkError) {
        var bytes: [UInt8] = []
        var purposes: [UInt32: String] = [:]
        let first = sequence
        var last = sequence
        // The message before the closing one: older kernels do not acknowledge the end of a batch.
        let acknowledged = messages.count - 2
        for (index, message) in messages.enumerated() {
            var message = message
            if index == acknowledged {
                message.flags.insert(.acknowledge)
                last = sequence
            }
            purposes[sequence] = message.purpose
            bytes += message.encoded(sequence: sequence)
            sequence &+= 1
        }
        try send(bytes, purpose: messages.first?.purpose ?? "do nothing")
        var failure: NetlinkError?
        while true {
            for reply in try receive(purpose: messages.first?.purpose ?? "do nothing") {
                guard let code = reply.errorCode, let purpose = purposes[reply.sequence] else { continue }
                if code != 0, failure == nil {
                    failure = NetlinkError(code: code, purpose: purpose, text: reply.errorText ?? "")
                }
                if reply.sequence == last || reply.sequence == first {
                    if let failure { throw failure }
                    if reply.sequence == last { return }
                }
            }
        }
    }

    private mutating func exchange(
        _ message: NetlinkMessage, flags: NetlinkMessage.Flags
    ) throws(NetlinkError) -> ([NetlinkReply], NetlinkError?) {
        var message = message
        message.flags.formUnion(flags)
        let own = sequence
        sequence &+= 1
        try send(message.encoded(sequence: own), purpose: message.purpose)
        var replies: [NetlinkReply] = []
        while true {
            for reply in try receive(purpose: message.purpose) where reply.sequence == own {
                if let code = reply.errorCode {
                    guard code != 0 else { return (replies, nil) }
                    let text = reply.errorText ?? ""
                    return (replies, NetlinkError(code: code, purpose: message.purpose, text: text))
                }
                if reply.isEnd { return (replies, nil) }
                guard replies.count < Limits.netlinkRepliesMax else {
                    throw NetlinkError(code: EMSGSIZE, purpose: message.purpose, text: "too many answers")
                }
                replies.append(reply)
            }
        }
    }

    private func send(_ bytes: [UInt8], purpose: String) throws(NetlinkError) {
        let sent = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, 0) }
        guard sent == bytes.count else { throw NetlinkError(code: errno, purpose: purpose) }
    }

    private func receive(purpose: String) throws(NetlinkError) -> [NetlinkReply] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Limits.netlinkDatagramBytesMax) { buffer, count in
            var length = -1
            repeat {
                length = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
            } while length < 0 && errno == EINTR
            if length < 0 { failure = errno }
            count = max(0, length)
        }
        guard failure == 0 else {
            // The kernel answers before `send` returns: nothing to read means that the answer was dropped.
            throw NetlinkError(code: failure == EAGAIN ? EPROTO : failure, purpose: purpose, text: "no answer")
        }
        return NetlinkReply.parse(bytes[...])
    }
}
