import Shared
import TestKit
import Testing

@testable import Master

/// Nodes that come and go, and evictions: what controllers may do to pods meanwhile.
struct FlappingTests {
    private static func set() -> StatefulSet {
        var set = StatefulSet(name: "db", namespace: "default")
        set.json["spec"] = [
            "replicas": 3, "serviceName": "db", "selector": ["matchLabels": ["app": "db"]],
            "template": [
                "metadata": ["labels": ["app": "db"]],
                "spec": ["containers": [["name": "main", "image": "run:1"]]],
            ],
        ]
        return set
    }

    @Test(arguments: Seeds.tried(6))
    func `nodes that flap keep their pods until they let them go`(seed: UInt64) async throws {
        try await InProcessCluster.with(InProcessCluster.faulty(seed, grace: .seconds(8))) { cluster in
            var random = Seed(seed &+ 77)
            _ = try await cluster.client.create(InProcessCluster.deployment(replicas: 5))
            _ = try await cluster.client.create(FlappingTests.set())
            try await cluster.run(for: .seconds(20))
            let names = ["node-1", "node-2", "node-3"]
            for _ in 0..<8 {
                let name = names[Int(random.next() % 3)]
                let before = cluster.plane.store.head
                var isDown = false
                switch random.next() % 6 {
                case 0: try await cluster.restartMaster()
                case 5: cluster.setClock(&random)
                case 1, 2:
                    cluster.agents.silence(name)
                    isDown = true
                default: try await cluster.agents.start(name, cluster.client)
                }
                try await cluster.run(for: .milliseconds(Int64(random.next() % 25_000)))
                guard isDown else { continue }
                // A machine that is not heard of may go on with its pods: nobody else may say that they have ended.
                let ended = try await cluster.course(of: Pod.self, in: "default").filter {
                    $0.isRemoval && $0.revision > before && $0.object.spec.nodeName == name
                }
                #expect(ended.isEmpty, "seed \(seed): \(ended.map(\.object.name)) of \(name)")
            }
            for name in names { try await cluster.agents.start(name, cluster.client) }
            try await cluster.run(for: .seconds(180))
            for node in try await cluster.client.list(Node.self).items {
                #expect(node.isReady && node.taints.isEmpty, "seed \(seed): \(node.name)")
            }
            let web = try await cluster.pods()
            #expect(web.count == 5 && web.allSatisfy { $0.isActive && $0.isReady }, "seed \(seed)")
            let db = try await cluster.ready("db").map(\.name).sorted()
            #expect(db == ["db-0", "db-1", "db-2"], "seed \(seed)")
        }
    }

    /// The least of the pods that were ready at one time, from the first time on that all were.
    private static func leastReady(of wanted: Int, _ cluster: InProcessCluster) async throws -> Int {
        var ready: Set<String> = []
        var least: Int?
        for step in try await cluster.course(of: Pod.self, in: "default") {
            let pod = step.object
            if !step.isRemoval && pod.isActive && pod.isReady {
                ready.insert(pod.name)
            } else {
                ready.remove(pod.name)
            }
            if ready.count >= wanted { least = least ?? ready.count }
            least = least.map { min($0, ready.count) }
        }
        return least ?? 0
    }

    @Test(arguments: Seeds.tried(6))
    func `evictions at the same time leave as many pods as their budget asks for`(seed: UInt64) async throws {
        try await InProcessCluster.with(InProcessCluster.faulty(seed, grace: .seconds(8))) { cluster in
            var random = Seed(seed &+ 88)
            _ = try await cluster.client.create(InProcessCluster.deployment(replicas: 5))
            var budget = PodDisruptionBudget(name: "b", namespace: "default")
            budget.json["spec"] = ["selector": ["matchLabels": ["app": "web"]], "minAvailable": 3]
            _ = try await cluster.client.create(budget)
            try await cluster.run(for: .seconds(20))
            var granted = 0
            for _ in 0..<8 {
                let client = cluster.client
                granted += try await withThrowingTaskGroup(of: Int.self) { group in
                    for pod in try await cluster.pods() {
                        group.addTask {
                            let path = Pod.type.path(namespace: "default", name: pod.name, subresource: "eviction")
                            let eviction: JSON = [
                                "apiVersion": "policy/v1", "kind": "Eviction",
                                "metadata": ["name": .string(pod.name), "namespace": "default"],
                            ]
                            do {
                                _ = try await client.call("POST", path, body: eviction)
                                return 1
                            } catch let status as Status where status.code == 429 || status.code == 404 {
                                return 0
                            }
                        }
                    }
                    return try await group.reduce(0, +)
                }
                if random.next() % 4 == 0 { try await cluster.restartMaster() }
                try await cluster.run(for: .milliseconds(Int64(random.next() % 3000)))
            }
            try await cluster.run(for: .seconds(180))
            #expect(granted >= 2, "seed \(seed)")
            #expect(try await FlappingTests.leastReady(of: 5, cluster) >= 3, "seed \(seed)")
            let ready = try await cluster.ready().count
            let status = try await cluster.client.get(PodDisruptionBudget.self, namespace: "default", name: "b").status
            #expect(ready == 5 && status["disruptionsAllowed"].int == 2, "seed \(seed)")
        }
    }
}
