import Shared

/// The nf_tables table of a node, family ip: the fixed chains around the services' own.
///
/// A packet to a service meets `dispatch` (before routing, or on its way out of the node itself), where a map leads from
/// address, transport and port to the service's chain, which replaces the destination. What still has a service address
/// behind it has no endpoint and is refused at once.
enum NodeTable {
    static let name = "kotohajime"
    /// (address, transport, port) → chain.
    static let services = "services"
    /// (transport, port) → chain.
    static let nodePorts = "node-ports"
    /// (transport, port) → address and port of a pod.
    static let hostPorts = "host-ports"
    /// (pod, the same pod): connections that come back to where they started.
    static let hairpin = "hairpin"
    /// The pods of this node.
    static let localPods = "local-pods"

    /// The mark of packets whose source is replaced on their way out. Source: kube-proxy's masquerade bit 14.
    private static let markBit: UInt32 = 0x4000

    /// Makes the table anew with everything in it: one transaction, so that no packet sees it incomplete.
    static func rebuild(
        node: NodeNetwork, pods: [(address: IPv4Address, hostPorts: [PodAttachment.HostPort])],
        services rules: [ServiceRules]
    ) -> NetfilterBatch {
        var batch = NetfilterBatch(.ipv4)
        batch.addTable(name)
        batch.deleteTable(name)
        batch.addTable(name)
        addSets(to: &batch)
        addChains(node, to: &batch)
        for pod in pods { add(pod: pod.address, hostPorts: pod.hostPorts, to: &batch) }
        ServiceRules.change(from: [], to: rules, into: &batch)
        return batch
    }

    static func add(pod: IPv4Address, hostPorts ports: [PodAttachment.HostPort], to batch: inout NetfilterBatch) {
        batch.addElements([.init(key: pod.bytes + pod.bytes)], to: hairpin, table: name)
        batch.addElements([.init(key: pod.bytes)], to: localPods, table: name)
        batch.addElements(ports.map { element($0, pod: pod) }, to: hostPorts, table: name)
    }

    static func remove(pod: IPv4Address, hostPorts ports: [PodAttachment.HostPort], from batch: inout NetfilterBatch) {
        batch.deleteElements([.init(key: pod.bytes + pod.bytes)], from: hairpin, table: name)
        batch.deleteElements([.init(key: pod.bytes)], from: localPods, table: name)
        batch.deleteElements(ports.map { element($0, pod: pod) }, from: hostPorts, table: name)
    }

    static func stickyName(_ chain: String) -> String { "sticky-\(chain)" }

    static func element(_ key: ServiceRules.AddressPort, _ chain: String) -> NetfilterSet.Element {
        .init(
            key: key.address.bytes + [key.transport.number, 0, 0, 0] + key.port.bigBytes + [0, 0],
            verdict: .goto(chain))
    }
    static func element(_ key: ServiceRules.NodePort, _ chain: String) -> NetfilterSet.Element {
        .init(key: [key.transport.number, 0, 0, 0] + key.port.bigBytes + [0, 0], verdict: .goto(chain))
    }
    private static func element(_ port: PodAttachment.HostPort, pod: IPv4Address) -> NetfilterSet.Element {
        .init(
            key: [port.transport.number, 0, 0, 0] + port.port.bigBytes + [0, 0],
            value: pod.bytes + port.containerPort.bigBytes + [0, 0])
    }

    /// Sets the mark and leaves the other bits alone.
    static let mark: [NetfilterExpression] = [
        .meta(.mark, into: 0), .bits(0, mask: (~markBit).nativeBytes, flip: markBit.nativeBytes), .setMark(from: 0),
    ]

    private static func addSets(to batch: inout NetfilterBatch) {
        let target: [NetfilterSet.Part] = [.address, .port]
        for set in [
            NetfilterSet(services, key: [.address, .transport, .port], data: .verdicts, identifier: 1),
            NetfilterSet(nodePorts, key: [.transport, .port], data: .verdicts, identifier: 2),
            NetfilterSet(hostPorts, key: [.transport, .port], data: .values(target), identifier: 3),
            NetfilterSet(hairpin, key: [.address, .address], identifier: 4),
            NetfilterSet(localPods, key: [.address], identifier: 5),
        ] { batch.addSet(set, table: name) }
    }

    private static func addChains(_ node: NodeNetwork, to batch: inout NetfilterBatch) {
        func chain(_ chain: String, _ hook: NetfilterBatch.Hook?, _ rules: [[NetfilterExpression]]) {
            batch.addChain(chain, table: name, hook: hook)
            for rule in rules { batch.addRule(rule, chain: chain, table: name) }
        }
        let port: (UInt32) -> [NetfilterExpression] = { register in
            [.meta(.transport, into: register), .payload(.transport, offset: 2, length: 2, into: register + 1)]
        }
        let isLocal: [NetfilterExpression] = [.destinationKind(into: 0), .compare(0, .equal, UInt32(2).nativeBytes)]
        chain(
            "dispatch", nil,
            [
                destination(.equal, node.serviceCIDR) + source(.different, node.clusterCIDR) + mark,
                [.payload(.network, offset: 16, length: 4, into: 0)] + port(1)
                    + [.verdictMap(set: services, identifier: nil, key: 0)],
                isLocal + port(0) + [.verdictMap(set: nodePorts, identifier: nil, key: 0)],
                isLocal + port(0)
                    + [
                        .map(set: hostPorts, identifier: nil, key: 0, into: 4),
                        .translate(.destination, address: 4, port: 5),
                    ],
            ])
        let dispatch: [[NetfilterExpression]] = [[.verdict(.jump("dispatch"))]]
        chain("prerouting", .init(.nat, .prerouting, priority: -100), dispatch)
        chain("output", .init(.nat, .output, priority: -100), dispatch)

        let loopback = IPv4Network(IPv4Address(127, 0, 0, 0), prefix: 8)
        chain(
            "postrouting", .init(.nat, .postrouting, priority: 100),
            [
                [
                    .meta(.mark, into: 0), .bits(0, mask: markBit.nativeBytes, flip: UInt32(0).nativeBytes),
                    .compare(0, .different, UInt32(0).nativeBytes), .meta(.mark, into: 0),
                    .bits(0, mask: (~markBit).nativeBytes, flip: UInt32(0).nativeBytes), .setMark(from: 0), .masquerade,
                ],
                [
                    .payload(.network, offset: 12, length: 8, into: 0),
                    .lookup(set: hairpin, identifier: nil, key: 0), .masquerade,
                ],
                leavesNode + source(.equal, loopback) + [.masquerade],
                leavesNode + source(.equal, node.podCIDR) + destination(.different, node.clusterCIDR) + [.masquerade],
            ])

        chain(
            "refuse", nil,
            [
                [.meta(.transport, into: 0), .compare(0, .equal, [6]), .reject(.reset)],
                [.reject(.portUnreachable)],
            ])
        let refuse = destination(.equal, node.serviceCIDR) + [.verdict(.goto("refuse"))]
        chain("filter-forward", .init(.filter, .forward, priority: 0), [refuse])
        chain("filter-output", .init(.filter, .output, priority: 0), [refuse])
        // route_localnet lets neighbours send to 127.0.0.1; only what was translated may arrive.
        chain(
            "filter-input", .init(.filter, .input, priority: 0),
            [
                [.meta(.inputName, into: 0), .compare(0, .different, Array("lo\0".utf8))]
                    + destination(.equal, loopback)
                    + [
                        .connectionStatus(into: 0),
                        .bits(0, mask: UInt32(0x30).nativeBytes, flip: UInt32(0).nativeBytes),
                        .compare(0, .equal, UInt32(0).nativeBytes), .verdict(.drop),
                    ]
            ])
    }

    private static let leavesNode: [NetfilterExpression] = [
        .meta(.outputName, into: 0), .compare(0, .different, Array("lo\0".utf8)),
    ]
    private static func source(_ comparison: NetfilterExpression.Comparison, _ network: IPv4Network)
        -> [NetfilterExpression]
    { address(12, comparison, network) }
    private static func destination(_ comparison: NetfilterExpression.Comparison, _ network: IPv4Network)
        -> [NetfilterExpression]
    { address(16, comparison, network) }
    private static func address(
        _ offset: UInt32, _ comparison: NetfilterExpression.Comparison, _ network: IPv4Network
    ) -> [NetfilterExpression] {
        [
            .payload(.network, offset: offset, length: 4, into: 0),
            .bits(0, mask: network.mask.bigBytes, flip: UInt32(0).bigBytes),
            .compare(0, comparison, network.address.bytes),
        ]
    }
}
