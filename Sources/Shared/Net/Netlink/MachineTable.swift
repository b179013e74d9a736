/// The nf_tables table of the machine that carries a local cluster, family ip, in its root namespace: nodes reach the
/// outside through the machine, and node ports answer on its localhost. Pure; send the result with
/// `NetlinkSocket.transact`.
package enum MachineTable {
    package static let name = "kotohajime-machine"
    /// Kernel setting that node ports on localhost need, below /proc/sys: `1`.
    package static func localhostSetting(bridge: String) -> String { "net/ipv4/conf/\(bridge)/route_localnet" }

    /// Makes the table anew.
    /// - Parameters:
    ///   - bridge: the interface that the nodes are behind.
    ///   - network: the nodes' addresses.
    ///   - nodes: those that live; connections to localhost are spread over them.
    ///   - ports: the range of node ports. Source: kube-apiserver `--service-node-port-range`.
    package static func rebuild(
        bridge: String, network: IPv4Network, nodes: [IPv4Address], ports: ClosedRange<UInt16> = 30000...32767
    ) -> NetfilterBatch {
        var batch = remove()
        batch.addTable(name)
        let interface = Array(bridge.utf8) + [0]
        batch.addChain("postrouting", table: name, hook: .init(.nat, .postrouting, priority: 100))
        batch.addRule(
            [.meta(.outputName, into: 0), .compare(0, .different, interface)] + source(network) + [.masquerade],
            chain: "postrouting", table: name)
        batch.addRule(
            [.meta(.outputName, into: 0), .compare(0, .equal, interface)]
                + source(IPv4Network(IPv4Address(127, 0, 0, 0), prefix: 8)) + [.masquerade],
            chain: "postrouting", table: name)
        batch.addChain("output", table: name, hook: .init(.nat, .output, priority: -100))
        guard let first = nodes.first else { return batch }
        var choose: [NetfilterExpression] = [.immediate(first.bytes, into: 4)]
        for transport: UInt8 in [6, 17] {
            if nodes.count > 1 {
                let identifier = UInt32(transport)
                batch.addSet(
                    NetfilterSet("__map%d", key: [.integer], data: .values([.address]), identifier: identifier),
                    table: name)
                let elements = nodes.enumerated().map { index, node in
                    NetfilterSet.Element(
                        key: withUnsafeBytes(of: UInt32(index)) { Array($0) }, value: node.bytes)
                }
                batch.addElements(elements, to: "__map%d", identifier: identifier, table: name)
                choose = [
                    .random(modulus: UInt32(nodes.count), into: 0),
                    .map(set: "__map%d", identifier: identifier, key: 0, into: 4),
                ]
            }
            batch.addRule(
                [
                    .payload(.network, offset: 16, length: 4, into: 0),
                    .compare(0, .equal, IPv4Address.loopback.bytes), .meta(.transport, into: 0),
                    .compare(0, .equal, [transport]), .payload(.transport, offset: 2, length: 2, into: 0),
                    .compare(0, .atLeast, bytes(ports.lowerBound)), .compare(0, .atMost, bytes(ports.upperBound)),
                ] + choose + [.translate(.destination, address: 4, port: nil)], chain: "output", table: name)
        }
        return batch
    }

    /// Removes the table, whether there is one or not.
    package static func remove() -> NetfilterBatch {
        var batch = NetfilterBatch(.ipv4)
        batch.addTable(name)
        batch.deleteTable(name)
        return batch
    }

    private static func source(_ network: IPv4Network) -> [NetfilterExpression] {
        [
            .payload(.network, offset: 12, length: 4, into: 0),
            .bits(0, mask: IPv4Address(value: network.mask).bytes, flip: [0, 0, 0, 0]),
            .compare(0, .equal, network.address.bytes),
        ]
    }
    private static func bytes(_ port: UInt16) -> [UInt8] { [UInt8(port >> 8), UInt8(port & 255)] }
}
