import Shared

/// Garbage collection and certificates.
extension Wiring {
    mutating func addCollection(_ client: (String) -> Client, _ graph: OwnerGraph) {
        let name = "generic-garbage-collector"
        let queue = queue(name)
        let collector = GarbageCollector(client: client(name), graph: graph, queue: queue, log: log.about(name))
        services.append(OwnerChanges(collector: collector, removals: removalHandlers, log: log.about(name)))
        run(name, collector, queue, workers: 8)
    }

    mutating func addRoles(_ client: (String) -> Client) {
        let name = "clusterrole-aggregation-controller"
        let queue = queue(name)
        let roles = caches.clusterRoles
        // Any role may be one that another gathers.
        roles.add { _ in for role in roles.list() where role.isAggregated { queue.add(role.key) } }
        run(name, ClusterRoleAggregation(client: client(name), roles: roles), queue, workers: 1)
    }

    mutating func addCertificates(_ client: (String) -> Client, _ authority: CertificateAuthority) {
        let name = "certificate-controller"
        let queue = queue(name)
        caches.certificateRequests.wake(queue)
        let signer = CertificateSigner(
            client: client(name), requests: caches.certificateRequests, nodes: caches.nodes, authority: authority,
            clock: clock)
        run(name, signer, queue, workers: 1)
    }
}
