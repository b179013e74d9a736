import Shared
import TestKit
import Testing

@testable import Master

struct RolloutTests {
    @Test func `a deployment is rolled out, updated and rolled back`() async throws {
        try await InProcessCluster.with { cluster in
            _ = try await cluster.client.create(InProcessCluster.deployment())
            try await cluster.settle()
            #expect(try await cluster.ready().count == 3)
            #expect(Set(try await cluster.ready().map(\.spec.nodeName)).count == 3)

            try await cluster.setImage("run:2")
            try await cluster.settle()
            #expect(try await cluster.ready().map { $0.spec.containers[0].image } == ["run:2", "run:2", "run:2"])
            let sets = try await cluster.client.list(ReplicaSet.self, namespace: "default").items
            #expect(sets.map(\.replicas).sorted() == [0, 3])

            try await cluster.setImage("run:1")
            try await cluster.settle()
            #expect(try await cluster.ready().map { $0.spec.containers[0].image } == ["run:1", "run:1", "run:1"])
            // The old set is used again instead of a third one.
            #expect(try await cluster.client.list(ReplicaSet.self, namespace: "default").items.count == 2)
            let status = try await cluster.client.get(Deployment.self, namespace: "default", name: "web").status
            #expect(status.availableReplicas == 3)
            #expect(status.updatedReplicas == 3)
        }
    }

    @Test func `a broken version never takes the working one down`() async throws {
        try await InProcessCluster.with { cluster in
            _ = try await cluster.client.create(InProcessCluster.deployment(replicas: 4))
            try await cluster.settle()
            try await cluster.setImage("notready:2")
            try await cluster.run(for: .seconds(120))
            #expect(try await cluster.ready().count == 4)
            #expect(try await cluster.running().count == 5)
            try await cluster.setImage("run:1")
            try await cluster.settle()
            #expect(try await cluster.pods().count == 4)
        }
    }

    @Test func `a pod that is deleted or fails is replaced`() async throws {
        try await InProcessCluster.with { cluster in
            _ = try await cluster.client.create(InProcessCluster.deployment())
            try await cluster.settle()
            let before = try await cluster.ready()
            try await cluster.client.delete(Pod.self, namespace: "default", name: before[0].name)
            try await cluster.settle()
            _ = try await cluster.client.patch(
                Pod.self, namespace: "default", name: before[1].name, subresource: "status", .merge,
                ["status": ["phase": "Failed"]])
            try await cluster.settle()
            let after = try await cluster.ready()
            #expect(after.count == 3)
            #expect(Set(after.map(\.name)).isDisjoint(with: [before[0].name, before[1].name]))
        }
    }

    // MARK: Under faults

    /// The sets together were never to have more than the surge of one beyond the wish, and none made a pod too many.
    private static func expectSurge(_ cluster: InProcessCluster, _ seed: UInt64) async throws {
        let wishes = try await cluster.course(of: Deployment.self, in: "default")
        let sets = try await cluster.course(of: ReplicaSet.self, in: "default")
        var replicas: [String: Int] = [:]
        for step in sets {
            replicas[step.object.metadata.uid] = step.isRemoval ? nil : step.object.replicas
            let most = InProcessCluster.known(wishes, before: step.revision, \.replicas).max() ?? 0
            #expect(replicas.values.reduce(0, +) <= most + 1, "seed \(seed): \(step.object.name) at \(step.revision)")
        }
        var active: [String: Set<String>] = [:]
        for step in try await cluster.course(of: Pod.self, in: "default") {
            let (pod, owner) = (step.object, step.object.metadata.controller?.uid ?? "")
            if step.isCreation {
                let own = sets.filter { $0.object.metadata.uid == owner }
                let most = InProcessCluster.known(own, before: step.revision, \.replicas).max() ?? 0
                #expect(active[owner, default: []].count < most, "seed \(seed): \(pod.name) at \(step.revision)")
            }
            if step.isRemoval || !pod.isActive {
                active[owner]?.remove(pod.name)
            } else {
                active[owner, default: []].insert(pod.name)
            }
        }
    }

    /// No ready pod was taken when more than one was missing.
    /// - Parameter deletedByHand: uids of pods that the test deleted: what is missing for them is its doing.
    private static func expectAvailable(
        _ cluster: InProcessCluster, deletedByHand: Set<String>, _ seed: UInt64
    ) async throws {
        let wishes = try await cluster.course(of: Deployment.self, in: "default")
        var pods: [String: Pod] = [:]
        var missing = 0
        for step in try await cluster.course(of: Pod.self, in: "default") {
            let pod = step.object
            let before = pods[pod.metadata.uid]
            pods[pod.metadata.uid] = step.isRemoval ? nil : pod
            let ready = pods.values.count { $0.isActive && $0.isReady }
            let known = InProcessCluster.known(wishes, before: step.revision, \.replicas)
            // Scaling down takes from all sets by their size, whether their pods are ready or not. Source: `scale` of the
            // deployment controller.
            let fallen = known.count == 2 ? max(0, known[0] - known[1]) : 0
            let least = (known.min() ?? 0) - fallen
            if ready >= least { missing = 0 }
            guard let before, before.isActive, before.isReady, step.isRemoval || !pod.isActive else { continue }
            if deletedByHand.contains(pod.metadata.uid) {
                missing += 1
            } else {
                #expect(
                    ready + missing + 1 >= least,
                    "seed \(seed): \(pod.name) at \(step.revision) leaves \(ready) of \(least)")
            }
        }
    }

    @Test(arguments: Seeds.tried(12))
    func `a rollout keeps its bounds whatever is lost on the way`(seed: UInt64) async throws {
        try await InProcessCluster.with(InProcessCluster.faulty(seed)) { cluster in
            var random = Seed(seed &+ 77)
            var replicas = 4
            _ = try await cluster.client.create(
                InProcessCluster.deployment(replicas: replicas, surge: 1, unavailable: 1))
            try await cluster.run(for: .seconds(20))
            var deleted: Set<String> = []
            for round in 0..<6 {
                switch random.next() % 7 {
                case 6: cluster.setClock(&random)
                case 0:
                    replicas = Int(random.next() % 5) + 2
                    _ = try await cluster.client.patch(
                        Deployment.self, namespace: "default", name: "web", .merge,
                        ["spec": ["replicas": JSON(replicas)]])
                case 1, 2: try await cluster.setImage("run:\(round)")
                case 3: try await cluster.restartMaster()
                case 4: try await cluster.setImage("notready:\(round)")
                default:
                    guard let pod = try await cluster.running().first else { break }
                    deleted.insert(pod.metadata.uid)
                    try await cluster.client.delete(Pod.self, namespace: "default", name: pod.name)
                }
                try await cluster.run(for: .milliseconds(Int64(random.next() % 20_000)))
            }
            try await cluster.setImage("run:last")
            try await cluster.run(for: .seconds(120))
            let deployment = try await cluster.client.get(Deployment.self, namespace: "default", name: "web")
            let pods = try await cluster.pods()
            let ready = try await cluster.ready().count
            #expect(pods.count == replicas && ready == replicas, "seed \(seed)")
            #expect(
                pods.allSatisfy {
                    $0.spec.containers.first?.image == deployment.template.spec.containers.first?.image
                }, "seed \(seed)")
            #expect(deployment.status.updatedReplicas == replicas, "seed \(seed)")
            let sets = try await cluster.client.list(ReplicaSet.self, namespace: "default").items
            #expect(sets.allSatisfy { $0.metadata.controller?.uid == deployment.metadata.uid }, "seed \(seed)")
            #expect(Set(sets.map { $0.template.withoutHash }).count == sets.count, "seed \(seed): a template twice")
            try await RolloutTests.expectSurge(cluster, seed)
            try await RolloutTests.expectAvailable(cluster, deletedByHand: deleted, seed)
        }
    }
}
