import Shared
import Testing

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
}
