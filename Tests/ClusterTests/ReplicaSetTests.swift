import Shared
import TestKit
import Testing

@testable import Master

struct ReplicaSetTests {
    private static func set(_ replicas: Int) -> ReplicaSet {
        var set = ReplicaSet(name: "web", namespace: "default")
        set.json["spec"] = [
            "replicas": JSON(replicas), "selector": ["matchLabels": ["app": "web"]],
            "template": [
                "metadata": ["labels": ["app": "web"]],
                "spec": ["containers": [["name": "main", "image": "run:1"]]],
            ],
        ]
        return set
    }

    /// A pod is made only where one is missing.
    private static func expectBounds(_ cluster: InProcessCluster, _ seed: UInt64) async throws {
        let sets = try await cluster.course(of: ReplicaSet.self, in: "default")
        var active: Set<String> = []
        for step in try await cluster.course(of: Pod.self, in: "default") {
            let pod = step.object
            if step.isCreation, !pod.metadata.ownerReferences.isEmpty {
                let wishes = InProcessCluster.known(sets, before: step.revision, \.replicas)
                #expect(active.count < wishes.max() ?? 0, "seed \(seed): \(pod.name) at \(step.revision)")
            }
            let counts =
                !step.isRemoval && pod.isActive && pod.metadata.controller != nil
                && pod.metadata.labels["app"] == "web"
            if counts { active.insert(pod.name) } else { active.remove(pod.name) }
        }
    }

    @Test(arguments: Seeds.tried(6))
    func `a replica set makes no pod too many and lets go of those that left it`(seed: UInt64) async throws {
        try await InProcessCluster.with(InProcessCluster.faulty(seed)) { cluster in
            var random = Seed(seed &+ 22)
            var replicas = 3
            var released: Set<String> = []
            _ = try await cluster.client.create(ReplicaSetTests.set(replicas))
            try await cluster.run(for: .seconds(10))
            for round in 0..<8 {
                let running = try await cluster.running()
                let chosen = running.isEmpty ? nil : running[Int(random.next() % UInt64(running.count))]
                switch random.next() % 7 {
                case 0: try await cluster.restartMaster()
                case 6: cluster.setClock(&random)
                case 1:
                    guard let chosen else { break }
                    try await cluster.client.delete(Pod.self, namespace: "default", name: chosen.name)
                case 2:
                    guard let chosen else { break }
                    _ = try await cluster.client.patch(
                        Pod.self, namespace: "default", name: chosen.name, .merge,
                        ["metadata": ["labels": ["app": "none"]]])
                    released.insert(chosen.name)
                case 3:
                    var pod = Pod(name: "own-\(round)", namespace: "default")
                    pod.metadata.labels = ["app": "web"]
                    pod.json["spec"] = ["containers": [["name": "main", "image": "run:1"]]]
                    _ = try await cluster.client.create(pod)
                default:
                    replicas = Int(random.next() % 6)
                    _ = try await cluster.client.patch(
                        ReplicaSet.self, namespace: "default", name: "web", .merge,
                        ["spec": ["replicas": JSON(replicas)]])
                }
                try await cluster.run(for: .milliseconds(Int64(random.next() % 2000) + 500))
            }
            try await cluster.run(for: .seconds(60))
            let set = try await cluster.client.get(ReplicaSet.self, namespace: "default", name: "web")
            let pods = try await cluster.pods()
            let ready = try await cluster.ready().count
            #expect(pods.count == replicas && ready == replicas, "seed \(seed)")
            #expect(pods.allSatisfy { $0.metadata.controller?.uid == set.metadata.uid }, "seed \(seed)")
            #expect(set.json["status"]["readyReplicas"].int ?? 0 == replicas, "seed \(seed)")
            let others = try await cluster.pods("none")
            #expect(Set(others.map(\.name)) == released, "seed \(seed)")
            #expect(others.allSatisfy { $0.metadata.ownerReferences.isEmpty }, "seed \(seed)")
            try await ReplicaSetTests.expectBounds(cluster, seed)
        }
    }
}
