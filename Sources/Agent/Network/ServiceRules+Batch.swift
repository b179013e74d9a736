import Shared

extension ServiceRules {
    /// Writes the way from `old` to `new`, each the rules of all services that change.
    ///
    /// Order matters: what is referred to is made before and removed after what refers to it. A key may move from one
    /// service to another within one transaction.
    static func change(from old: [ServiceRules], to new: [ServiceRules], into batch: inout NetfilterBatch) {
        let before = merged(old), after = merged(new)
        for (name, chain) in after.chains.sorted(by: { $0.key < $1.key }) where before.chains[name] == nil {
            batch.addChain(name, table: NodeTable.name)
            if chain.affinitySeconds != nil { batch.addSet(sticky(name, chain), table: NodeTable.name) }
        }
        var identifier: UInt32 = 1000
        for (name, chain) in after.chains.sorted(by: { $0.key < $1.key }) where before.chains[name] != chain {
            if let previous = before.chains[name] {
                batch.flushChain(name, table: NodeTable.name)
                replaceSticky(name, from: previous, to: chain, into: &batch)
            }
            write(chain, name: name, identifier: &identifier, into: &batch)
        }
        let goneAddresses = before.addresses.filter { after.addresses[$0.key] != $0.value }
        let newAddresses = after.addresses.filter { before.addresses[$0.key] != $0.value }
        batch.deleteElements(goneAddresses.map(NodeTable.element), from: NodeTable.services, table: NodeTable.name)
        batch.addElements(newAddresses.map(NodeTable.element), to: NodeTable.services, table: NodeTable.name)
        let gonePorts = before.nodePorts.filter { after.nodePorts[$0.key] != $0.value }
        let newPorts = after.nodePorts.filter { before.nodePorts[$0.key] != $0.value }
        batch.deleteElements(gonePorts.map(NodeTable.element), from: NodeTable.nodePorts, table: NodeTable.name)
        batch.addElements(newPorts.map(NodeTable.element), to: NodeTable.nodePorts, table: NodeTable.name)

        let gone = before.chains.filter { after.chains[$0.key] == nil }.sorted { $0.key < $1.key }
        for (name, _) in gone { batch.flushChain(name, table: NodeTable.name) }
        for (name, chain) in gone {
            batch.deleteChain(name, table: NodeTable.name)
            if chain.affinitySeconds != nil { batch.deleteSet(NodeTable.stickyName(name), table: NodeTable.name) }
        }
    }

    private static func merged(_ rules: [ServiceRules]) -> ServiceRules {
        rules.reduce(into: ServiceRules()) { all, one in
            all.chains.merge(one.chains) { $1 }
            all.addresses.merge(one.addresses) { $1 }
            all.nodePorts.merge(one.nodePorts) { $1 }
        }
    }

    private static func sticky(_ name: String, _ chain: Chain) -> NetfilterSet {
        NetfilterSet(
            NodeTable.stickyName(name), key: [.address], data: .values([.address, .port]),
            timeoutMilliseconds: UInt64(chain.affinitySeconds ?? 0) * 1000, identifier: 10)
    }

    /// Clients of an endpoint that is gone must choose again; so the memory of the chain starts anew. A new timeout
    /// needs a new set.
    private static func replaceSticky(
        _ name: String, from old: Chain, to new: Chain, into batch: inout NetfilterBatch
    ) {
        let set = NodeTable.stickyName(name)
        if old.affinitySeconds == new.affinitySeconds {
            guard new.affinitySeconds != nil, !Set(old.backends).isSubset(of: new.backends) else { return }
            batch.flushSet(set, table: NodeTable.name)
        } else {
            if old.affinitySeconds != nil { batch.deleteSet(set, table: NodeTable.name) }
            if new.affinitySeconds != nil { batch.addSet(sticky(name, new), table: NodeTable.name) }
        }
    }

    private static func write(
        _ chain: Chain, name: String, identifier: inout UInt32, into batch: inout NetfilterBatch
    ) {
        switch chain {
        case .balance(let backends, let affinity):
            let source = NetfilterExpression.payload(.network, offset: 12, length: 4, into: 0)
            let remember: [NetfilterExpression] =
                affinity == nil ? [] : [source, .remember(set: NodeTable.stickyName(name), key: 0, value: 4)]
            if affinity != nil {
                let known = NetfilterExpression.map(
                    set: NodeTable.stickyName(name), identifier: nil, key: 0, into: 4)
                batch.addRule(
                    [source, known] + remember + [.translate(.destination, address: 4, port: 5)], chain: name,
                    table: NodeTable.name)
            }
            var choose: [NetfilterExpression]
            if backends.count == 1, let only = backends.first {
                choose = [.immediate(only.address.bytes, into: 4), .immediate(only.port.bigBytes, into: 5)]
            } else {
                identifier += 1
                let set = NetfilterSet(
                    "__map%d", key: [.integer], data: .values([.address, .port]), identifier: identifier)
                batch.addSet(set, table: NodeTable.name)
                let elements = backends.enumerated().map { index, backend in
                    NetfilterSet.Element(
                        key: UInt32(index).nativeBytes, value: backend.address.bytes + backend.port.bigBytes + [0, 0])
                }
                batch.addElements(elements, to: set.name, identifier: identifier, table: NodeTable.name)
                choose = [
                    .random(modulus: UInt32(backends.count), into: 0),
                    .map(set: set.name, identifier: identifier, key: 0, into: 4),
                ]
            }
            batch.addRule(
                choose + remember + [.translate(.destination, address: 4, port: 5)], chain: name,
                table: NodeTable.name)
        case .masquerade(let next):
            batch.addRule(NodeTable.mark + [.verdict(.goto(next))], chain: name, table: NodeTable.name)
        case .local(let all, let local):
            batch.addRule(
                [
                    .payload(.network, offset: 12, length: 4, into: 0),
                    .lookup(set: NodeTable.localPods, identifier: nil, key: 0), .verdict(.goto(all)),
                ], chain: name,
                table: NodeTable.name)
            batch.addRule(
                [.sourceKind(into: 0), .compare(0, .equal, UInt32(2).nativeBytes)] + NodeTable.mark
                    + [.verdict(.goto(all))], chain: name, table: NodeTable.name)
            if let local { batch.addRule([.verdict(.goto(local))], chain: name, table: NodeTable.name) }
        }
    }
}

extension ServiceRules.Chain {
    var affinitySeconds: Int? { if case .balance(_, let seconds) = self { seconds } else { nil } }
    var backends: [ServiceRules.Backend] { if case .balance(let backends, _) = self { backends } else { [] } }
}

extension FixedWidthInteger {
    /// In network order.
    var bigBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
    /// In the machine's order, as the kernel holds marks and status bits.
    var nativeBytes: [UInt8] { withUnsafeBytes(of: self) { Array($0) } }
}
