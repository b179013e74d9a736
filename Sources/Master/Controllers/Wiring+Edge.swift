import Shared

/// What is reached from outside the cluster.
extension Wiring {
    mutating func addEdge(_ client: (String) -> Client) {
        addLoadBalancers(client)
        addIngresses(client)
    }

    private mutating func addLoadBalancers(_ client: (String) -> Client) {
        let name = "service-controller"
        let identity = client(name)
        let queue = queue(name)
        let services = caches.services
        services.wake(queue)
        let wakeAll: @Sendable () -> Void = {
            for service in services.list() where service.type == "LoadBalancer" { queue.add(service.key) }
        }
        // A port that one gives up another may be waiting for.
        services.add { change in
            switch change {
            case .removed(let service): if service.type == "LoadBalancer" { wakeAll() }
            case .updated(let old, let new):
                if old.type == "LoadBalancer", old.json["spec"] != new.json["spec"] { wakeAll() }
            case .added: break
            }
        }
        caches.nodes.add { change in
            if case .updated(let old, let new) = change, old.edgeAspect == new.edgeAspect { return }
            wakeAll()
        }
        run(
            name,
            LoadBalancers(client: identity, caches: caches, recorder: recorder(identity, name)), queue, workers: 1)
    }

    private mutating func addIngresses(_ client: (String) -> Client) {
        let name = "ingress-controller"
        let identity = client(name)
        let queue = queue(name)
        let ingresses = caches.ingresses
        ingresses.wake(queue)
        let wakeAll: @Sendable () -> Void = { for ingress in ingresses.list() { queue.add(ingress.key) } }
        caches.ingressClasses.add { _ in wakeAll() }
        caches.nodes.add { change in
            if case .updated(let old, let new) = change, old.edgeAspect == new.edgeAspect { return }
            wakeAll()
        }
        run(
            name,
            IngressAddresses(
                client: identity, ingresses: ingresses, classes: caches.ingressClasses, nodes: caches.nodes,
                recorder: recorder(identity, name)), queue)
    }
}

extension Node {
    /// What matters to addresses of load balancers and ingresses.
    fileprivate var edgeAspect: [JSON] {
        [
            .bool(isReady), .string(address("InternalIP")), .bool(metadata.isDeleting),
            .bool(metadata.labels[LoadBalancers.exclusionLabel] != nil),
        ]
    }
}
