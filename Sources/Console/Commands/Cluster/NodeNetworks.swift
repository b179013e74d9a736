import Glibc
import Shared

/// The network of a local cluster: a bridge on this machine, and for each node a network namespace that hangs on it by a
/// pair of links. Needs root. Every step may be repeated.
struct NodeNetworks: Sendable {
    static let bridge = "kotohajime0"
    let record: ClusterRecord

    private var gateway: IPv4Address { record.masterAddress }
    static func link(_ machine: ClusterRecord.Machine) -> String { "koto-n\(machine.number)" }
    static func namespace(_ machine: ClusterRecord.Machine) -> NetworkNamespace { NetworkNamespace(name: machine.name) }

    /// Destinations that this machine routes, without those of a local cluster's bridge.
    static func routes() throws -> [IPv4Network] {
        var netlink = try NetlinkSocket(.route)
        let own = try netlink.query(Link.list).compactMap(Link.init).first { $0.name == bridge }?.index
        let routes = try netlink.query(Route.list).compactMap(Route.init).filter { $0.link != own || own == nil }
        let addresses = try netlink.query(LinkAddress.list).compactMap(LinkAddress.init)
            .filter { $0.link != own || own == nil }
        return routes.map(\.destination) + addresses.map { IPv4Network($0.address, prefix: $0.prefix) }
    }

    /// Tells by one attempt whether namespaces and bridges can be made. Nothing is left behind.
    /// - Throws: the reason why not.
    static func attempt() throws {
        let trial = NetworkNamespace(name: "trial-\(getpid())")
        try trial.create()
        defer { try? trial.delete() }
        var netlink = try NetlinkSocket(.route)
        let name = "koto-t\(getpid() % 100_000)"
        try netlink.perform(Link.add(name, .bridge))
        try netlink.perform(Link.delete(name))
        var filter = try NetlinkSocket(.netfilter)
        try filter.transact(MachineTable.remove().transaction)
    }

    /// Makes the bridge with the master's address.
    /// - Returns: settings that were changed, with their former values.
    func makeBridge() throws -> [String: String] {
        var netlink = try NetlinkSocket(.route)
        try netlink.perform(Link.add(NodeNetworks.bridge, .bridge, mtu: try outsideUnit()), tolerating: EEXIST)
        let index = try NodeNetworks.index(NodeNetworks.bridge, &netlink)
        try netlink.perform(LinkAddress(link: index, gateway, prefix: record.network.prefix).replace)
        try netlink.perform(Link.set(index: index, up: true))
        SystemFiles.set("/proc/sys/net/ipv4/conf/\(NodeNetworks.bridge)/route_localnet", "1")
        let forward = "/proc/sys/net/ipv4/ip_forward"
        let former = SystemFiles.text(forward)?.split(separator: "\n").first.map(String.init) ?? "1"
        guard former != "1" else { return [:] }
        let code = SystemFiles.set(forward, "1")
        guard code == 0 else {
            throw Failure("Packets can not be forwarded on this machine (\(forward): \(String(cString: strerror(code)))).")
        }
        return [forward: former]
    }

    /// Gives a machine its namespace, its link and its routes.
    func make(_ machine: ClusterRecord.Machine) throws {
        let namespace = NodeNetworks.namespace(machine)
        if !namespace.exists { try namespace.create() }
        let inside = try namespace.open()
        defer { close(inside) }
        var netlink = try NetlinkSocket(.route)
        var node = try NetlinkSocket(.route, in: inside)
        let name = NodeNetworks.link(machine)
        if try NodeNetworks.find("eth0", &node) == nil {
            try netlink.perform(Link.delete(name), tolerating: ENODEV)
            try netlink.perform(
                Link.add(name, .veth(peer: "eth0", namespace: inside), mtu: try outsideUnit()))
        }
        let bridge = try NodeNetworks.index(NodeNetworks.bridge, &netlink)
        let outer = try NodeNetworks.index(name, &netlink)
        try netlink.perform(Link.set(index: outer, master: bridge))
        try netlink.perform(Link.set(index: outer, up: true))
        let eth0 = try NodeNetworks.index("eth0", &node)
        try node.perform(LinkAddress(link: eth0, machine.address, prefix: record.network.prefix).replace)
        try node.perform(Link.set(index: eth0, up: true))
        try node.perform(Route(.all, via: gateway, link: eth0).replace)
    }

    /// Ends a machine's network; its interfaces and rules go with it.
    static func remove(_ machine: ClusterRecord.Machine) throws {
        var netlink = try NetlinkSocket(.route)
        try netlink.perform(Link.delete(link(machine)), tolerating: ENODEV)
        try namespace(machine).delete()
    }

    /// Writes the rules of this machine anew.
    func writeRules(running: [ClusterRecord.Machine]) throws {
        let batch = MachineTable.rebuild(
            network: record.network, bridge: NodeNetworks.bridge, running: running.map(\.address))
        var filter = try NetlinkSocket(.netfilter)
        try filter.transact(batch.transaction)
    }

    /// Removes everything that a cluster made, also what a crash left.
    static func removeAll() throws {
        for name in SystemFiles.names(NetworkNamespace.directory) { try NetworkNamespace(name: name).delete() }
        var netlink = try NetlinkSocket(.route)
        for link in try netlink.query(Link.list).compactMap(Link.init)
        where link.name == bridge || (link.kind == "veth" && link.name.hasPrefix("koto-n")) {
            try netlink.perform(Link.delete(link.name), tolerating: ENODEV)
        }
        var filter = try NetlinkSocket(.netfilter)
        try filter.transact(MachineTable.remove().transaction)
    }

    /// The largest packet, bytes, of the link that leads outside; nil without one.
    private func outsideUnit() throws -> UInt32? {
        var netlink = try NetlinkSocket(.route)
        guard let route = try netlink.query(Route.list).compactMap(Route.init).first(where: { $0.destination.prefix == 0 })
        else { return nil }
        return try netlink.query(Link.list).compactMap(Link.init).first { $0.index == route.link }?.mtu
    }

    private static func find(_ name: String, _ netlink: inout NetlinkSocket) throws -> Int32? {
        try netlink.query(Link.list).compactMap(Link.init).first { $0.name == name }?.index
    }
    private static func index(_ name: String, _ netlink: inout NetlinkSocket) throws -> Int32 {
        guard let index = try find(name, &netlink) else {
            throw NetlinkError(code: ENODEV, purpose: "find the link \(name)")
        }
        return index
    }
}
