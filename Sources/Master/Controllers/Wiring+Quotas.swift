import Shared

/// What namespaces use of their quotas.
extension Wiring {
    /// - Parameter kinds: every namespaced kind that is served, one version each.
    mutating func addQuotas(_ client: (String) -> Client, _ kinds: @escaping @Sendable () async -> [KindType]) {
        let name = "resourcequota-controller"
        let queue = queue(name)
        let (quotas, pods) = (caches.quotas, caches.pods)
        // What admission writes into the status is right, so only other limits ask for a new count.
        quotas.add { change in
            if case .updated(let old, let new) = change, old.json["spec"] == new.json["spec"],
                old.json["status"]["hard"] == new.json["status"]["hard"],
                new.json["status"]["hard"] == new.json["spec"]["hard"]
            {
                return
            }
            queue.add(change.object.key)
        }
        let wake: @Sendable (_ namespace: String) -> Void = { namespace in
            for quota in quotas.list(index: OwnerIndex.namespace, namespace) { queue.add(quota.key) }
        }
        // Admission counts what is made; what goes, ends or shrinks is counted here.
        onRemoval { metadata in wake(metadata.namespace) }
        pods.add { change in
            switch change {
            case .added: return
            case .updated(let old, let new):
                guard old.isFinished != new.isFinished || old.metadata.isDeleting != new.metadata.isDeleting else {
                    return
                }
            // The removal is told above too, perhaps before this cache knows of it.
            case .removed: break
            }
            wake(change.object.namespace)
        }
        caches.services.add { change in wake(change.object.namespace) }
        run(
            name, QuotaUsage(client: client(name), pods: pods, kinds: kinds, clock: clock), queue, workers: 2)
    }
}
