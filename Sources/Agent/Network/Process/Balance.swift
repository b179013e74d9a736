import Shared

/// Which endpoint the next connection goes to: one after the other, or where the client was before. Pure.
struct Balance: Sendable {
    private(set) var backends: [ServiceRules.Backend]
    private let affinity: Duration?
    private var next: Int
    private var clients: [IPv4Address: (backend: ServiceRules.Backend, until: Duration)] = [:]

    /// - Parameter start: where to begin, so that several agents do not all begin with the first.
    init(_ backends: [ServiceRules.Backend], affinitySeconds: Int?, start: Int = 0) {
        self.backends = backends
        affinity = affinitySeconds.map { .seconds($0) }
        next = start
    }

    /// Clients of endpoints that stay keep theirs.
    mutating func replace(_ backends: [ServiceRules.Backend]) {
        self.backends = backends
        clients = clients.filter { backends.contains($0.value.backend) }
    }

    /// The endpoints to try, best first; empty when there is none.
    mutating func order(for client: IPv4Address, now: Duration) -> [ServiceRules.Backend] {
        guard !backends.isEmpty else { return [] }
        let start = Int(UInt(bitPattern: next) % UInt(backends.count))
        next &+= 1
        var order = Array(backends[start...] + backends[..<start])
        guard affinity != nil else { return order }
        if let known = clients[client], known.until > now {
            order.removeAll { $0 == known.backend }
            order.insert(known.backend, at: 0)
        }
        return order
    }

    /// Notes where the client ended up.
    mutating func settle(_ client: IPv4Address, on backend: ServiceRules.Backend, now: Duration) {
        guard let affinity else { return }
        if clients.count >= Limits.proxyClientsMax, clients[client] == nil {
            clients = clients.filter { $0.value.until > now }
            if clients.count >= Limits.proxyClientsMax, let any = clients.keys.first { clients[any] = nil }
        }
        clients[client] = (backend, now + affinity)
    }
}
