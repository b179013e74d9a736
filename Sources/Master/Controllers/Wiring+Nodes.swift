import Shared

/// Nodes, and the pods on them.
extension Wiring {
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
}
