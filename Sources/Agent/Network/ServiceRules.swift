import Shared

/// What one service needs in the kernel's rules: chains that choose an endpoint, and the addresses and ports that
/// lead to them. A pure value; `ServiceRules+Batch` writes the difference of two as nf_tables messages.
struct ServiceRules: Hashable, Sendable {
    struct Backend: Hashable, Sendable, Comparable {
        let address: IPv4Address
        let port: UInt16
        static func < (left: Backend, right: Backend) -> Bool {
            (left.address, left.port) < (right.address, right.port)
        }
    }
    enum Chain: Hashable, Sendable {
        /// Sends to one of the backends by chance; a client stays with its own for so many seconds when given.
        case balance([Backend], affinitySeconds: Int?)
        /// From outside: replies must come back through this node, so the source is replaced.
        case masquerade(then: String)
        /// From outside with the source kept: only local endpoints, but all for pods and for this node itself.
        case local(all: String, local: String?)
    }
    struct AddressPort: Hashable, Sendable {
        let address: IPv4Address
        let transport: PortProtocol
        let port: UInt16
    }
    struct NodePort: Hashable, Sendable {
        let transport: PortProtocol
        let port: UInt16
    }

    var chains: [String: Chain] = [:]
    var addresses: [AddressPort: String] = [:]
    var nodePorts: [NodePort: String] = [:]

    init() {}

    /// Addresses without a usable endpoint lead nowhere here and are refused by the table's closing rule.
    init(_ entry: ServiceEntry, node: String) {
        guard !entry.isHeadless, entry.externalName.isEmpty else { return }
        for port in entry.ports {
            let all = entry.backends(of: port)
            guard !all.isEmpty else { continue }
            let local = entry.backends(of: port, on: node)
            let name = "\(entry.name)/\(port.transport.label)/\(port.port)"
            let usesLocal = entry.isInternalLocal || entry.isExternalLocal
            chains["svc-\(name)"] = .balance(all, affinitySeconds: entry.affinitySeconds)
            if usesLocal, !local.isEmpty {
                chains["loc-\(name)"] = .balance(local, affinitySeconds: entry.affinitySeconds)
            }
            if !entry.isInternalLocal || !local.isEmpty {
                for address in entry.clusterIPs {
                    let key = AddressPort(address: address, transport: port.transport, port: port.port)
                    addresses[key] = entry.isInternalLocal ? "loc-\(name)" : "svc-\(name)"
                }
            }
            guard port.nodePort != 0 || !entry.externalIPs.isEmpty else { continue }
            chains["ext-\(name)"] =
                entry.isExternalLocal
                ? .local(all: "svc-\(name)", local: local.isEmpty ? nil : "loc-\(name)")
                : .masquerade(then: "svc-\(name)")
            if port.nodePort != 0 {
                nodePorts[NodePort(transport: port.transport, port: port.nodePort)] = "ext-\(name)"
            }
            for address in entry.externalIPs {
                let key = AddressPort(address: address, transport: port.transport, port: port.port)
                addresses[key] = "ext-\(name)"
            }
        }
    }
}

extension ServiceEntry {
    /// The endpoints that get new connections: the ready ones; when there is none, those that are terminating but
    /// still serve. Sorted, without repeats. Source: KEP-1669, kube-proxy `CategorizeEndpoints`.
    func backends(of port: Port, on node: String? = nil) -> [ServiceRules.Backend] {
        var ready: Set<ServiceRules.Backend> = [], leaving: Set<ServiceRules.Backend> = []
        for group in groups {
            for target in group.ports where target.name == port.name && target.transport == port.transport {
                for endpoint in group.endpoints where node == nil || endpoint.nodeName == node {
                    let backend = ServiceRules.Backend(address: endpoint.address, port: target.number)
                    if endpoint.isReady {
                        ready.insert(backend)
                    } else if endpoint.isServing, endpoint.isTerminating {
                        leaving.insert(backend)
                    }
                }
            }
        }
        return (ready.isEmpty ? leaving : ready).sorted()
    }
}
