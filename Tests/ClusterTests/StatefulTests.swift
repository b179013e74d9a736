import Shared
import TestKit
import Testing

@testable import Master

struct StatefulTests {
    private static func set(replicas: Int = 3, image: String = "run:1") -> StatefulSet {
        var set = StatefulSet(name: "db", namespace: "default")
        set.json["spec"] = [
            "replicas": JSON(replicas), "serviceName": "db", "selector": ["matchLabels": ["app": "db"]],
            "template": [
                "metadata": ["labels": ["app": "db"]],
                "spec": ["containers": [["name": "main", "image": .string(image)]]],
            ],
        ]
        return set
    }
    private static func daemonSet(image: String = "run:1") -> DaemonSet {
        var set = DaemonSet(name: "ds", namespace: "default")
        set.json["spec"] = [
            "selector": ["matchLabels": ["app": "ds"]],
            "template": [
                "metadata": ["labels": ["app": "ds"]],
                "spec": ["containers": [["name": "main", "image": .string(image)]]],
            ],
        ]
        return set
    }

    @Test func `a stateful set starts, changes and shrinks in its order`() async throws {
        try await InProcessCluster.with { cluster in
            _ = try await cluster.client.create(StatefulTests.set())
            try await cluster.settle()
            let pods = try await cluster.ready("db").sorted { $0.name < $1.name }
            #expect(pods.map(\.name) == ["db-0", "db-1", "db-2"])
            _ = try await cluster.client.patch(
                StatefulSet.self, namespace: "default", name: "db", .merge, ["spec": ["replicas": 1]])
            try await cluster.settle()
            #expect(try await cluster.pods("db").map(\.name) == ["db-0"])
        }
    }

    /// Errors of every write, and a master that loses its power: at the end the pods are there, each once.
    @Test(arguments: Seeds.tried(12)) func `workloads come to rest under faults`(seed: UInt64) async throws {
        var settings = InProcessCluster.Settings()
        settings.faults = InProcessCluster.Faults(seed: Seed(seed), oneIn: 12)
        settings.order = Seed(seed)
        try await InProcessCluster.with(settings) { cluster in
            _ = try await cluster.client.create(StatefulTests.set())
            _ = try await cluster.client.create(StatefulTests.daemonSet())
            try await cluster.settle()
            for (kind, name) in [("statefulsets", "db"), ("daemonsets", "ds")] {
                _ = try await cluster.client.call(
                    "PATCH", "/apis/apps/v1/namespaces/default/\(kind)/\(name)",
                    body: ["spec": ["template": ["spec": ["containers": [["name": "main", "image": "run:2"]]]]]],
                    contentType: "application/strategic-merge-patch+json")
            }
            if seed % 2 == 0 { try await cluster.restartMaster() }
            try await cluster.settle()
            try await cluster.run(for: .seconds(120))
            let pods = try await cluster.ready("db").sorted { $0.name < $1.name }
            #expect(pods.map(\.name) == ["db-0", "db-1", "db-2"], "seed \(seed)")
            let daemons = try await cluster.ready("ds")
            #expect(Set(daemons.map(\.spec.nodeName)).count == 3, "seed \(seed)")
            #expect(daemons.count == 3, "seed \(seed)")
            let images = (pods + daemons).map { $0.spec.containers.first?.image ?? "" }
            #expect(Set(images) == ["run:2"], "seed \(seed)")
            let status = try await cluster.client.get(StatefulSet.self, namespace: "default", name: "db").status
            #expect(status.currentRevision == status.updateRevision, "seed \(seed)")
        }
    }

    @Test func `a budget holds evictions back`() async throws {
        try await InProcessCluster.with { cluster in
            _ = try await cluster.client.create(StatefulTests.set())
            var budget = PodDisruptionBudget(name: "b", namespace: "default")
            budget.json["spec"] = ["selector": ["matchLabels": ["app": "db"]], "maxUnavailable": 1]
            _ = try await cluster.client.create(budget)
            try await cluster.settle()
            #expect(
                try await cluster.client.get(PodDisruptionBudget.self, namespace: "default", name: "b")
                    .status["disruptionsAllowed"].int == 1)
            func evict(_ name: String) async throws {
                _ = try await cluster.client.call(
                    "POST", Pod.type.path(namespace: "default", name: name, subresource: "eviction"),
                    body: [
                        "apiVersion": "policy/v1", "kind": "Eviction",
                        "metadata": ["name": .string(name), "namespace": "default"],
                    ])
            }
            try await evict("db-2")
            await #expect(throws: Status.self) { try await evict("db-1") }
            try await cluster.settle()
            #expect(try await cluster.ready("db").count == 3)
        }
    }
}
