import Shared

/// Where the user-space proxy listens and what is behind it. Pure.
struct ProxyPlan: Hashable, Sendable {
    struct Door: Hashable, Sendable, CustomStringConvertible {
        let transport: PortProtocol
        let address: IPv4Address
        let port: UInt16
        var description: String { "\(transport.label) \(address):\(port)" }
    }
    struct Target: Hashable, Sendable {
        let service: ServiceName
        let backends: [ServiceRules.Backend]
        let affinitySeconds: Int?
    }
    var doors: [Door: Target] = [:]
    /// Sentences for the user about ports that are offered elsewhere.
    var remarks: [ServiceName: String] = [:]

    /// The port under which a service port is offered: an ordinary user may not bind those below 1024.
    static func offered(_ port: UInt16, bindsLowPorts: Bool) -> UInt16 {
        port < 1024 && !bindsLowPorts ? port + 30_000 : port
    }

    /// Ports without a usable endpoint have no door, so that connections are refused at once. SCTP is not proxied.
    init(_ services: some Sequence<ServiceEntry>, node: NodeNetwork, bindsLowPorts: Bool) {
        for service in services where !service.isHeadless && service.externalName.isEmpty {
            for port in service.ports where port.transport != .sctp {
                let all = service.backends(of: port), local = service.backends(of: port, on: node.name)
                let inside = service.isInternalLocal ? local : all
                let outside = service.isExternalLocal ? local : all
                let offered = ProxyPlan.offered(port.port, bindsLowPorts: bindsLowPorts)
                if offered != port.port {
                    remarks[service.name] =
                        "Port \(port.port) of service \(service.name) is offered at port \(offered): ports below 1024 "
                        + "need root."
                }
                for address in service.clusterIPs where address.isLoopback && !inside.isEmpty {
                    doors[Door(transport: port.transport, address: address, port: offered)] = Target(
                        service: service.name, backends: inside, affinitySeconds: service.affinitySeconds)
                }
                if service.externalIPs.contains(node.address), !outside.isEmpty {
                    doors[Door(transport: port.transport, address: node.address, port: offered)] = Target(
                        service: service.name, backends: outside, affinitySeconds: service.affinitySeconds)
                }
                guard port.nodePort != 0, !outside.isEmpty else { continue }
                for address in Set([IPv4Address.loopback, node.address]) {
                    doors[Door(transport: port.transport, address: address, port: port.nodePort)] = Target(
                        service: service.name, backends: outside, affinitySeconds: service.affinitySeconds)
                }
            }
        }
    }
}
