import Shared

@testable import Master

/// Objects for tests, in as few words as a test can stand.
enum Sample {
    static let start = Timestamp(seconds: 1_767_225_600)

    static func pod(
        _ name: String, namespace: String = "default", labels: [String: String] = ["app": "web"], node: String = "",
        phase: PodStatus.Phase = .running, readySince: Timestamp? = nil, created: Timestamp = start, ip: String = "",
        owner: OwnerReference? = nil
    ) -> Pod {
        var pod = Pod(name: name, namespace: namespace)
        pod.metadata.uid = "uid-\(name)"
        pod.metadata.labels = labels
        pod.metadata.creationTimestamp = created
        if let owner { pod.metadata.ownerReferences = [owner] }
        pod.json["spec"] = ["containers": [["name": "c", "image": "app:1"]]]
        if !node.isEmpty { pod.json["spec"]["nodeName"] = .string(node) }
        pod.json["status"] = ["phase": .string(phase.rawValue)]
        if !ip.isEmpty { pod.json["status"]["podIP"] = .string(ip) }
        if let readySince { pod.json["status"]["conditions"] = [Condition("Ready", true, since: readySince).json] }
        return pod
    }

    static func deployment(
        replicas: Int = 3, surge: JSON = "25%", unavailable: JSON = "25%", image: String = "app:1",
        recreate: Bool = false
    ) -> Deployment {
        var deployment = Deployment(name: "web", namespace: "default")
        deployment.metadata.uid = "uid-web"
        deployment.metadata.generation = 1
        deployment.json["spec"] = [
            "replicas": JSON(replicas), "selector": ["matchLabels": ["app": "web"]],
            "template": [
                "metadata": ["labels": ["app": "web"]],
                "spec": ["containers": [["name": "c", "image": .string(image)]]],
            ],
            "strategy": recreate
                ? ["type": "Recreate"]
                : [
                    "type": "RollingUpdate",
                    "rollingUpdate": ["maxSurge": surge, "maxUnavailable": unavailable],
                ],
        ]
        return deployment
    }

    static func node(
        _ name: String, cpu: String = "4", memory: String = "8Gi", pods: String = "110",
        labels: [String: String] = [:], taints: [Taint] = [], ready: Bool? = true
    ) -> Node {
        var node = Node(name: name)
        node.metadata.uid = "uid-\(name)"
        node.metadata.labels = labels.merging(["kubernetes.io/hostname": name]) { own, _ in own }
        node.json["spec"] = [:]
        node.taints = taints
        node.json["status"] = [
            "allocatable": ["cpu": .string(cpu), "memory": .string(memory), "pods": .string(pods)]
        ]
        node.conditions = [Condition("Ready", ready, since: start)]
        return node
    }

    static func service(ports: [JSON] = [["port": 80, "protocol": "TCP"]]) -> ClusterService {
        var service = ClusterService(name: "web", namespace: "default")
        service.metadata.uid = "uid-service"
        service.json["spec"] = ["selector": ["app": "web"], "ports": .array(ports), "clusterIP": "10.96.0.9"]
        return service
    }
}
