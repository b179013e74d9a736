import Shared
import Synchronization

/// Gives services of type LoadBalancer the addresses of the nodes, which answer their ports. Keys are services.
/// A class: it remembers whom it serves, so that no port is given twice while the cache still lags.
final class LoadBalancers: Reconciler {
    private let client: Client
    private let services: Informer<ClusterService>
    private let nodes: Informer<Node>
    private let ingresses: Informer<Ingress>
    private let recorder: Recorder
    /// Uids of the services that were given addresses.
    private let given = Mutex<[ObjectKey: String]>([:])

    init(client: Client, caches: Caches, recorder: Recorder) {
        self.client = client
        services = caches.services
        nodes = caches.nodes
        ingresses = caches.ingresses
        self.recorder = recorder
    }

    /// Ports that the nodes' reverse proxy has as soon as there is something to serve.
    static let proxyPorts = [80, 443]
    /// A node with this label answers no load balancer's ports.
    static let exclusionLabel = "node.kubernetes.io/exclude-from-external-load-balancers"

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let service = services.get(namespace: key.namespace, name: key.name), !service.metadata.isDeleting else {
            forget(key)
            return .settled
        }
        let status = service.json.at("status", "loadBalancer")
        guard LoadBalancers.isOurs(service) else {
            forget(key)
            // What it was is not it any more: it has no addresses of ours.
            if service.type != "LoadBalancer", !status["ingress"].isNull { try await report([], service) }
            return .settled
        }
        let given = given.withLock { $0 }
        let all = services.list().filter { LoadBalancers.isOurs($0) }
        let served = all.filter { LoadBalancers.isServed($0) || given[$0.key] == $0.metadata.uid }
        if let port = LoadBalancers.takenPort(
            service, among: all, served: Set(served.map(\.metadata.uid)), hasIngresses: ingresses.count > 0)
        {
            forget(key)
            recorder.event(
                service, .warning, "SyncLoadBalancerFailed",
                "Error syncing load balancer: port \(port) of the nodes is taken by another service or by the ingress proxy; choose another port"
            )
            if !status["ingress"].isNull { try await report([], service) }
            return .settled
        }
        let addresses = LoadBalancers.addresses(nodes.list())
        let present = status["ingress"].items.compactMap { $0["ip"].string }
        guard present != addresses else { return .settled }
        if !addresses.isEmpty { self.given.withLock { $0[key] = service.metadata.uid } }
        try await report(addresses, service)
        return .settled
    }

    private func forget(_ key: ObjectKey) { given.withLock { _ = $0.removeValue(forKey: key) } }

    private func report(_ addresses: [String], _ service: ClusterService) async throws {
        var update = service
        update.json["status"]["loadBalancer"] = LoadBalancers.status(addresses)
        do { _ = try await client.updateStatus(update) } catch let status as Status where status.reason == .notFound {}
    }

    // MARK: Decisions

    static func isOurs(_ service: ClusterService) -> Bool {
        service.type == "LoadBalancer" && service.json.at("spec", "loadBalancerClass").isNull
    }

    static func status(_ addresses: [String]) -> JSON {
        addresses.isEmpty ? [:] : ["ingress": .array(addresses.map { ["ip": .string($0), "ipMode": "VIP"] })]
    }

    /// The addresses of all nodes that are ready, in their order.
    static func addresses(_ nodes: [Node]) -> [String] {
        nodes.filter { $0.isReady && $0.metadata.labels[exclusionLabel] == nil && !$0.metadata.isDeleting }
            .sorted { $0.name < $1.name }.map { $0.address("InternalIP") }.filter { !$0.isEmpty }
    }

    /// A port that another service had before, or the reverse proxy has; nil when all are free. Who is served stays so;
    /// of those that are alike in this the oldest comes first.
    /// - Parameter served: uids of those among `all` that have addresses.
    static func takenPort(
        _ service: ClusterService, among all: [ClusterService], served: Set<String>, hasIngresses: Bool
    ) -> Int? {
        let own = ports(service)
        let isServed = served.contains(service.metadata.uid)
        if hasIngresses, !isServed,
            let port = own.first(where: { $0.transport == "TCP" && proxyPorts.contains($0.port) })
        {
            return port.port
        }
        let earlier = all.filter { other in
            if served.contains(other.metadata.uid) != isServed { return !isServed }
            let (mine, its) = (service.metadata.creationTimestamp, other.metadata.creationTimestamp)
            if let mine, let its, mine != its { return its < mine }
            return other.metadata.uid < service.metadata.uid
        }
        let taken = Set(earlier.flatMap(ports))
        return own.first { taken.contains($0) }?.port
    }

    private static func isServed(_ service: ClusterService) -> Bool {
        !service.json.at("status", "loadBalancer", "ingress").isNull
    }

    private struct Port: Hashable {
        let transport: String
        let port: Int
    }
    private static func ports(_ service: ClusterService) -> [Port] {
        service.ports.compactMap { json in
            json["port"].int.map { Port(transport: json["protocol"].string ?? "TCP", port: $0) }
        }
    }
}

/// Tells in the status of ingresses where they are served: on all nodes.
struct IngressAddresses: Reconciler {
    let client: Client
    let ingresses: Informer<Ingress>
    let classes: Informer<IngressClass>
    let nodes: Informer<Node>
    let recorder: Recorder

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let ingress = ingresses.get(namespace: key.namespace, name: key.name), !ingress.metadata.isDeleting,
            IngressAddresses.isOurs(ingress, classes.list())
        else { return .settled }
        let addresses = LoadBalancers.addresses(nodes.list())
        let present = ingress.json.at("status", "loadBalancer", "ingress").items.compactMap { $0["ip"].string }
        guard present != addresses else { return .settled }
        var update = ingress
        update.json["status"]["loadBalancer"] =
            addresses.isEmpty ? [:] : ["ingress": .array(addresses.map { ["ip": .string($0)] })]
        do { _ = try await client.updateStatus(update) } catch let status as Status where status.reason == .notFound {
            return .settled
        }
        if present.isEmpty {
            recorder.event(
                ingress, .normal, "Sync", "Served on ports 80 and 443 of \(addresses.count) nodes")
        }
        return .settled
    }

    /// Whether the nodes serve it: its class is ours, or it has none and ours is the default.
    static func isOurs(_ ingress: Ingress, _ classes: [IngressClass]) -> Bool {
        guard let name = ingress.className else { return classes.contains { $0.isOurs && $0.isDefault } }
        return classes.contains { $0.name == name && $0.isOurs }
    }
}
