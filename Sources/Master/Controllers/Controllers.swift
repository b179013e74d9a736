import Shared

/// All controllers and the scheduler, wired to their caches: what `Master` runs beside the server.
struct Controllers: Sendable {
    /// What the controllers are told from outside.
    struct Settings: Sendable {
        /// How long a node may be silent before it counts as lost: `--node-grace`.
        var nodeGrace = Duration.seconds(8)
        /// `--pod-cidr`; nil leaves the nodes without a part of the pod network.
        var blocks = NodeBlocks("10.244.0.0/16")
        /// The cluster's CA in PEM.
        var rootCertificate = ""
        /// Signs the certificates of agents; nil leaves certificate requests to others.
        var authority: CertificateAuthority?
        /// Makes the token of an account for a Secret that asks for it; nil leaves such Secrets empty.
        var accountToken: (@Sendable (ServiceAccount, Secret) throws -> String)?
        /// `--scheduler-config`.
        var scheduler = SchedulerConfiguration()
        /// Chooses among nodes that are equally good.
        var random = RandomSource.system
    }

    /// Everything that has to run.
    let services: [any Service]
    let caches: Caches
    /// The queues by name; all empty means that the controllers are idle.
    let queues: [String: WorkQueue]

    /// - Parameters:
    ///   - client: a client with the identity of the named controller, such as `deployment-controller`.
    ///   - graph: who owns whom, from the store.
    ///   - kinds: every namespaced kind that can be listed and deleted, one version each.
    init(
        client: (_ controller: String) -> Client, graph: OwnerGraph, kinds: @escaping @Sendable () async -> [KindType],
        settings: Settings, clock: any WallClock, log: Log
    ) {
        let caches = Caches(client("kube-controller-manager"), clock: clock, log: log.about("caches"))
        var wiring = Wiring(caches: caches, clock: clock, log: log)
        self.caches = caches

        wiring.addWorkloads(client)
        wiring.addStateful(client)
        wiring.addScaling(client, graph)
        wiring.addVolumes(client)
        wiring.addEdge(client)
        wiring.addServices(client)
        wiring.addNamespaces(client, kinds, settings)
        wiring.addNodes(client, settings)
        wiring.addQuotas(client, kinds)
        wiring.addCollection(client, graph)
        wiring.addDefinitions(client)
        wiring.addScheduler(client, settings)
        wiring.addRoles(client)
        if let authority = settings.authority { wiring.addCertificates(client, authority) }

        services = caches.informers + wiring.services
        queues = wiring.queues
    }
}
