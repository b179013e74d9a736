import Shared

/// What every cluster has from its first start: the system's namespaces, the roles that its parts need, the default
/// priority classes and the service through which pods reach the API. Created where missing, never overwritten.
enum BootstrapObjects {
    /// - Parameters:
    ///   - serviceAddress: the first address of the service range, which service `kubernetes` has.
    static func all(serviceAddress: String) -> [JSON] {
        namespaces + roles + bindings + priorityClasses + [service(serviceAddress)]
    }

    private static let namespaces: [JSON] = ["default", "kube-system", "kube-public", "kube-node-lease"].map { name in
        ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]]
    }

    private static let everything: JSON = ["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]

    private static let roles: [JSON] = [
        role("cluster-admin", [everything, ["nonResourceURLs": ["*"], "verbs": ["*"]]]),
        role(
            "system:discovery",
            [
                [
                    "nonResourceURLs": [
                        "/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz",
                        "/version", "/version/",
                    ], "verbs": ["get"],
                ]
            ]),
        role(
            "system:basic-user",
            [
                [
                    "apiGroups": ["authorization.k8s.io"],
                    "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], "verbs": ["create"],
                ],
                ["apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"], "verbs": ["create"]],
            ]),
        role(
            "system:node-bootstrapper",
            [
                [
                    "apiGroups": ["certificates.k8s.io"], "resources": ["certificatesigningrequests"],
                    "verbs": ["create", "get", "list", "watch"],
                ]
            ]),
        role("view", [["apiGroups": readable, "resources": viewable, "verbs": ["get", "list", "watch"]]]),
        role(
            "edit",
            [
                [
                    "apiGroups": readable, "resources": viewable,
                    "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
                ],
                [
                    "apiGroups": [""],
                    "resources": [
                        "secrets", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "services/proxy",
                        "pods/eviction",
                    ], "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
                ],
            ]),
        role(
            "admin",
            [
                [
                    "apiGroups": readable, "resources": viewable,
                    "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
                ],
                [
                    "apiGroups": [""],
                    "resources": [
                        "secrets", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "services/proxy",
                        "pods/eviction",
                    ], "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
                ],
                [
                    "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"],
                    "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
                ],
            ]),
    ]

    private static let readable: JSON = [
        "", "apps", "autoscaling", "batch", "discovery.k8s.io", "networking.k8s.io", "policy",
    ]
    private static let viewable: JSON = [
        "configmaps", "endpoints", "persistentvolumeclaims", "pods", "replicationcontrollers",
        "replicationcontrollers/scale",
        "serviceaccounts", "services", "bindings", "events", "limitranges", "namespaces/status", "pods/log",
        "pods/status",
        "resourcequotas", "namespaces", "endpointslices", "controllerrevisions", "daemonsets", "deployments",
        "deployments/scale", "replicasets", "replicasets/scale", "statefulsets", "statefulsets/scale",
        "horizontalpodautoscalers", "cronjobs", "jobs", "ingresses", "networkpolicies", "poddisruptionbudgets",
    ]

    private static let bindings: [JSON] = [
        binding("cluster-admin", "cluster-admin", ["system:masters"]),
        binding("system:discovery", "system:discovery", ["system:authenticated"]),
        binding("system:basic-user", "system:basic-user", ["system:authenticated"]),
        binding("system:node-bootstrapper", "system:node-bootstrapper", ["system:bootstrappers"]),
    ]

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

    private static func role(_ name: String, _ rules: JSON) -> JSON {
        [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": ["name": .string(name), "labels": ["kubernetes.io/bootstrapping": "rbac-defaults"]],
            "rules": rules,
        ]
    }

    private static func binding(_ name: String, _ role: String, _ groups: [String]) -> JSON {
        [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": ["name": .string(name), "labels": ["kubernetes.io/bootstrapping": "rbac-defaults"]],
            "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": .string(role)],
            "subjects": .array(
                groups.map { ["apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": .string($0)] }),
        ]
    }
}
