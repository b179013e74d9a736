import Shared

/// The nf_tables table of the machine that a local cluster runs on, family ip. Pure.
///
/// Machines of the cluster reach the outside with this machine's address, and node ports answer on its loopback
/// addresses by way of any machine that runs.
enum MachineTable {
    static let name = "kotohajime-local"
    /// Source: kube-apiserver `--service-node-port-range`.
    static let nodePorts = 30_000...32_767

    /// Makes the table anew.
    /// - Parameters:
    ///   - bridge: the name of the link that joins the machines.
    ///   - running: machines that node ports may be sent to.
    static func rebuild(network: IPv4Network, bridge: String, running: [IPv4Address]) -> NetfilterBatch {
        var batch = remove()
        batch.addTable(name)
        let link = Array(bridge.utf8) + [0]
        let loopback = IPv4Network(IPv4Address(127, 0, 0, 0), prefix: 8)
        batch.addChain("postrouting", table: name, hook: .init(.nat, .postrouting, priority: 100))
        batch.addRule(
            source(network) + [.meta(.outputName, into: 0), .compare(0, .different, link), .masquerade],
            chain: "postrouting", table: name)
        batch.addRule(
            source(loopback) + [.meta(.outputName, into: 0), .compare(0, .equal, link), .masquerade],
            chain: "postrouting", table: name)
        // route_localnet of the bridge lets machines send to 127.0.0.1: only answers may arrive.
        batch.addChain("input", table: name, hook: .init(.filter, .input, priority: 0))
        batch.addRule(
            [.meta(.inputName, into: 0), .compare(0, .equal, link)] + destination(loopback)
                + [
                    .connectionState(into: 0), .bits(0, mask: bytes(2), flip: bytes(0)), .compare(0, .equal, bytes(0)),
                    .verdict(.drop),
                ],
            chain: "input", table: name)
        guard !running.isEmpty else { return batch }
        batch.addSet(NetfilterSet("machines", key: [.integer], data: .values([.address]), identifier: 1), table: name)
        batch.addElements(
            running.enumerated().map { .init(key: bytes(UInt32($0.offset)), value: $0.element.bytes) }, to: "machines",
            table: name)
        batch.addChain("node-ports", table: name)
        batch.addRule(
            [
                .random(modulus: UInt32(running.count), into: 0),
                .map(set: "machines", identifier: nil, key: 0, into: 1),
                .translate(.destination, address: 1, port: nil),
            ], chain: "node-ports", table: name)
        batch.addChain("output", table: name, hook: .init(.nat, .output, priority: -100))
        for transport: UInt8 in [6, 17] {
            for block in blocks(of: nodePorts) {
                batch.addRule(
                    destination(loopback) + [
                        .meta(.transport, into: 0), .compare(0, .equal, [transport]),
                        .payload(.transport, offset: 2, length: 2, into: 0),
                        .bits(0, mask: big(block.mask), flip: [0, 0]), .compare(0, .equal, big(block.value)),
                        .verdict(.goto("node-ports")),
                    ], chain: "output", table: name)
            }
        }
        return batch
    }

    /// Removes the table, whether it is there or not.
    static func remove() -> NetfilterBatch {
        var batch = NetfilterBatch(.ipv4)
        batch.addTable(name)
        batch.deleteTable(name)
        return batch
    }

    /// The range of ports as values under masks.
    static func blocks(of ports: ClosedRange<Int>) -> [(value: UInt16, mask: UInt16)] {
        var blocks: [(value: UInt16, mask: UInt16)] = []
        var next = ports.lowerBound
        while next <= ports.upperBound {
            var size = 1
            while next % (size * 2) == 0, next + size * 2 - 1 <= ports.upperBound { size *= 2 }
            blocks.append((UInt16(next), UInt16(truncatingIfNeeded: 0x1_0000 - size)))
            next += size
        }
        return blocks
    }

    private static func source(_ network: IPv4Network) -> [NetfilterExpression] { within(network, offset: 12) }
    private static func destination(_ network: IPv4Network) -> [NetfilterExpression] { within(network, offset: 16) }
    private static func within(_ network: IPv4Network, offset: UInt32) -> [NetfilterExpression] {
        [
            .payload(.network, offset: offset, length: 4, into: 0),
            .bits(0, mask: IPv4Address(value: network.mask).bytes, flip: [0, 0, 0, 0]),
            .compare(0, .equal, network.address.bytes),
        ]
    }
    /// In the machine's byte order.
    private static func bytes(_ number: UInt32) -> [UInt8] { withUnsafeBytes(of: number) { Array($0) } }
    private static func big(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 255)] }
}
