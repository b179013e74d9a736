import Shared

/// Lists the pods behind each service in one Endpoints object, the elder form that many clients still read.
struct EndpointsObjects: Reconciler {
    static let overCapacity = "endpoints.kubernetes.io/over-capacity"

    let client: Client
    let services: Informer<ClusterService>
    let endpoints: Informer<Endpoints>
    let pods: Informer<Pod>
    let recorder: Recorder
    let changeTimes = ChangeTimes()

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        let known = endpoints.get(namespace: key.namespace, name: key.name)
        guard let service = services.get(namespace: key.namespace, name: key.name) else {
            changeTimes.forget(key)
            guard known != nil else { return .settled }
            return try await settle {
                try await client.delete(Endpoints.self, namespace: key.namespace, name: key.name)
            }
        }
        guard service.selectsPods, !service.metadata.isDeleting else { return .settled }
        let selector = LabelSelector(equal: service.selector)
        let selected = pods.list(index: PodIndex.namespace, service.namespace)
            .filter { selector.matches($0.metadata.labels) }
        let trigger = changeTimes.trigger(of: service, selected)
        var wanted = wanted(service, known, selected)
        guard known != wanted else { return .settled }
        wanted.metadata.annotations[ChangeTimes.annotation] = trigger?.rfc3339
        if known != nil {
            return try await settle { try await client.update(wanted) }
        }
        return try await settle { try await client.create(wanted) }
    }

    /// A write that lost a race needs no repair: the event of the winner wakes the key again.
    private func settle(_ write: () async throws -> some Sendable) async throws -> Outcome {
        do {
            _ = try await write()
        } catch let status as Status where status.reason == .notFound || status.reason == .alreadyExists {}
        return .settled
    }

    private func wanted(_ service: ClusterService, _ known: Endpoints?, _ selected: [Pod]) -> Endpoints {
        let targets =
            selected
            .filter { !$0.metadata.isDeleting || service.publishesNotReady }
            .compactMap { ServiceTarget($0, of: service, family: service.families[0], zone: "") }
            .filter { !$0.ports.isEmpty || (service.isHeadless && service.ports.isEmpty) }
        let subsets = EndpointSubsets(targets)
        var object = known ?? Endpoints(name: service.name, namespace: service.namespace)
        let labels = service.inheritedLabels
        if object.metadata.labels != labels { object.metadata.labels = labels }
        var annotations = object.metadata.annotations
        annotations[EndpointsObjects.overCapacity] = subsets.isTruncated ? "truncated" : nil
        if object.metadata.annotations != annotations { object.metadata.annotations = annotations }
        let old = object.json["subsets"].items
        if old != subsets.json { object.json.set("subsets", subsets.json.isEmpty ? nil : .array(subsets.json)) }
        return object
    }
}
