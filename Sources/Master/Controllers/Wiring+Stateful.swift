import Shared

/// Workloads whose pods have names, places or storage of their own.
extension Wiring {
    mutating func addStateful(_ client: (String) -> Client) {
        addStatefulSets(client)
        addDaemonSets(client)
    }

    private mutating func addStatefulSets(_ client: (String) -> Client) {
        let name = "statefulset-controller"
        let identity = client(name)
        let queue = queue(name)
        let sets = caches.statefulSets
        sets.wake(queue)
        caches.pods.wake(owners: StatefulSet.self, queue) { pod in
            sets.list(index: OwnerIndex.namespace, pod.namespace).filter { set in
                set.ordinal(ofPodNamed: pod.name) != nil && set.selector?.matches(pod.metadata.labels) ?? false
            }.map(\.key)
        }
        // A name that somebody else's pod had is free.
        caches.pods.add { change in
            guard case .removed(let pod) = change else { return }
            for set in sets.list(index: OwnerIndex.namespace, pod.namespace)
            where set.ordinal(ofPodNamed: pod.name) != nil { queue.add(set.key) }
        }
        caches.claims.add { change in
            let claim = change.object
            for set in sets.list(index: OwnerIndex.namespace, claim.namespace)
            where set.concernsClaim(named: claim.name) { queue.add(set.key) }
        }
        caches.revisions.wake(owners: StatefulSet.self, queue)
        let revisions = Revisions(
            client: identity, revisions: caches.revisions, label: "controller.kubernetes.io/hash")
        let reconciler = StatefulSets(
            client: identity, sets: sets, pods: caches.pods, claims: caches.claims, revisions: revisions,
            recorder: recorder(identity, name), clock: clock)
        run(name, reconciler, queue)
    }

    private mutating func addDaemonSets(_ client: (String) -> Client) {
        let name = "daemonset-controller"
        let identity = client(name)
        let queue = queue(name)
        let sets = caches.daemonSets
        sets.wake(queue)
        caches.pods.wake(owners: DaemonSet.self, queue) { pod in
            sets.list(index: OwnerIndex.namespace, pod.namespace)
                .filter { $0.selector?.matches(pod.metadata.labels) ?? false }.map(\.key)
        }
        let pods = caches.pods
        caches.nodes.add { change in
            switch change {
            case .added: break
            case .updated(let old, let new): if old.daemonAspect == new.daemonAspect { return }
            // What ran on a node that is gone counts until it goes as well; only who still waits for it is let go now.
            case .removed(let node):
                for set in sets.list() {
                    let own = pods.list(index: PodIndex.controller, set.metadata.uid)
                    if own.contains(where: { $0.spec.nodeName.isEmpty && $0.daemonNode == node.name }) {
                        queue.add(set.key)
                    }
                }
                return
            }
            for set in sets.list() { queue.add(set.key) }
        }
        caches.revisions.wake(owners: DaemonSet.self, queue)
        let revisions = Revisions(client: identity, revisions: caches.revisions, label: Revisions.podLabel)
        let reconciler = DaemonSets(
            client: identity, sets: sets, nodes: caches.nodes, pods: caches.pods, revisions: revisions,
            recorder: recorder(identity, name), clock: clock)
        run(name, reconciler, queue)
    }
}

/// What watches over the number of pods.
extension Wiring {
    mutating func addScaling(_ client: (String) -> Client, _ graph: OwnerGraph) {
        addBudgets(client, graph)
        addAutoscalers(client, graph)
    }

    private mutating func addBudgets(_ client: (String) -> Client, _ graph: OwnerGraph) {
        let name = "disruption-controller"
        let identity = client(name)
        let queue = queue(name)
        let budgets = caches.budgets
        budgets.wake(queue)
        caches.pods.add { change in
            let pod = change.object
            for budget in budgets.list(index: OwnerIndex.namespace, pod.namespace) {
                guard let selector = budget.selector else { continue }
                var isConcerned = selector.matches(pod.metadata.labels)
                if case .updated(let old, _) = change {
                    isConcerned = isConcerned || selector.matches(old.metadata.labels)
                }
                if isConcerned { queue.add(budget.key) }
            }
        }
        let reconciler = DisruptionBudgets(
            client: identity, budgets: budgets, pods: caches.pods, caches: caches, type: graph.type,
            recorder: recorder(identity, "controllermanager"), clock: clock)
        run(name, reconciler, queue)
        let stale = self.queue("stale-disruptions")
        caches.pods.add { change in
            if StaleDisruptions.timeLeft(of: change.object, now: .init(seconds: 0)) != nil {
                stale.add(change.object.key)
            }
        }
        run("stale-disruptions", StaleDisruptions(client: identity, pods: caches.pods, clock: clock), stale)
    }

    private mutating func addAutoscalers(_ client: (String) -> Client, _ graph: OwnerGraph) {
        let name = "horizontal-pod-autoscaler"
        let identity = client(name)
        let queue = queue(name)
        caches.autoscalers.add { change in
            if case .removed(let scaler) = change {
                queue.add(scaler.key)
            } else {
                queue.add(change.object.key, after: Autoscalers.period)
            }
        }
        let reconciler = Autoscalers(
            client: identity, caches: caches, type: graph.type, recorder: recorder(identity, name), clock: clock)
        run(name, reconciler, queue)
    }
}
