import Shared
import TestKit
import Testing

@testable import Master

/// The scheduler beside nodes that come and go, on a bad network, with a master that falls.
struct SchedulingFaultTests {
    /// Thousandths of a processor that a node has.
    private static let capacity = 2000
    private static let amounts: JSON = ["cpu": "2", "memory": "8Gi", "pods": "20"]

    private static func pod(_ name: String, _ random: inout Seed) -> Pod {
        var pod = Pod(name: name, namespace: "default")
        let milli = [200, 300, 500, 700, 1000][Int(random.next() % 5)]
        pod.json["spec"] = [
            "terminationGracePeriodSeconds": 0,
            "containers": [
                [
                    "name": "c", "image": "run:1",
                    "resources": ["requests": ["cpu": .string("\(milli)m"), "memory": "64Mi"]],
                ]
            ],
        ]
        switch random.next() % 4 {
        case 0:
            pod.metadata.labels = ["only": "one"]
            pod.json["spec"]["affinity"] = [
                "podAntiAffinity": [
                    "requiredDuringSchedulingIgnoredDuringExecution": [
                        ["labelSelector": ["matchLabels": ["only": "one"]], "topologyKey": "kubernetes.io/hostname"]
                    ]
                ]
            ]
        case 1:
            var container = pod.json["spec"]["containers"][0]
            container["ports"] = [["containerPort": 80, "hostPort": 8080]]
            pod.json["spec"]["containers"] = [container]
        case 2: pod.json["spec"]["priorityClassName"] = "high"
        default: break
        }
        return pod
    }

    private static func milli(_ pod: Pod) -> Int {
        let text = pod.json["spec"]["containers"][0]["resources"]["requests"]["cpu"].string ?? "0"
        return Int(Quantity(text)?.milli ?? 0)
    }
    private static func isAlone(_ pod: Pod) -> Bool { pod.metadata.labels["only"] == "one" }
    private static func hasPort(_ pod: Pod) -> Bool {
        !pod.json["spec"]["containers"][0]["ports"].items.isEmpty
    }

    /// At no revision did a node hold more than it has, or pods that exclude each other; no pod moved.
    private static func expectFit(_ cluster: InProcessCluster, _ seed: UInt64) async throws {
        var bound: [String: [String: Pod]] = [:]
        var nodes: [String: String] = [:]
        for step in try await cluster.course(of: Pod.self, in: "default") {
            let pod = step.object
            let node = pod.spec.nodeName
            guard !node.isEmpty else { continue }
            let first = nodes[pod.metadata.uid]
            #expect(first == nil || first == node, "seed \(seed): \(pod.name) moved at \(step.revision)")
            nodes[pod.metadata.uid] = node
            bound[node, default: [:]][pod.metadata.uid] = step.isRemoval || pod.isFinished ? nil : pod
            guard first == nil, let there = bound[node]?.values else { continue }
            let used = there.reduce(0) { $0 + milli($1) }
            #expect(used <= capacity, "seed \(seed): \(node) holds \(used) at \(step.revision)")
            #expect(there.count(where: isAlone) <= 1, "seed \(seed): \(node) at \(step.revision)")
            #expect(there.count(where: hasPort) <= 1, "seed \(seed): \(node) at \(step.revision)")
        }
    }

    /// Whoever still waits finds no room on any node.
    private static func expectNoRoom(_ cluster: InProcessCluster, _ seed: UInt64) async throws {
        let pods = try await cluster.client.list(Pod.self, namespace: "default").items
        let nodes = try await cluster.client.list(Node.self).items.filter { $0.isReady && !$0.isUnschedulable }
        for pod in pods where pod.spec.nodeName.isEmpty {
            for node in nodes {
                let there = pods.filter { $0.spec.nodeName == node.name && !$0.isFinished }
                let fits =
                    there.reduce(milli(pod)) { $0 + milli($1) } <= capacity
                    && !(isAlone(pod) && there.contains(where: isAlone))
                    && !(hasPort(pod) && there.contains(where: hasPort))
                #expect(!fits, "seed \(seed): \(pod.name) waits although \(node.name) has room")
            }
            let condition = pod.status.condition("PodScheduled")
            #expect(condition?.status == "False" && condition?.reason == "Unschedulable", "seed \(seed): \(pod.name)")
        }
        let gone = pods.filter { pod in !pod.spec.nodeName.isEmpty && !nodes.contains { $0.name == pod.spec.nodeName } }
            .filter { name in !name.metadata.isDeleting }
        for pod in gone {
            // A cordoned node keeps what it has; a node that is gone keeps nothing.
            #expect(
                try await cluster.exists(Node.self, namespace: "", name: pod.spec.nodeName),
                "seed \(seed): \(pod.name) is on a node that is gone")
        }
    }

    @Test(arguments: Array(Seeds.tried(6)) + [131, 948])
    func `nodes hold no more than they have and nobody waits beside room`(seed: UInt64) async throws {
        try await InProcessCluster.with(InProcessCluster.faulty(seed, nodes: 0, oneIn: 12)) {
            cluster in
            var random = Seed(seed &+ 144)
            let shape = FakeAgents.Shape(amounts: SchedulingFaultTests.amounts)
            for name in ["a", "b", "c"] { try await cluster.agents.start(name, cluster.client, shape) }
            _ = try await cluster.client.call(
                "POST", "/apis/scheduling.k8s.io/v1/priorityclasses",
                body: [
                    "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": ["name": "high"],
                    "value": 1000,
                ])
            var made = 0
            for _ in 0..<10 {
                try await cluster.tolerantly {
                    switch random.next() % 9 {
                    case 0: try await cluster.restartMaster()
                    case 8: cluster.setClock(&random)
                    case 1:
                        _ = try await cluster.client.patch(
                            Node.self, name: ["a", "b", "c"][Int(random.next() % 3)], .merge,
                            ["spec": ["unschedulable": .bool(random.next() % 2 == 0)]])
                    case 2: try await cluster.agents.start("d", cluster.client, shape)
                    case 3:
                        cluster.agents.silence("d")
                        try await cluster.client.delete(Node.self, name: "d")
                    case 4:
                        for pod in try await cluster.client.list(Pod.self, namespace: "default").items
                        where random.next() % 3 == 0 {
                            try await cluster.tolerantly {
                                try await cluster.client.delete(Pod.self, namespace: "default", name: pod.name)
                            }
                        }
                    default:
                        for _ in 0..<Int(random.next() % 5) {
                            made += 1
                            _ = try await cluster.client.create(
                                SchedulingFaultTests.pod("p\(made)", &random))
                        }
                    }
                }
                try await cluster.run(for: .milliseconds(Int64(random.next() % 2500)))
            }
            // Longer than a pod waits between two tries when nothing happens.
            try await cluster.run(for: .seconds(400))
            try await SchedulingFaultTests.expectFit(cluster, seed)
            try await SchedulingFaultTests.expectNoRoom(cluster, seed)
        }
    }
}
