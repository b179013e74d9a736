import Shared

/// Repeats Endpoints that people write by hand in EndpointSlices, which is what the agents read.
struct EndpointMirrors: Reconciler {
    let client: Client
    let services: Informer<ClusterService>
    let endpoints: Informer<Endpoints>
    let slices: Informer<EndpointSlice>
    let recorder: Recorder
    let fence = Fence()

    /// - Parameter key: the Endpoints object.
    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        let known = slices.list(index: OwnerIndex.service, key.path).filter { $0.isManaged(by: MirrorPlan.manager) }
        let isCurrent = try await fence.isPassed(key, at: slices.revision, present: known, asking: client) {
            $0.isManaged(by: MirrorPlan.manager) && $0.service == key.name
        }
        guard isCurrent else { return .settled }
        let service = services.get(namespace: key.namespace, name: key.name)
        guard let object = endpoints.get(namespace: key.namespace, name: key.name),
            MirrorPlan.concerns(object, of: service)
        else {
            try await Batches.each(known) { try await delete($0, key) }
            if known.isEmpty { fence.forget(key) }
            return .settled
        }
        let plan = MirrorPlan(object, existing: known)
        if plan.skipped > 0 {
            recorder.event(
                object, .warning, "TooManyAddressesToMirror",
                "A max of \(Limits.endpointsAddressesMax) addresses can be mirrored to EndpointSlices per Endpoints subset. \(plan.skipped) addresses were skipped"
            )
        }
        try await Batches.each(plan.create) { slice in
            _ = try await fence.write(for: key) { try await client.create(slice) }
        }
        try await Batches.each(plan.update) { slice in
            do {
                fence.wrote(try await client.update(slice), for: key)
            } catch let status as Status where status.reason == .notFound {}
        }
        try await Batches.each(plan.delete) { try await delete($0, key) }
        return .settled
    }

    private func delete(_ slice: EndpointSlice, _ key: ObjectKey) async throws {
        do {
            try await client.delete(
                EndpointSlice.self, namespace: slice.namespace, name: slice.name, uid: slice.metadata.uid)
        } catch let status as Status where status.reason == .notFound {}
        fence.deleted(slice, for: key)
    }
}
