import Shared

/// The routes from this node to the pods of the others. Pure.
///
/// A node in a subnet of this one is reached directly; any other through a VXLAN (identifier 1, UDP port 8472, as
/// flannel). The tunnel's Ethernet addresses are made from the nodes' addresses, so that nobody has to exchange them.
struct RoutePlan: Hashable, Sendable {
    static let vxlanIdentifier: UInt32 = 1
    static let vxlanPort: UInt16 = 8472

    var routes: [Route] = []
    /// Entries of the tunnel; empty when no peer needs it.
    var neighbours: [Neighbour] = []

    static func needsTunnel(_ peers: [PeerNode], addresses: [LinkAddress]) -> Bool {
        peers.contains { subnet(of: $0.address, addresses) == nil }
    }

    /// - Parameters:
    ///   - addresses: what the node's own interfaces have.
    ///   - tunnel: the index of the VXLAN interface; peers that need it are left out without.
    static func make(
        peers: [PeerNode], node: NodeNetwork, addresses: [LinkAddress], tunnel: Int32?
    ) -> RoutePlan {
        var plan = RoutePlan()
        let source = node.podCIDR.address(at: 1)
        for peer in peers where peer.name != node.name {
            if subnet(of: peer.address, addresses) != nil {
                plan.routes.append(Route(peer.podCIDR, via: peer.address, source: source))
            } else if let tunnel, let gateway = peer.podCIDR.address(at: 1) {
                let hardware = hardwareAddress(of: peer.address)
                plan.routes.append(
                    Route(peer.podCIDR, via: gateway, link: tunnel, source: source, isOnLink: true))
                plan.neighbours.append(Neighbour(.address, link: tunnel, gateway, hardwareAddress: hardware))
                plan.neighbours.append(Neighbour(.forwarding, link: tunnel, peer.address, hardwareAddress: hardware))
            }
        }
        return plan
    }

    /// What to do to get from the table as it is to the wanted one. Only routes through a gateway to pods of other
    /// nodes are touched.
    static func changes(have: [Route], want: [Route], node: NodeNetwork) -> [NetlinkMessage] {
        let wanted = Dictionary(want.map { ($0.destination, $0) }) { $1 }
        let own = have.filter {
            $0.gateway != nil && node.clusterCIDR.contains($0.destination) && !node.podCIDR.overlaps($0.destination)
        }
        let stale = own.filter { wanted[$0.destination] == nil }.map(\.delete)
        let missing = want.filter { route in
            !own.contains {
                $0.destination == route.destination && $0.gateway == route.gateway && $0.source == route.source
                    && (route.link == 0 || $0.link == route.link)
            }
        }
        return stale + missing.map(\.replace)
    }

    /// A locally administered Ethernet address made from a node's address.
    static func hardwareAddress(of node: IPv4Address) -> [UInt8] { [0x02, 0x4B] + node.bytes }

    private static func subnet(of address: IPv4Address, _ addresses: [LinkAddress]) -> LinkAddress? {
        addresses.first { $0.prefix < 32 && IPv4Network($0.address, prefix: $0.prefix).contains(address) }
    }
}
