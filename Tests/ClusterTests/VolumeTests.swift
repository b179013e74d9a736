import Shared
import TestKit
import Testing

@testable import Master

struct VolumeTests {
    private static func volume(_ number: Int, gibibytes: UInt64) -> PersistentVolume {
        var volume = PersistentVolume(name: "v\(number)")
        volume.json["spec"] = [
            "capacity": ["storage": .string("\(gibibytes)Gi")], "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain", "storageClassName": "", "hostPath": ["path": "/data"],
        ]
        return volume
    }
    private static func claim(_ number: Int, gibibytes: UInt64) -> PersistentVolumeClaim {
        var claim = PersistentVolumeClaim(name: "c\(number)", namespace: "default")
        claim.json["spec"] = [
            "accessModes": ["ReadWriteOnce"], "storageClassName": "",
            "resources": ["requests": ["storage": .string("\(gibibytes)Gi")]],
        ]
        return claim
    }

    /// A volume belongs to one claim from the first to the last of its days, and a claim to one volume.
    private static func expectFidelity(_ cluster: InProcessCluster, _ seed: UInt64) async throws {
        var owners: [String: String] = [:]
        for step in try await cluster.course(of: PersistentVolume.self) {
            guard let uid = step.object.claim?.uid, !uid.isEmpty else { continue }
            let first = owners[step.object.name, default: uid]
            #expect(first == uid, "seed \(seed): \(step.object.name) at \(step.revision)")
            owners[step.object.name] = uid
        }
        var volumes: [String: String] = [:]
        for step in try await cluster.course(of: PersistentVolumeClaim.self, in: "default") {
            let claim = step.object
            guard !claim.volumeName.isEmpty else { continue }
            let first = volumes[claim.metadata.uid, default: claim.volumeName]
            #expect(first == claim.volumeName, "seed \(seed): \(claim.name) at \(step.revision)")
            volumes[claim.metadata.uid] = claim.volumeName
        }
        #expect(Set(volumes.values).count == volumes.count, "seed \(seed): a volume of two claims")
    }

    @Test(arguments: Seeds.tried(6))
    func `a volume has one claim whatever is lost on the way`(seed: UInt64) async throws {
        try await InProcessCluster.with(InProcessCluster.faulty(seed, nodes: 1, oneIn: 12)) { cluster in
            var random = Seed(seed &+ 66)
            for round in 0..<12 {
                try await cluster.tolerantly {
                    switch random.next() % 9 {
                    case 0: try await cluster.restartMaster()
                    case 8: cluster.setClock(&random)
                    case 1:
                        try await cluster.client.delete(
                            PersistentVolumeClaim.self, namespace: "default", name: "c\(random.next() % 12)")
                    case 2, 3, 4:
                        _ = try await cluster.client.create(
                            VolumeTests.volume(round, gibibytes: random.next() % 9 + 1))
                    default:
                        _ = try await cluster.client.create(
                            VolumeTests.claim(round, gibibytes: random.next() % 9 + 1))
                    }
                }
                if random.next() % 2 == 0 { try await cluster.run(for: .milliseconds(Int64(random.next() % 900))) }
            }
            try await cluster.run(for: .seconds(60))
            try await VolumeTests.expectFidelity(cluster, seed)
            let volumes = try await cluster.client.list(PersistentVolume.self).items
            let claims = try await cluster.client.list(PersistentVolumeClaim.self, namespace: "default").items
            for claim in claims {
                let need = claim.request ?? Quantity(0)
                guard claim.phase == "Bound" else {
                    let fitting = volumes.filter { $0.claim == nil && $0.capacity ?? Quantity(0) >= need }
                    #expect(fitting.isEmpty, "seed \(seed): \(claim.name) is \(claim.phase)")
                    continue
                }
                let volume = volumes.first { $0.name == claim.volumeName }
                #expect(volume?.claim?.uid == claim.metadata.uid, "seed \(seed): \(claim.name)")
                #expect(volume?.phase == "Bound", "seed \(seed): \(claim.name)")
                #expect(volume?.capacity ?? Quantity(0) >= need, "seed \(seed): \(claim.name)")
            }
            let uids = Set(claims.map(\.metadata.uid))
            for volume in volumes {
                let isWidowed = volume.claim.map { !uids.contains($0.uid) } ?? false
                #expect(isWidowed == (volume.phase == "Released"), "seed \(seed): \(volume.name)")
            }
        }
    }
}
