import Shared

/// Endpoints and endpoint slices.
extension Wiring {
    /// Slices that repeat Endpoints written by hand.
    private mutating func addMirrors(_ client: (String) -> Client) {
        let name = "endpointslicemirroring-controller"
        let queue = queue(name)
        let identity = client(name)
        let (services, endpoints) = (caches.services, caches.endpoints)
        endpoints.wake(queue)
        services.add { change in
            let service = change.object
            queue.add(ObjectKey(Endpoints.type.resource, namespace: service.namespace, name: service.name))
        }
        caches.slices.add { change in
            let slice = change.object
            guard slice.isManaged(by: MirrorPlan.manager),
                let name = slice.service
            else { return }
            queue.add(ObjectKey(Endpoints.type.resource, namespace: slice.namespace, name: name))
        }
        run(
            name,
            EndpointMirrors(
                client: identity, services: services, endpoints: endpoints, slices: caches.slices,
                recorder: recorder(identity, "endpoint-slice-mirroring-controller")),
            queue)
    }

    mutating func addServices(_ client: (String) -> Client) {
        addMirrors(client)
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
            guard let name = change.object.service else { return }
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
