import Glibc
import Shared

/// The network of a node whose pods share the machine's: each has an address of 127.0.0.0/8, services have theirs there
/// too, and a user-space proxy stands behind them. Needs no privileges. An actor: it owns the proxy's sockets.
///
/// Limits: names come as environment variables, not by DNS; service ports below 1024 are offered at port + 30000 where the
/// user may not bind them; addresses are reachable from this machine only.
actor ProcessPodNetwork: PodNetwork {
    struct Misplaced: Error, CustomStringConvertible {
        let network: IPv4Network
        var description: String {
            "Pods without namespaces need addresses of 127.0.0.0/8, but this node was given \(network); start the master "
                + "with a --pod-cidr and a --service-cidr inside it, such as 127.112.0.0/16 and 127.96.0.0/16."
        }
    }
    static let loopback = IPv4Network(IPv4Address(127, 0, 0, 0), prefix: 8)

    private var node: NodeNetwork?
    private var pool: AddressPool?
    private var services: [ServiceName: ServiceEntry] = [:]
    private var ports: [ProxyPlan.Door: ProxyPort] = [:]
    private var targets: [ProxyPlan.Door: ProxyPlan.Target] = [:]
    private var told: [ServiceName: String] = [:]
    private let bindsLowPorts: Bool
    private let clock: any WallClock
    private let log: Log
    private let remark: @Sendable (ServiceName, String) -> Void
    private let opened: AsyncStream<ProxyPort>
    private let opening: AsyncStream<ProxyPort>.Continuation

    /// - Parameters:
    ///   - bindsLowPorts: whether this user may bind ports below 1024 (root, `ip_unprivileged_port_start`).
    ///   - remark: takes a sentence about a service that the user must know; becomes an event.
    init(
        clock: any WallClock, log: Log, bindsLowPorts: Bool,
        remark: @escaping @Sendable (ServiceName, String) -> Void
    ) {
        self.clock = clock
        self.log = log
        self.bindsLowPorts = bindsLowPorts
        self.remark = remark
        (opened, opening) = AsyncStream.makeStream()
    }

    func setUp(_ node: NodeNetwork, running: [PodAttachment]) async throws -> [String] {
        for network in [node.podCIDR, node.serviceCIDR] where !Self.loopback.contains(network) {
            throw Misplaced(network: network)
        }
        var pool = AddressPool(node.podCIDR)
        for pod in running { _ = try pool.allocate(uid: pod.uid, wanted: pod.address) }
        self.node = node
        self.pool = pool
        return []
    }

    func attach(_ pod: PodAttachment, to namespace: PodNamespace) async throws -> PodAddress {
        guard let address = try pool?.allocate(uid: pod.uid, wanted: pod.address) else {
            throw NetlinkError(code: ENETDOWN, purpose: "use a network that is not set up")
        }
        return PodAddress(address: address, gateway: nil, nameServer: nil)
    }

    func detach(uid: String) async throws { pool?.release(uid: uid) }

    /// All nodes are on this machine: there is nothing to route.
    func apply(peers: [PeerNode]) async throws {}

    func apply(services: ServiceTable) async throws {
        self.services = services.entries
        reconcile()
    }

    func update(services: [ServiceName: ServiceEntry?]) async throws {
        for (name, entry) in services { self.services[name] = entry }
        reconcile()
    }

    /// Opens, changes and closes doors until they are as the services want them. A door that cannot be opened is told
    /// about and tried again with the next change.
    private func reconcile() {
        guard let node else { return }
        let sorted = services.sorted { $0.key < $1.key }.map(\.value)
        let plan = ProxyPlan(sorted, node: node, bindsLowPorts: bindsLowPorts)
        for (door, port) in ports where plan.doors[door] == nil {
            port.close()
            ports[door] = nil
            targets[door] = nil
        }
        for (door, target) in plan.doors where targets[door] != target {
            if let port = ports[door], targets[door]?.affinitySeconds == target.affinitySeconds {
                port.replace(target.backends)
                targets[door] = target
                continue
            }
            ports.removeValue(forKey: door)?.close()
            do {
                let balance = Balance(
                    target.backends, affinitySeconds: target.affinitySeconds,
                    start: Int(node.podCIDR.address.value >> 8))
                let port = try ProxyPort(door, balance: balance, clock: clock)
                ports[door] = port
                targets[door] = target
                opening.yield(port)
            } catch {
                tell(target.service, "Service \(target.service) cannot be reached at \(door): \(error).")
            }
        }
        for (name, text) in plan.remarks { tell(name, text) }
        told = told.filter { services[$0.key] != nil }
    }

    /// The same sentence is told once.
    private func tell(_ service: ServiceName, _ text: String) {
        guard told[service] != text else { return }
        told[service] = text
        log.info(text)
        remark(service, text)
    }

    nonisolated func run() async throws {
        await withDiscardingTaskGroup { group in
            for await port in opened { group.addTask { await port.serve() } }
        }
    }

    func tearDown() async throws {
        for port in ports.values { port.close() }
        ports = [:]
        targets = [:]
        services = [:]
    }
}
