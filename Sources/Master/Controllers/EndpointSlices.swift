import Shared

/// Lists the pods behind each service in EndpointSlices, which the agents turn into rules and names.
struct EndpointSlices: Reconciler {
    let client: Client
    let services: Informer<ClusterService>
    let slices: Informer<EndpointSlice>
    let pods: Informer<Pod>
    let nodes: Informer<Node>
    let recorder: Recorder
    let fence = Fence()
    let changeTimes = ChangeTimes()

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        let known = slices.list(index: OwnerIndex.service, key.path).filter { $0.isManaged(by: EndpointSlice.manager) }
        let isCurrent = try await fence.isPassed(key, at: slices.revision, present: known, asking: client) {
            $0.isManaged(by: EndpointSlice.manager) && $0.service == key.name
        }
        guard isCurrent else { return .settled }
        guard let service = services.get(namespace: key.namespace, name: key.name) else {
            try await Batches.each(known) { try await delete($0, key) }
            fence.forget(key)
            changeTimes.forget(key)
            return .settled
        }
        guard service.selectsPods, !service.metadata.isDeleting else { return .settled }
        let selector = LabelSelector(equal: service.selector)
        let matching = pods.list(index: PodIndex.namespace, key.namespace)
            .filter { selector.matches($0.metadata.labels) }
        let trigger = changeTimes.trigger(of: service, matching)
        let zones = zones(of: matching)
        // What the service no longer speaks is listed no more.
        let spoken = service.families.map(\.rawValue)
        try await Batches.each(known.filter { !spoken.contains($0.addressType) }) { try await delete($0, key) }
        for family in service.families {
            let targets = matching.compactMap {
                ServiceTarget($0, of: service, family: family, zone: zones[$0.spec.nodeName] ?? "")
            }
            let plan = SlicePlan(service: service, family: family, targets: targets, existing: known)
            try await perform(plan, key, trigger)
        }
        return .settled
    }

    private func zones(of pods: [Pod]) -> [String: String] {
        var zones: [String: String] = [:]
        for name in Set(pods.map(\.spec.nodeName)) where !name.isEmpty {
            zones[name] = nodes.get(name: name)?.metadata.labels["topology.kubernetes.io/zone"]
        }
        return zones
    }

    private func perform(_ plan: SlicePlan, _ key: ObjectKey, _ trigger: Timestamp?) async throws {
        let dated: @Sendable (EndpointSlice) -> EndpointSlice = { slice in
            var slice = slice
            slice.metadata.annotations[ChangeTimes.annotation] = trigger?.rfc3339
            return slice
        }
        try await Batches.each(plan.create) { slice in
            _ = try await fence.write(for: key) { try await client.create(dated(slice)) }
        }
        try await Batches.each(plan.update) { slice in
            do {
                fence.wrote(try await client.update(dated(slice)), for: key)
            } catch let status as Status where status.reason == .notFound {}
        }
        try await Batches.each(plan.delete) { try await delete($0, key) }
    }

    private func delete(_ slice: EndpointSlice, _ key: ObjectKey) async throws {
        do {
            try await client.delete(
                EndpointSlice.self, namespace: slice.namespace, name: slice.name, uid: slice.metadata.uid)
        } catch let status as Status where status.reason == .notFound {}
        fence.deleted(slice, for: key)
    }
}
