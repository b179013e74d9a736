import Shared

/// Gives services of type LoadBalancer the addresses of the nodes, which answer their ports. Keys are services.
struct LoadBalancers: Reconciler {
    let client: Client
    let services: Informer<ClusterService>
    let nodes: Informer<Node>
    let ingresses: Informer<Ingress>
    let recorder: Recorder

    /// Ports that the nodes' reverse proxy has as soon as there is something to serve.
    static let proxyPorts = [80, 443]
    /// A node with this label answers no load balancer's ports.
    static let exclusionLabel = "node.kubernetes.io/exclude-from-external-load-balancers"

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let service = services.get(namespace: key.namespace, name: key.name), !service.metadata.isDeleting else {
            return .settled
        }
        let status = service.json.at("status", "loadBalancer")
        guard LoadBalancers.isOurs(service) else {
            // What it was is not it any more: it has no addresses of ours.
            if service.type != "LoadBalancer", !status["ingress"].isNull { try await report([], service) }
            return .settled
        }
        let others = services.list().filter { LoadBalancers.isOurs($0) && $0.metadata.uid != service.metadata.uid }
        if let port = LoadBalancers.takenPort(service, others: others, hasIngresses: ingresses.count > 0) {
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
        try await report(addresses, service)
        return .settled
    }

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

    /// A port that an older service has, or the reverse proxy; nil when all are free.
    static func takenPort(_ service: ClusterService, others: [ClusterService], hasIngresses: Bool) -> Int? {
        let own = ports(service)
        let isServed = !service.json.at("status", "loadBalancer", "ingress").isNull
        if hasIngresses, !isServed,
            let port = own.first(where: { $0.transport == "TCP" && proxyPorts.contains($0.port) })
        {
            return port.port
        }
        let older = others.filter { other in
            let (mine, its) = (service.metadata.creationTimestamp, other.metadata.creationTimestamp)
            if let mine, let its, mine != its { return its < mine }
            return other.metadata.uid < service.metadata.uid
        }
        let taken = Set(older.flatMap(ports))
        return own.first { taken.contains($0) }?.port
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
