import Shared

/// Names of the look-up tables of the pod cache.
enum PodIndex {
    /// Uid of the controller.
    static let controller = "controller"
    /// Namespace of a pod that has no controller.
    static let orphan = "orphan"
    static let node = "node"
    static let namespace = "namespace"
}

/// Names of the look-up tables of other caches.
enum OwnerIndex {
    /// Uid of the controller.
    static let controller = "controller"
    /// Namespace of an object that has no controller.
    static let orphan = "orphan"
    static let namespace = "namespace"
    /// `namespace/service` of an endpoint slice.
    static let service = "service"
}

/// The caches that all controllers and the scheduler share: one watch per kind.
struct Caches: Sendable {
    let pods: Informer<Pod>
    let nodes: Informer<Node>
    let leases: Informer<Lease>
    let replicaSets: Informer<ReplicaSet>
    let replicationControllers: Informer<ReplicationController>
    let deployments: Informer<Deployment>
    let jobs: Informer<Job>
    let cronJobs: Informer<CronJob>
    let quotas: Informer<ResourceQuota>
    let services: Informer<ClusterService>
    let endpoints: Informer<Endpoints>
    let slices: Informer<EndpointSlice>
    let namespaces: Informer<Namespace>
    let accounts: Informer<ServiceAccount>
    let rootCertificates: Informer<ConfigMap>
    let accountTokens: Informer<Secret>
    let certificateRequests: Informer<CertificateSigningRequest>
    let definitions: Informer<CustomResourceDefinition>
    let clusterRoles: Informer<ClusterRole>
    let statefulSets: Informer<StatefulSet>
    let daemonSets: Informer<DaemonSet>
    let revisions: Informer<ControllerRevision>
    let claims: Informer<PersistentVolumeClaim>
    let volumes: Informer<PersistentVolume>
    let storageClasses: Informer<StorageClass>
    let budgets: Informer<PodDisruptionBudget>
    let autoscalers: Informer<HorizontalPodAutoscaler>
    let ingresses: Informer<Ingress>
    let ingressClasses: Informer<IngressClass>

    init(_ client: Client, clock: any WallClock, log: Log) {
        pods = Informer(client, clock: clock, log: log)
        nodes = Informer(client, clock: clock, log: log)
        leases = Informer(client, namespace: Lease.nodeNamespace, clock: clock, log: log)
        replicaSets = Informer(client, clock: clock, log: log)
        replicationControllers = Informer(client, clock: clock, log: log)
        deployments = Informer(client, clock: clock, log: log)
        jobs = Informer(client, clock: clock, log: log)
        cronJobs = Informer(client, clock: clock, log: log)
        quotas = Informer(client, clock: clock, log: log)
        services = Informer(client, clock: clock, log: log)
        endpoints = Informer(client, clock: clock, log: log)
        slices = Informer(client, clock: clock, log: log)
        namespaces = Informer(client, clock: clock, log: log)
        accounts = Informer(client, clock: clock, log: log)
        let name = FieldSelector([.init("metadata.name", ConfigMap.rootCertificates)])
        rootCertificates = Informer(client, fields: name, clock: clock, log: log)
        let type = FieldSelector([.init("type", Secret.accountTokenType)])
        accountTokens = Informer(client, fields: type, clock: clock, log: log)
        certificateRequests = Informer(client, clock: clock, log: log)
        definitions = Informer(client, clock: clock, log: log)
        clusterRoles = Informer(client, clock: clock, log: log)
        statefulSets = Informer(client, clock: clock, log: log)
        daemonSets = Informer(client, clock: clock, log: log)
        revisions = Informer(client, clock: clock, log: log)
        claims = Informer(client, clock: clock, log: log)
        volumes = Informer(client, clock: clock, log: log)
        storageClasses = Informer(client, clock: clock, log: log)
        budgets = Informer(client, clock: clock, log: log)
        autoscalers = Informer(client, clock: clock, log: log)
        ingresses = Informer(client, clock: clock, log: log)
        ingressClasses = Informer(client, clock: clock, log: log)

        pods.index(PodIndex.node) { $0.spec.nodeName.isEmpty ? [] : [$0.spec.nodeName] }
        pods.index(PodIndex.namespace) { [$0.namespace] }
        Caches.indexOwners(of: pods)
        Caches.indexOwners(of: replicaSets)
        Caches.indexOwners(of: replicationControllers)
        Caches.indexOwners(of: jobs)
        Caches.indexOwners(of: revisions)
        statefulSets.index(OwnerIndex.namespace) { [$0.namespace] }
        daemonSets.index(OwnerIndex.namespace) { [$0.namespace] }
        claims.index(OwnerIndex.namespace) { [$0.namespace] }
        budgets.index(OwnerIndex.namespace) { [$0.namespace] }
        deployments.index(OwnerIndex.namespace) { [$0.namespace] }
        services.index(OwnerIndex.namespace) { [$0.namespace] }
        replicaSets.index(OwnerIndex.namespace) { [$0.namespace] }
        replicationControllers.index(OwnerIndex.namespace) { [$0.namespace] }
        jobs.index(OwnerIndex.namespace) { [$0.namespace] }
        accountTokens.index(OwnerIndex.namespace) { [$0.namespace] }
        quotas.index(OwnerIndex.namespace) { [$0.namespace] }
        slices.index(OwnerIndex.service) { slice in
            slice.service.map { ["\(slice.namespace)/\($0)"] } ?? []
        }
    }

    private static func indexOwners<K: Kind>(of informer: Informer<K>) {
        informer.index(OwnerIndex.controller) { $0.metadata.controller.map { [$0.uid] } ?? [] }
        informer.index(OwnerIndex.orphan) { $0.metadata.controller == nil ? [$0.namespace] : [] }
    }

    /// All of them; they have to run, so that they follow the server.
    var informers: [any ObjectCache] {
        [
            pods, nodes, leases, replicaSets, replicationControllers, deployments, jobs, cronJobs, quotas, services,
            endpoints, slices, namespaces, accounts, rootCertificates, accountTokens, certificateRequests, clusterRoles,
            definitions,
            claims,
            volumes, storageClasses, budgets, statefulSets, daemonSets, revisions, autoscalers, ingresses,
            ingressClasses,
        ]
    }

    /// Returns once every cache holds its first listing.
    func waitUntilSynced() async { for informer in informers { await informer.waitUntilSynced() } }
}

extension Informer {
    /// Wakes the object itself on every change of it.
    func wake(_ queue: WorkQueue) {
        add { queue.add($0.object.key) }
    }

    /// Wakes the controller of a changed object when it is an `Owner`, the one before the change too.
    /// - Parameter candidates: for an object without controller: owners whose selector may match it.
    func wake<Owner: Kind>(
        owners: Owner.Type, _ queue: WorkQueue, candidates: @escaping @Sendable (K) -> [ObjectKey] = { _ in [] }
    ) {
        add { change in
            let object = change.object
            if let key = object.metadata.controllerKey(Owner.self) {
                queue.add(key)
            } else if object.metadata.controller == nil {
                for key in candidates(object) { queue.add(key) }
            }
            if case .updated(let old, let new) = change {
                let before = old.metadata.controllerKey(Owner.self)
                if let before, before != new.metadata.controllerKey(Owner.self) { queue.add(before) }
            }
        }
    }
}

extension ObjectMeta {
    /// The key of the controller when it is an object of kind `Owner`.
    func controllerKey<Owner: Kind>(_ kind: Owner.Type) -> ObjectKey? {
        guard let controller, controller.kind == Owner.type.kind,
            controller.apiVersion.prefix(while: { $0 != "/" })
                == (Owner.type.group.isEmpty
                    ? Owner.type.version[...] : Owner.type.group[...])
        else { return nil }
        return ObjectKey(Owner.type.resource, namespace: namespace, name: controller.name)
    }
}
