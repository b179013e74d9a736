import Glibc

extension Dialer {
    /// Connects within another network namespace, such as a pod's. The socket belongs to that namespace for good; only
    /// its making needs a thread inside. Needs root. Source: man 7 network_namespaces.
    /// - Parameters:
    ///   - host: a numeric address.
    ///   - namespace: path of the namespace, such as `/proc/PID/ns/net`.
    package static func connect(
        host: String, port: Int, in namespace: String, timeout: Duration = .seconds(Limits.connectSeconds)
    ) async throws -> Connection {
        let what = "connect to \(SocketAddress.ip(host, port: port)) in \(namespace)"
        guard let address = try RawAddress.lookUp(host, port: port, flags: AI_NUMERICHOST).first else {
            throw NetError(.name, "\"\(host)\" is not a numeric address")
        }
        let file = Glibc.open(namespace, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw NetError("open \(namespace)", errno: errno) }
        defer { close(file) }
        return try await connect(address, what, until: SystemClock().uptime() + timeout, from: nil, in: file)
    }
}
