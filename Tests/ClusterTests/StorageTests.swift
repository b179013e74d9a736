import Shared
import TestKit
import Testing

@testable import Master

/// Folders of nodes that claims are given when their first pod comes, and what keeps them.
struct StorageTests {
    private static func claim(_ name: String) -> PersistentVolumeClaim {
        var claim = PersistentVolumeClaim(name: name, namespace: "default")
        claim.json["spec"] = [
            "accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]],
        ]
        return claim
    }
    /// - Parameter claim: what it mounts; nil gives it a volume of its own.
    private static func pod(_ name: String, _ claim: String?) -> Pod {
        var pod = Pod(name: name, namespace: "default")
        let source: JSON =
            claim.map { ["name": "v", "persistentVolumeClaim": ["claimName": .string($0)]] }
            ?? [
                "name": "v",
                "ephemeral": ["volumeClaimTemplate": ["spec": StorageTests.claim("").json["spec"]]],
            ]
        pod.json["spec"] = [
            "containers": [["name": "main", "image": "run:1"]], "volumes": [source],
            "terminationGracePeriodSeconds": 1,
        ]
        return pod
    }

    private static func act(_ round: Int, _ random: inout Seed, _ cluster: InProcessCluster) async throws {
        let client = cluster.client
        let claim = "c\(random.next() % 3)"
        let pods = try await client.list(Pod.self, namespace: "default").items
        let chosen = pods.isEmpty ? nil : pods[Int(random.next() % UInt64(pods.count))]
        let node = "n\(random.next() % 3)"
        switch random.next() % 13 {
        case 0: try await cluster.restartMaster()
        case 12: cluster.setClock(&random)
        case 1, 2:
            if let chosen { try await client.delete(Pod.self, namespace: "default", name: chosen.name) }
        case 3, 4: try await client.delete(PersistentVolumeClaim.self, namespace: "default", name: claim)
        case 5:
            let size = "\(random.next() % 4 + 1)Gi"
            _ = try await client.patch(
                PersistentVolumeClaim.self, namespace: "default", name: claim, .merge,
                ["spec": ["resources": ["requests": ["storage": .string(size)]]]])
        case 6: try await cluster.agents.start(node, client)
        case 7:
            if random.next() % 3 == 0 { try await client.delete(Node.self, name: node) }
        case 8, 9: _ = try await client.create(StorageTests.claim(claim))
        default: _ = try await client.create(pod("p\(round)", random.next() % 3 == 0 ? nil : claim))
        }
    }

    /// What the agents of the nodes do with folders that nobody wants any more.
    private static func sweep(_ cluster: InProcessCluster) async throws {
        let nodes = try await cluster.client.list(Node.self).items.map(\.name)
        for volume in try await cluster.client.list(PersistentVolume.self).items
        where nodes.contains(where: { volume.isGivenUp(on: $0) }) {
            try await cluster.tolerantly {
                var update = volume
                update.metadata.finalizers = volume.metadata.finalizers.filter {
                    $0 != PersistentVolume.directoryFinalizer
                }
                _ = try await cluster.client.update(update)
                try await cluster.client.delete(PersistentVolume.self, name: volume.name, uid: volume.metadata.uid)
            }
        }
    }

    private enum Change {
        case pod(InProcessCluster.Step<Pod>)
        case claim(InProcessCluster.Step<PersistentVolumeClaim>)
        case volume(InProcessCluster.Step<PersistentVolume>)
    }

    /// No claim goes while a pod that has a node uses it, no volume while its claim is there.
    private static func expectProtection(_ cluster: InProcessCluster, _ seed: UInt64) async throws {
        var changes: [(Revision, Change)] = []
        changes += try await cluster.course(of: Pod.self, in: "default").map { ($0.revision, .pod($0)) }
        changes += try await cluster.course(of: PersistentVolumeClaim.self, in: "default")
            .map { ($0.revision, .claim($0)) }
        changes += try await cluster.course(of: PersistentVolume.self).map { ($0.revision, .volume($0)) }
        var pods: [String: Pod] = [:]
        var claims: [String: PersistentVolumeClaim] = [:]
        for (revision, change) in changes.sorted(by: { $0.0 < $1.0 }) {
            switch change {
            case .pod(let step): pods[step.object.name] = step.isRemoval ? nil : step.object
            case .claim(let step):
                let claim = step.object
                claims[claim.metadata.uid] = step.isRemoval ? nil : claim
                guard step.isRemoval else { continue }
                let users = pods.values.filter { $0.holds(claim: claim.name) }.map(\.name)
                #expect(users.isEmpty, "seed \(seed): \(claim.name) of \(users) at \(revision)")
            case .volume(let step):
                guard step.isRemoval, let uid = step.object.claim?.uid else { continue }
                #expect(claims[uid] == nil, "seed \(seed): \(step.object.name) at \(revision)")
            }
        }
    }

    /// A pod is where its folder is, and claims are as large as they were asked to be.
    private static func expectPlaces(_ cluster: InProcessCluster, _ seed: UInt64) async throws {
        let volumes = try await cluster.client.list(PersistentVolume.self).items
        let claims = try await cluster.client.list(PersistentVolumeClaim.self, namespace: "default").items
        for claim in claims where claim.phase == "Bound" && !claim.metadata.isDeleting {
            let volume = volumes.first { $0.name == claim.volumeName }
            #expect(volume?.claim?.uid == claim.metadata.uid, "seed \(seed): \(claim.name)")
            #expect(claim.capacity == volume?.capacity, "seed \(seed): \(claim.name)")
            #expect(claim.capacity ?? Quantity(0) >= claim.request ?? Quantity(0), "seed \(seed): \(claim.name)")
        }
        for pod in try await cluster.client.list(Pod.self, namespace: "default").items where pod.isActive {
            let used = claims.filter { pod.claimNames.contains($0.name) }
            guard !pod.spec.nodeName.isEmpty else { continue }
            #expect(used.count == 1 && used[0].phase == "Bound", "seed \(seed): \(pod.name)")
            let volume = volumes.first { $0.name == used.first?.volumeName }
            #expect(volume?.directoryNode == pod.spec.nodeName, "seed \(seed): \(pod.name)")
        }
    }

    @Test(arguments: Array(Seeds.tried(6)) + [575])
    func `a claim's folder is where its pods are and stays as long as they do`(seed: UInt64) async throws {
        try await InProcessCluster.with(InProcessCluster.faulty(seed, nodes: 0, oneIn: 10)) { cluster in
            var random = Seed(seed &+ 211)
            for name in ["n0", "n1"] { try await cluster.agents.start(name, cluster.client) }
            for round in 0..<18 {
                try await cluster.tolerantly([.alreadyExists, .forbidden, .invalid]) {
                    try await StorageTests.act(round, &random, cluster)
                }
                try await cluster.run(for: .milliseconds(Int64(random.next() % 1500)))
                try await StorageTests.sweep(cluster)
            }
            try await cluster.run(for: .seconds(90))
            try await StorageTests.expectPlaces(cluster, seed)

            for pod in try await cluster.client.list(Pod.self, namespace: "default").items {
                try await cluster.tolerantly {
                    try await cluster.client.delete(Pod.self, namespace: "default", name: pod.name)
                }
            }
            for number in 0..<3 {
                try await cluster.tolerantly {
                    try await cluster.client.delete(
                        PersistentVolumeClaim.self, namespace: "default", name: "c\(number)")
                }
            }
            for _ in 0..<6 {
                try await cluster.run(for: .seconds(20))
                try await StorageTests.sweep(cluster)
            }
            try await StorageTests.expectProtection(cluster, seed)
            let claims = try await cluster.client.list(PersistentVolumeClaim.self, namespace: "default").items
            #expect(claims.isEmpty, "seed \(seed): \(claims.map(\.name))")
            let volumes = try await cluster.client.list(PersistentVolume.self).items
            #expect(volumes.isEmpty, "seed \(seed): \(volumes.map(\.name))")
        }
    }
}
