import Shared

/// What every cluster has from its first start: the system's namespaces, the default priority classes and the service
/// through which pods reach the API. Created where missing, never overwritten. For roles see `BootstrapRoles`.
enum BootstrapObjects {
    /// All but the namespaces, which come first.
    /// - Parameters:
    ///   - serviceAddress: the first address of the service range, which service `kubernetes` has.
    static func all(serviceAddress: String) -> [JSON] {
        priorityClasses + classes + [service(serviceAddress)]
    }

    static let namespaces: [JSON] = ["default", "kube-system", "kube-public", "kube-node-lease"].map { name in
        ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]]
    }

    private static let priorityClasses: [JSON] = [
        ("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000),
    ]
    .map { name, value in
        [
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": ["name": .string(name)],
            "value": JSON(value),
            "description": "Used for system critical pods that must not be moved from their current node.",
        ]
    }

    private static func service(_ address: String) -> JSON {
        [
            "apiVersion": "v1", "kind": "Service",
            "metadata": [
                "name": "kubernetes", "namespace": "default",
                "labels": ["component": "apiserver", "provider": "kubernetes"],
            ],
            "spec": [
                "type": "ClusterIP", "clusterIP": .string(address),
                "ports": [["name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443]],
            ],
        ]
    }

    /// Where service `kubernetes` leads: the addresses under which this master is reached.
    static func endpoints(_ addresses: [String], port: Int) -> [JSON] {
        let list = JSON.array(addresses.map { ["ip": .string($0)] })
        let labels: JSON = ["endpointslice.kubernetes.io/skip-mirror": "true"]
        let endpoints: JSON = [
            "apiVersion": "v1", "kind": "Endpoints",
            "metadata": ["name": "kubernetes", "namespace": "default", "labels": labels],
            "subsets": [["addresses": list, "ports": [["name": "https", "port": JSON(port), "protocol": "TCP"]]]],
        ]
        let slice: JSON = [
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": [
                "name": "kubernetes", "namespace": "default", "labels": ["kubernetes.io/service-name": "kubernetes"],
            ],
            "addressType": "IPv4",
            "endpoints": .array(addresses.map { ["addresses": [.string($0)], "conditions": ["ready": true]] }),
            "ports": [["name": "https", "port": JSON(port), "protocol": "TCP"]],
        ]
        return [endpoints, slice]
    }
}
