import Shared
import TestKit
import Testing

@testable import Master

/// Source: the eviction subresource of pods.
struct EvictionTests {
    private static func evict(_ cluster: InProcessCluster, _ options: JSON = [:]) async throws {
        _ = try await cluster.client.call(
            "POST", Pod.type.path(namespace: "default", name: "p", subresource: "eviction"),
            body: [
                "apiVersion": "policy/v1", "kind": "Eviction", "metadata": ["name": "p", "namespace": "default"],
                "deleteOptions": options,
            ])
    }
    private static func pod(_ cluster: InProcessCluster) async throws -> Pod {
        try await cluster.client.get(Pod.self, namespace: "default", name: "p")
    }
    /// A cluster with a pod that no agent lets go.
    private static func with(_ body: @Sendable (InProcessCluster) async throws -> Void) async throws {
        try await InProcessCluster.with(nodes: 1) { cluster in
            var pod = Pod(name: "p", namespace: "default")
            pod.json["spec"] = ["containers": [["name": "c", "image": "run:1"]]]
            _ = try await cluster.client.create(pod)
            try await cluster.settle()
            cluster.agents.setAutomatic(false)
            try await body(cluster)
        }
    }

    @Test func `a pod that is evicted says so`() async throws {
        try await EvictionTests.with { cluster in
            let revision = try await EvictionTests.pod(cluster).metadata.resourceVersion
            try await EvictionTests.evict(cluster, ["preconditions": ["resourceVersion": .string(revision)]])
            let pod = try await EvictionTests.pod(cluster)
            #expect(pod.metadata.isDeleting)
            let condition = pod.status.condition("DisruptionTarget")
            #expect(condition?.isTrue == true && condition?.reason == "EvictionByEvictionAPI")
            #expect(condition?.message == "Eviction API: evicting")
        }
    }

    @Test func `a pod that was to be disrupted and is not says so no more after two minutes`() async throws {
        try await EvictionTests.with { cluster in
            let announced = Condition(
                "DisruptionTarget", true, reason: "EvictionByEvictionAPI", message: "Eviction API: evicting",
                since: cluster.clock.now())
            _ = try await cluster.client.patch(
                Pod.self, namespace: "default", name: "p", subresource: "status", .strategic,
                ["status": ["conditions": [announced.json]]])
            try await cluster.run(for: .seconds(100))
            #expect(try await EvictionTests.pod(cluster).status.condition("DisruptionTarget")?.isTrue == true)
            try await cluster.run(for: .seconds(30))
            let condition = try await EvictionTests.pod(cluster).status.condition("DisruptionTarget")
            #expect(condition?.status == "False")
            #expect(condition?.json["reason"].isNull == true)
        }
    }

    @Test func `a pod that is not evicted after all does not`() async throws {
        try await EvictionTests.with { cluster in
            try await EvictionTests.evict(cluster, ["dryRun": ["All"]])
            await #expect(throws: Status.self) {
                try await EvictionTests.evict(cluster, ["preconditions": ["resourceVersion": "1"]])
            }
            let pod = try await EvictionTests.pod(cluster)
            #expect(!pod.metadata.isDeleting && pod.status.condition("DisruptionTarget") == nil)
        }
    }
}
