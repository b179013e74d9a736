import Shared
import Testing

@testable import Master

/// What workloads tell of things that go wrong.
struct WorkloadEventTests {
    private static func template(_ app: String, _ image: String) -> JSON {
        [
            "metadata": ["labels": ["app": .string(app)]],
            "spec": ["containers": [["name": "main", "image": .string(image)]]],
        ]
    }
    private static func statefulSet(claims: [String] = []) -> StatefulSet {
        var set = StatefulSet(name: "db", namespace: "default")
        set.json["spec"] = [
            "replicas": 1, "serviceName": "db", "selector": ["matchLabels": ["app": "db"]],
            "template": template("db", "run:1"),
        ]
        if !claims.isEmpty {
            set.json["spec"]["volumeClaimTemplates"] = .array(
                claims.map { name in
                    [
                        "metadata": ["name": .string(name)],
                        "spec": [
                            "accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]],
                        ],
                    ]
                })
        }
        return set
    }
    /// `Warning FailedCreate: …`, each once, in order.
    private static func told(_ cluster: InProcessCluster, of name: String) async throws -> [String] {
        let events = try await cluster.client.list(Event.self, namespace: "default").items.map(\.json)
            .filter { $0.at("involvedObject", "name").string == name }
            .map { ["type", "reason", "message"].map { [json = $0] key in json[key].string ?? "" } }
        return Set(events.map { "\($0[0]) \($0[1]): \($0[2])" }).sorted()
    }

    @Test func `a refused claim is told of the claim and of the pod that needs it`() async throws {
        try await InProcessCluster.with(nodes: 1) { cluster in
            var quota = ResourceQuota(name: "q", namespace: "default")
            quota.json["spec"] = ["hard": ["persistentvolumeclaims": "0"]]
            _ = try await cluster.client.create(quota)
            try await cluster.settle()
            _ = try await cluster.client.create(WorkloadEventTests.statefulSet(claims: ["data", "logs"]))
            try await cluster.run(for: .seconds(1))
            let told = try await WorkloadEventTests.told(cluster, of: "db")
            func refusal(_ claim: String) -> String {
                "persistentvolumeclaims \"\(claim)\" is forbidden: exceeded quota: q, requested: "
                    + "persistentvolumeclaims=1, used: persistentvolumeclaims=0, limited: persistentvolumeclaims=0"
            }
            let claims = ["data-db-0", "logs-db-0"]
            let whole = claims.map { "failed to create PVC \($0): \(refusal($0))" }.joined(separator: ", ")
            #expect(
                told == claims.map {
                    "Warning FailedCreate: create Claim \($0) for Pod db-0 in StatefulSet db failed error: \(refusal($0))"
                } + ["Warning FailedCreate: create Pod db-0 in StatefulSet db failed error: [\(whole)]"])
        }
    }

    @Test func `a pod of a stateful set that ends well is no reason to warn`() async throws {
        try await InProcessCluster.with(nodes: 1) { cluster in
            _ = try await cluster.client.create(WorkloadEventTests.statefulSet())
            try await cluster.settle()
            _ = try await cluster.client.patch(
                Pod.self, namespace: "default", name: "db-0", subresource: "status", .merge,
                ["status": ["phase": "Succeeded"]])
            try await cluster.settle()
            let told = try await WorkloadEventTests.told(cluster, of: "db")
            #expect(
                told.contains(
                    "Normal RecreatingTerminatedPod: StatefulSet default/db is recreating terminated Pod db-0"))
            #expect(try await cluster.ready("db").map(\.name) == ["db-0"])
        }
    }

    @Test func `a job that goes after its pods says that none is active`() async throws {
        try await InProcessCluster.with(nodes: 1) { cluster in
            var job = Job(name: "sum", namespace: "default")
            job.json["spec"] = [
                "parallelism": 2, "completions": 2,
                "template": [
                    "metadata": ["labels": ["app": "web"]],
                    "spec": ["restartPolicy": "Never", "containers": [["name": "c", "image": "run:1"]]],
                ],
            ]
            _ = try await cluster.client.create(job)
            try await cluster.settle()
            cluster.agents.setAutomatic(false)
            try await cluster.client.delete(
                Job.self, namespace: "default", name: "sum", propagation: .foreground)
            try await cluster.settle()
            let status = try await cluster.client.get(Job.self, namespace: "default", name: "sum").status
            #expect(status.active == 0)
            #expect(try await cluster.pods().allSatisfy { $0.metadata.isDeleting && !$0.isTracked })
            cluster.agents.setAutomatic(true)
            try await cluster.settle()
            #expect(try await !cluster.exists(Job.self, name: "sum"))
        }
    }
}
