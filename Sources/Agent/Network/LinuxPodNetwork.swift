import Glibc
import Shared

/// The network of a node whose pods have network namespaces. An actor: it owns the netlink sockets.
///
/// Each pod has a veth whose other end is its `eth0` with one address (/32); the gateway 169.254.1.1 is an address of the
/// node's `lo`. There is no bridge, so every packet passes the routing and the rules. Needs CAP_NET_ADMIN and CAP_SYS_ADMIN.
actor LinuxPodNetwork: PodNetwork {
    /// Link-local, so that it is the same on every node and collides with nothing routed.
    static let gateway = IPv4Address(169, 254, 1, 1)
    static let tunnelName = "koto-vxlan"

    private struct Ready {
        let node: NodeNetwork
        var pool: AddressPool
        var pods: [String: PodAttachment] = [:]
        var services: [ServiceName: ServiceRules] = [:]
        var tunnel: Int32?
    }
    private var ready: Ready?
    private var routes: NetlinkSocket
    private var filter: NetlinkSocket
    private let log: Log
    private let namespace: NetworkNamespace?

    /// - Parameter namespace: where the node's network is; nil is the caller's own.
    init(log: Log, namespace: NetworkNamespace? = nil) throws {
        let descriptor = try namespace?.open()
        defer { if let descriptor { close(descriptor) } }
        routes = try NetlinkSocket(.route, in: descriptor)
        filter = try NetlinkSocket(.netfilter, in: descriptor)
        self.log = log
        self.namespace = namespace
    }

    /// `koto` and eleven digits made from the pod's uid: an interface name holds 15 bytes.
    static func linkName(uid: String) -> String {
        // FNV-1a, 64 bits.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in uid.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return "koto" + (String(repeating: "0", count: 16 - digits.count) + digits).prefix(11)
    }

    func setUp(_ node: NodeNetwork, running: [PodAttachment]) async throws -> [String] {
        var remarks: [String] = []
        for (file, value) in [
            ("net/ipv4/ip_forward", "1"), ("net/ipv4/conf/all/route_localnet", "1"),
        ] {
            if let remark = try set(file, value) { remarks.append(remark) }
        }
        var state = Ready(node: node, pool: AddressPool(node.podCIDR))
        for pod in running {
            _ = try state.pool.allocate(uid: pod.uid, wanted: pod.address)
            state.pods[pod.uid] = pod
        }
        try routes.perform(Link.set(index: 1, up: true))
        // Scope link: never the source of a connection by itself.
        try routes.perform(LinkAddress(link: 1, Self.gateway, prefix: 32, scope: .link).replace)
        if let own = node.podCIDR.address(at: 1) {
            try routes.perform(LinkAddress(link: 1, own, prefix: 32).replace)
            // The node's own connections to services leave with an address that every node can answer.
            try routes.perform(Route(node.serviceCIDR, link: 1, source: own).replace)
        }
        try routes.perform(Route(node.podCIDR, action: .unreachable).replace)

        let wanted = Set(running.map { Self.linkName(uid: $0.uid) })
        for link in try routes.query(Link.list).compactMap(Link.init) {
            if link.name == Self.tunnelName { state.tunnel = link.index }
            let isPod = link.kind == "veth" && link.name.hasPrefix("koto") && link.name.utf8.count == 15
            if isPod, !wanted.contains(link.name) {
                try routes.perform(Link.delete(link.name), tolerating: ENODEV)
                log.info("removed the interface of a pod that is gone", ("link", link.name))
            }
        }
        ready = state
        try rebuild()
        return remarks
    }

    func attach(_ pod: PodAttachment, to namespace: PodNamespace) async throws -> PodAddress {
        let state = try current()
        if state.pods[pod.uid] != nil, let address = state.pool.address(of: pod.uid) { return told(address) }
        let descriptor = try open(namespace)
        defer { if case .process = namespace { close(descriptor) } }

        let address = try current().pool.address(of: pod.uid) ?? allocate(pod)
        do {
            try connect(pod.uid, address, descriptor)
            var batch = NetfilterBatch(.ipv4)
            NodeTable.add(pod: address, hostPorts: pod.hostPorts, to: &batch)
            try filter.transact(batch.transaction)
        } catch {
            ready?.pool.release(uid: pod.uid)
            try? routes.perform(Link.delete(Self.linkName(uid: pod.uid)), tolerating: ENODEV)
            throw error
        }
        ready?.pods[pod.uid] = pod
        return told(address)
    }

    func detach(uid: String) async throws {
        guard let pod = ready?.pods.removeValue(forKey: uid) else { return }
        let address = ready?.pool.release(uid: uid)
        // The host's route goes with the link.
        try routes.perform(Link.delete(Self.linkName(uid: uid)), tolerating: ENODEV)
        guard let address else { return }
        var batch = NetfilterBatch(.ipv4)
        NodeTable.remove(pod: address, hostPorts: pod.hostPorts, from: &batch)
        do { try filter.transact(batch.transaction) } catch { try rebuild() }
    }

    func apply(peers: [PeerNode]) async throws {
        let state = try current()
        let others = peers.filter { $0.name != state.node.name }
        let addresses = try routes.query(LinkAddress.list).compactMap(LinkAddress.init)
        if RoutePlan.needsTunnel(others, addresses: addresses) { try makeTunnel() }
        let plan = RoutePlan.make(
            peers: others, node: state.node, addresses: addresses, tunnel: ready?.tunnel)
        let have = try routes.query(Route.list).compactMap(Route.init)
        for neighbour in plan.neighbours { try routes.perform(neighbour.replace) }
        try routes.perform(RoutePlan.changes(have: have, want: plan.routes, node: state.node))
    }

    func apply(services: ServiceTable) async throws {
        let node = try current().node
        ready?.services = services.entries.mapValues { ServiceRules($0, node: node.name) }
        try rebuild()
    }

    func update(services: [ServiceName: ServiceEntry?]) async throws {
        let state = try current()
        let old = services.keys.compactMap { state.services[$0] }
        var new: [ServiceRules] = []
        for (name, entry) in services {
            let rules = entry.map { ServiceRules($0, node: state.node.name) }
            ready?.services[name] = rules
            if let rules { new.append(rules) }
        }
        guard old != new else { return }
        var batch = NetfilterBatch(.ipv4)
        ServiceRules.change(from: old, to: new, into: &batch)
        guard !batch.isEmpty else { return }
        do {
            try filter.transact(batch.transaction)
        } catch {
            // Somebody else changed the table, or two services claim one address: everything anew.
            log.warning("rules were not as expected and are written anew", ("error", "\(error)"))
            try rebuild()
        }
    }

    /// The kernel does the work: there is nothing to run.
    func run() async throws {
        while true { try await Task.sleep(for: .seconds(86_400)) }
    }

    func tearDown() async throws {
        for link in try routes.query(Link.list).compactMap(Link.init)
        where link.name == Self.tunnelName
            || (link.kind == "veth" && link.name.hasPrefix("koto") && link.name.utf8.count == 15)
        {
            try routes.perform(Link.delete(link.name), tolerating: ENODEV)
        }
        var batch = NetfilterBatch(.ipv4)
        batch.addTable(NodeTable.name)
        batch.deleteTable(NodeTable.name)
        try filter.transact(batch.transaction)
        guard let node = ready?.node else { return }
        let have = try routes.query(Route.list).compactMap(Route.init)
        try routes.perform(RoutePlan.changes(have: have, want: [], node: node))
        try routes.perform(Route(node.podCIDR, action: .unreachable).delete, tolerating: ESRCH)
        try routes.perform(
            LinkAddress(link: 1, Self.gateway, prefix: 32, scope: .link).delete, tolerating: EADDRNOTAVAIL)
        if let own = node.podCIDR.address(at: 1) {
            try routes.perform(Route(node.serviceCIDR, link: 1, source: own).delete, tolerating: ESRCH)
            try routes.perform(LinkAddress(link: 1, own, prefix: 32).delete, tolerating: EADDRNOTAVAIL)
        }
        ready = nil
    }

    // MARK: Steps

    private func current() throws -> Ready {
        guard let ready else { throw NetlinkError(code: ENETDOWN, purpose: "use a network that is not set up") }
        return ready
    }

    private func told(_ address: IPv4Address) -> PodAddress {
        PodAddress(address: address, gateway: Self.gateway, nameServer: Self.gateway)
    }

    private func allocate(_ pod: PodAttachment) throws -> IPv4Address {
        guard ready != nil, let address = try ready?.pool.allocate(uid: pod.uid, wanted: pod.address) else {
            throw NetlinkError(code: ENETDOWN, purpose: "give out an address")
        }
        return address
    }

    private func open(_ namespace: PodNamespace) throws -> Int32 {
        switch namespace {
        case .descriptor(let descriptor): return descriptor
        case .process(let process):
            let descriptor = Glibc.open("/proc/\(process)/ns/net", O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw NetlinkError(code: errno, purpose: "open the network of process \(process)")
            }
            return descriptor
        case .node: throw NetlinkError(code: EINVAL, purpose: "attach a pod that shares the node's network")
        }
    }

    /// Makes the pair and gives both ends what they need. A pair of that name is a leftover and goes first.
    private func connect(_ uid: String, _ address: IPv4Address, _ namespace: Int32) throws {
        let name = Self.linkName(uid: uid)
        try routes.perform(Link.delete(name), tolerating: ENODEV)
        try routes.perform(Link.add(name, .veth(peer: "eth0", namespace: namespace), mtu: try podMTU()))
        let host = try index(of: name)
        try routes.perform(Link.set(index: host, up: true))

        var inside = try NetlinkSocket(.route, in: namespace)
        try inside.perform(Link.set(index: 1, up: true))
        guard let pod = try inside.query(Link.get("eth0")).compactMap(Link.init).first?.index else {
            throw NetlinkError(code: ENODEV, purpose: "find eth0 of the pod")
        }
        try inside.perform([
            LinkAddress(link: pod, address, prefix: 32).replace, Link.set(index: pod, up: true),
            Route(.all, via: Self.gateway, link: pod, isOnLink: true).replace,
        ])
        let source = try current().node.podCIDR.address(at: 1)
        try routes.perform(Route(IPv4Network(address, prefix: 32), link: host, source: source).replace)
    }

    private func index(of name: String) throws -> Int32 {
        guard let link = try routes.query(Link.get(name)).compactMap(Link.init).first else {
            throw NetlinkError(code: ENODEV, purpose: "find link \(name)")
        }
        return link.index
    }

    /// What fits through the node's own interface, less the tunnel's 50 bytes where there is one.
    private func podMTU() throws -> UInt32 {
        let node = try current().node
        let addresses = try routes.query(LinkAddress.list).compactMap(LinkAddress.init)
        let links = try routes.query(Link.list).compactMap(Link.init)
        let uplink = addresses.first { $0.address == node.address }.flatMap { address in
            links.first { $0.index == address.link && !$0.isLoopback }
        }
        let most = uplink.map(\.mtu) ?? 1500
        return ready?.tunnel == nil ? most : most - min(most, 50)
    }

    private func makeTunnel() throws {
        let node = try current().node
        if ready?.tunnel == nil {
            try routes.perform(
                Link.add(
                    Self.tunnelName,
                    .vxlan(identifier: RoutePlan.vxlanIdentifier, local: node.address, port: RoutePlan.vxlanPort),
                    hardwareAddress: RoutePlan.hardwareAddress(of: node.address)), tolerating: EEXIST)
        }
        let tunnel = try index(of: Self.tunnelName)
        try routes.perform(Link.set(index: tunnel, up: true))
        ready?.tunnel = tunnel
    }

    private func rebuild() throws {
        let state = try current()
        let pods = state.pods.values.compactMap { pod in
            state.pool.address(of: pod.uid).map { (address: $0, hostPorts: pod.hostPorts) }
        }
        let rules = state.services.sorted { $0.key < $1.key }.map(\.value)
        try filter.transact(
            NodeTable.rebuild(node: state.node, pods: pods, services: rules).transaction)
    }

    /// Returns a sentence when the kernel setting could not be made.
    private func set(_ file: String, _ value: String) throws -> String? {
        let path = "/proc/sys/\(file)"
        let write = { () -> Int32 in
            let descriptor = Glibc.open(path, O_WRONLY | O_CLOEXEC)
            guard descriptor >= 0 else { return errno }
            defer { close(descriptor) }
            return Glibc.write(descriptor, value, value.utf8.count) == value.utf8.count ? 0 : errno
        }
        let code = try namespace?.run(write) ?? write()
        guard code != 0 else { return nil }
        return "\(path) could not be set to \(value) (\(errorName(code))); pods may not be reachable until it is."
    }
}
