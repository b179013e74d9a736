import Glibc
import Shared

/// Finds out where in the cluster's network this node is.
enum NetworkPlace {
    /// Waits for the node's block of addresses and for service `kubernetes`, which tells where services are.
    static func find(
        _ settings: AgentSettings, address: String, pods: Informer<Pod>, services: Informer<ClusterService>,
        nodes: Informer<Node>
    ) async throws -> NodeNetwork {
        await pods.waitUntilSynced()
        await services.waitUntilSynced()
        await nodes.waitUntilSynced()
        let own = try await first {
            nodes.get(name: settings.name).flatMap { IPv4Network($0.podCIDR) }
        } rings: { ring in
            nodes.add { _ in ring() }
        }
        let service = try await first {
            settings.serviceCIDR
                ?? services.get(namespace: "default", name: "kubernetes").flatMap { IPv4Address($0.clusterIP) }
                .map { IPv4Network($0, prefix: 16) }
        } rings: { ring in
            services.add { _ in ring() }
        }
        return NodeNetwork(
            name: settings.name, address: IPv4Address(address) ?? .loopback, podCIDR: own,
            clusterCIDR: settings.clusterCIDR ?? IPv4Network(own.address, prefix: min(16, own.prefix)),
            serviceCIDR: service)
    }

    /// Pods that outlived the last agent, with their addresses.
    static func running(_ runtime: any Runtime, pods: Informer<Pod>) async -> [PodAttachment] {
        let known = Dictionary(pods.list().map { ($0.metadata.uid, $0) }) { first, _ in first }
        return await runtime.sandboxes().filter(\.isAlive).compactMap { sandbox in
            guard let pod = known[sandbox.uid], !pod.spec.hostNetwork, let address = IPv4Address(pod.status.podIP)
            else {
                return nil
            }
            return PodAttachment(
                uid: sandbox.uid, namespace: pod.namespace, name: pod.name, address: address,
                hostPorts: PodAttachment.hostPorts(pod))
        }
    }

    /// The first value that is not nil; looked for at once and after every ring.
    private static func first<T: Sendable>(
        _ look: () -> T?, rings: (@escaping @Sendable () -> Void) -> Void
    ) async throws -> T {
        let (stream, ring) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        rings { ring.yield() }
        if let found = look() { return found }
        for await _ in stream { if let found = look() { return found } }
        throw CancellationError()
    }
}

extension PodAttachment {
    /// Ports of the node that the pod's containers ask for.
    static func hostPorts(_ pod: Pod) -> [HostPort] {
        pod.spec.containers.flatMap(\.ports).compactMap { port in
            guard let host = port["hostPort"].int.flatMap(UInt16.init(exactly:)), host > 0,
                let inside = port["containerPort"].int.flatMap(UInt16.init(exactly:))
            else { return nil }
            return HostPort(
                transport: PortProtocol(rawValue: port["protocol"].string ?? "TCP") ?? .tcp, port: host,
                containerPort: inside, address: IPv4Address(port["hostIP"].string ?? ""))
        }
    }
}

/// The node's network with what belongs to it.
struct NetworkKit: Sendable {
    let network: any PodNetwork
    let resolvConf: @Sendable (Pod) -> String
    /// The port under which a service port is reached.
    let offered: @Sendable (UInt16) -> UInt16
    private let place: NodeNetwork
    private let settings: AgentSettings
    private let kind: RuntimeKind
    private let clock: any WallClock
    private let log: Log

    static func make(
        _ kind: RuntimeKind, _ settings: AgentSettings, _ place: NodeNetwork, clock: any WallClock, log: Log,
        remark: @escaping @Sendable (ServiceName, String) -> Void
    ) throws -> NetworkKit {
        let node = Resolvers.parse(Files.text("/etc/resolv.conf") ?? "")
        let bindsLowPorts = geteuid() == 0
        let network: any PodNetwork =
            kind == .linux
            ? try LinuxPodNetwork(log: log)
            : ProcessPodNetwork(clock: clock, log: log, bindsLowPorts: bindsLowPorts, remark: remark)
        let server = kind == .linux ? settings.clusterDNS ?? LinuxPodNetwork.gateway : settings.clusterDNS
        let domain = settings.clusterDomain
        return NetworkKit(
            network: network,
            resolvConf: { pod in
                guard kind == .linux else { return "" }
                return Resolvers.configuration(for: pod, nameServer: server, node: node, domain: domain).text
            },
            offered: { kind == .linux ? $0 : ProxyPlan.offered($0, bindsLowPorts: bindsLowPorts) },
            place: place, settings: settings, kind: kind, clock: clock, log: log)
    }

    /// Answers DNS for this node's pods; nil where pods have no network of their own.
    func nameServer() throws -> NameServer? {
        guard kind == .linux else { return nil }
        let candidates = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"].compactMap { Files.text($0) }
        return try NameServer(
            on: IPv4Endpoint(LinuxPodNetwork.gateway, port: 53),
            zone: Zone(domain: settings.clusterDomain, networks: [place.clusterCIDR, place.serviceCIDR]),
            upstream: Resolvers.upstream(candidates), clock: clock, log: log.about("dns"),
            randomIdentifier: { UInt16.random(in: 0...UInt16.max) })
    }
}
