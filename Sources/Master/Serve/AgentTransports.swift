import Shared
import Synchronization

/// Transports to the agents, one per address, so that connections are used again. A class: it keeps them.
final class AgentTransports: Sendable {
    private let tls: TLSContext
    private let transports = Mutex<[String: HTTPTransport]>([:])

    init(tls: TLSContext) { self.tls = tls }

    /// - Parameter address: `host:port` of an agent.
    func transport(_ address: String) throws -> any Transport {
        guard let (host, port) = SocketAddress.split(address) else {
            throw Status(.internalError, "the agent's address \"\(address)\" is not HOST:PORT; see the node's status")
        }
        return transports.withLock { transports in
            if let known = transports[address] { return known }
            if transports.count >= Limits.agentTransportsMax { transports = [:] }
            let made = HTTPTransport(.host(host, port: port), tls: tls)
            transports[address] = made
            return made
        }
    }
}

extension Limits {
    /// Agents to which connections are kept; above that all are let go and made anew when needed.
    static let agentTransportsMax = 10_000
}
