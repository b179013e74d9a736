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
        wiring.addServices(client)
        wiring.addNamespaces(client, kinds, settings)
        wiring.addNodes(client, settings)
        wiring.addCollection(client, graph)
        wiring.addScheduler(client)
        if let authority = settings.authority { wiring.addCertificates(client, authority) }

        services = caches.informers + wiring.services
        queues = wiring.queues
    }
}

/// Collects loops while they are being connected to the caches.
private struct Wiring {
    let caches: Caches
    let clock: any WallClock
    let log: Log
    var services: [any Service] = []
    var queues: [String: WorkQueue] = [:]

    mutating func queue(_ name: String) -> WorkQueue {
        let queue = WorkQueue(clock: clock)
        queues[name] = queue
        return queue
    }

    mutating func recorder(_ client: Client, _ component: String) -> Recorder {
        let recorder = Recorder(client, component: component, clock: clock, log: log.about(component))
        services.append(recorder)
        return recorder
    }

    mutating func run(_ name: String, _ reconciler: any Reconciler, _ queue: WorkQueue, workers: Int = 4) {
        let caches = caches
        services.append(
            ControlLoop(name, reconciler, queue: queue, workers: workers, log: log) { await caches.waitUntilSynced() })
    }

    // MARK: Workloads

    mutating func addWorkloads(_ client: (String) -> Client) {
        addReplicated(client, "replicaset-controller", caches.replicaSets)
        addReplicated(client, "replication-controller", caches.replicationControllers)
        addDeployments(client)
        addJobs(client)
    }

    private mutating func addReplicated<Owner: Replicated>(
        _ client: (String) -> Client, _ name: String, _ owners: Informer<Owner>
    ) {
        let client = client(name)
        let queue = queue(name)
        let recorder = recorder(client, name)
        let pods = caches.pods
        owners.wake(queue)
        pods.wake(owners: Owner.self, queue) { pod in
            owners.list(index: OwnerIndex.namespace, pod.namespace)
                .filter { $0.selector?.matches(pod.metadata.labels) ?? false }.map(\.key)
        }
        let reconciler = ReplicaSets(client: client, owners: owners, pods: pods, recorder: recorder, clock: clock)
        run(name, reconciler, queue)
    }

    private mutating func addDeployments(_ client: (String) -> Client) {
        let name = "deployment-controller"
        let client = client(name)
        let queue = queue(name)
        let (deployments, sets) = (caches.deployments, caches.replicaSets)
        deployments.wake(queue)
        sets.wake(owners: Deployment.self, queue) { set in
            deployments.list(index: OwnerIndex.namespace, set.namespace)
                .filter { $0.selector?.matches(set.metadata.labels) ?? false }.map(\.key)
        }
        // Recreate waits for the last old pod.
        caches.pods.add { change in
            guard case .removed(let pod) = change, let set = pod.metadata.controllerKey(ReplicaSet.self),
                let owner = sets.get(namespace: set.namespace, name: set.name)?.metadata.controllerKey(Deployment.self),
                deployments.get(namespace: owner.namespace, name: owner.name)?.isRecreate ?? false
            else { return }
            queue.add(owner)
        }
        let reconciler = Deployments(
            client: client, deployments: deployments, sets: sets, pods: caches.pods,
            recorder: recorder(client, name), clock: clock)
        run(name, reconciler, queue)
    }

    private mutating func addJobs(_ client: (String) -> Client) {
        let name = "job-controller"
        let identity = client(name)
        let queue = queue(name)
        let jobs = caches.jobs
        caches.pods.index(Jobs.podIndex) { pod in pod.metadata.controllerKey(Job.self).map { [$0.path] } ?? [] }
        jobs.wake(queue)
        caches.pods.wake(owners: Job.self, queue) { pod in
            let fitting = jobs.list(index: OwnerIndex.namespace, pod.namespace)
                .filter { $0.selector?.matches(pod.metadata.labels) ?? false }.map(\.key)
            guard fitting.isEmpty, pod.isTracked, let job = pod.metadata.labels["job-name"] else { return fitting }
            return [ObjectKey(Job.type.resource, namespace: pod.namespace, name: job)]
        }
        let reconciler = Jobs(
            client: identity, jobs: jobs, pods: caches.pods, recorder: recorder(identity, name), clock: clock)
        run(name, reconciler, queue)

        let ttl = "ttl-after-finished-controller"
        let ttlQueue = self.queue(ttl)
        jobs.wake(ttlQueue)
        run(ttl, TimeToLive(client: client(ttl), jobs: jobs, clock: clock), ttlQueue, workers: 1)
    }

    // MARK: Services

    mutating func addServices(_ client: (String) -> Client) {
        let slicesName = "endpointslice-controller"
        let slicesClient = client(slicesName)
        let slicesQueue = queue(slicesName)
        let endpointsName = "endpoint-controller"
        let endpointsClient = client(endpointsName)
        let endpointsQueue = queue(endpointsName)
        let services = caches.services
        for queue in [slicesQueue, endpointsQueue] {
            services.wake(queue)
            caches.pods.add { change in
                if case .updated(let old, let new) = change, !EndpointSlices.differs(old, new) { return }
                for service in services.list(index: OwnerIndex.namespace, change.object.namespace)
                where service.concerns(change) { queue.add(service.key) }
            }
        }
        caches.slices.add { change in
            guard let name = change.object.metadata.labels[EndpointSlice.serviceLabel] else { return }
            slicesQueue.add(
                ObjectKey(ClusterService.type.resource, namespace: change.object.namespace, name: name))
        }
        caches.endpoints.add { change in
            let object = change.object
            endpointsQueue.add(
                ObjectKey(ClusterService.type.resource, namespace: object.namespace, name: object.name))
        }
        run(
            slicesName,
            EndpointSlices(
                client: slicesClient, services: services, slices: caches.slices, pods: caches.pods,
                nodes: caches.nodes, recorder: recorder(slicesClient, slicesName)), slicesQueue)
        run(
            endpointsName,
            EndpointsObjects(
                client: endpointsClient, services: services, endpoints: caches.endpoints, pods: caches.pods,
                recorder: recorder(endpointsClient, endpointsName)), endpointsQueue)
    }

    // MARK: Namespaces

    mutating func addNamespaces(
        _ client: (String) -> Client, _ kinds: @escaping @Sendable () async -> [KindType],
        _ settings: Controllers.Settings
    ) {
        let namespaces = caches.namespaces
        let name = "namespace-controller"
        let queue = queue(name)
        namespaces.wake(queue)
        run(name, Namespaces(client: client(name), namespaces: namespaces, kinds: kinds, clock: clock), queue)

        let accounts = "service-account-controller"
        let accountsQueue = self.queue(accounts)
        namespaces.wake(accountsQueue)
        caches.accounts.add { change in
            if case .removed(let account) = change, account.name == "default" {
                accountsQueue.add(ObjectKey(Namespace.type.resource, name: account.namespace))
            }
        }
        run(
            accounts,
            ServiceAccounts(client: client(accounts), namespaces: namespaces, accounts: caches.accounts), accountsQueue)

        let publisher = "root-ca-cert-publisher"
        let publisherQueue = self.queue(publisher)
        namespaces.wake(publisherQueue)
        caches.rootCertificates.add { change in
            publisherQueue.add(ObjectKey(Namespace.type.resource, name: change.object.namespace))
        }
        run(
            publisher,
            RootCertificates(
                client: client(publisher), namespaces: namespaces, published: caches.rootCertificates,
                certificate: settings.rootCertificate), publisherQueue)
    }

    // MARK: Nodes

    mutating func addNodes(_ client: (String) -> Client, _ settings: Controllers.Settings) {
        let name = "node-controller"
        let identity = client(name)
        let recorder = recorder(identity, name)
        let queue = queue(name)
        caches.nodes.wake(queue)
        caches.leases.add { change in queue.add(ObjectKey(Node.type.resource, name: change.object.name)) }
        let lifecycle = NodeLifecycle(
            client: identity, caches: caches, recorder: recorder, clock: clock, queue: queue,
            grace: settings.nodeGrace)
        run(name, lifecycle, queue)

        let evictions = self.queue("taint-eviction-controller")
        wakePods(evictions) { $0.taints }
        let eviction = TaintEviction(client: identity, caches: caches, recorder: recorder, clock: clock)
        run("taint-eviction-controller", eviction, evictions, workers: 8)

        let collection = self.queue("pod-garbage-collector")
        wakePods(collection) { [$0.isReady ? "ready" : ""] + $0.taints.map(\.key) }
        caches.pods.add { change in
            let pod = change.object
            let mayConcern = pod.metadata.isDeleting || pod.isFinished || pod.spec.nodeName.isEmpty == false
            if case .removed = change { return }
            if mayConcern, case .updated(let old, _) = change, old.metadata.isDeleting == pod.metadata.isDeleting,
                old.isFinished == pod.isFinished, old.spec.nodeName == pod.spec.nodeName
            {
                return
            }
            if mayConcern { collection.add(pod.key) }
        }
        let collector = PodCollection(client: client("pod-garbage-collector"), caches: caches, clock: clock)
        run("pod-garbage-collector", collector, collection)

        guard let blocks = settings.blocks else { return }
        let addresses = self.queue("node-ipam-controller")
        caches.nodes.wake(addresses)
        let allocator = NodeAddresses(client: identity, nodes: caches.nodes, recorder: recorder, blocks: blocks)
        run("node-ipam-controller", allocator, addresses, workers: 1)
    }

    /// Wakes the pods of a node when what `aspect` tells of the node changes, and pods that come to a tainted node.
    private func wakePods<Aspect: Equatable & Sendable>(
        _ queue: WorkQueue, when aspect: @escaping @Sendable (Node) -> Aspect
    ) {
        let (pods, nodes) = (caches.pods, caches.nodes)
        nodes.add { change in
            if case .updated(let old, let new) = change, aspect(old) == aspect(new) { return }
            for pod in pods.list(index: PodIndex.node, change.object.name) { queue.add(pod.key) }
        }
        pods.add { change in
            let pod = change.object
            guard let node = nodes.get(name: pod.spec.nodeName),
                node.taints.contains(where: { $0.effect == "NoExecute" })
            else { return }
            queue.add(pod.key)
        }
    }

    // MARK: Garbage and places

    mutating func addCollection(_ client: (String) -> Client, _ graph: OwnerGraph) {
        let name = "generic-garbage-collector"
        let queue = queue(name)
        let collector = GarbageCollector(client: client(name), graph: graph, queue: queue, log: log.about(name))
        services.append(OwnerChanges(collector: collector, log: log.about(name)))
        run(name, collector, queue, workers: 8)
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

    mutating func addScheduler(_ client: (String) -> Client) {
        let identity = client("kube-scheduler")
        let queue = queue("kube-scheduler")
        let scheduler = Scheduler(
            client: identity, caches: caches, recorder: recorder(identity, Scheduler.name), clock: clock, queue: queue)
        run("kube-scheduler", scheduler, queue, workers: Limits.parallelBindingsMax)
    }
}

extension EndpointSlices {
    /// Whether the change of a pod may change what a service lists.
    static func differs(_ old: Pod, _ new: Pod) -> Bool {
        old.isReady != new.isReady || old.isFinished != new.isFinished
            || old.metadata.isDeleting != new.metadata.isDeleting || old.metadata.uid != new.metadata.uid
            || old.status.json["podIPs"] != new.status.json["podIPs"] || old.status.podIP != new.status.podIP
            || old.metadata.json["labels"] != new.metadata.json["labels"] || old.spec.nodeName != new.spec.nodeName
            || old.spec.json["containers"] != new.spec.json["containers"]
    }
}

extension ClusterService {
    /// Whether the service selects the pod, or did before the change.
    fileprivate func concerns(_ change: Informer<Pod>.Change) -> Bool {
        guard selectsPods else { return false }
        let wanted = LabelSelector(equal: selector)
        if case .updated(let old, _) = change, wanted.matches(old.metadata.labels) { return true }
        return wanted.matches(change.object.metadata.labels)
    }
}
