import Shared
import TestKit
import Testing

@testable import Master

struct VolumeIndexTests {
    private static func claim(
        _ name: String, storageClass: String = "wait", volume: String = "", size: String = "1Gi",
        modes: [String] = ["ReadWriteOnce"]
    ) -> PersistentVolumeClaim {
        var claim = PersistentVolumeClaim(name: name, namespace: "default")
        claim.metadata.uid = "uid-\(name)"
        claim.json["spec"] = [
            "storageClassName": .string(storageClass), "accessModes": JSON(modes),
            "resources": ["requests": ["storage": .string(size)]],
        ]
        if !volume.isEmpty {
            claim.volumeName = volume
            claim.json["status"] = ["phase": "Bound"]
        }
        return claim
    }
    private static func volume(_ name: String, node: String, size: String = "1Gi") -> PersistentVolume {
        var volume = PersistentVolume(name: name)
        volume.json["spec"] = [
            "storageClassName": "wait", "capacity": ["storage": .string(size)], "accessModes": ["ReadWriteOnce"],
            "nodeAffinity": [
                "required": [
                    "nodeSelectorTerms": [
                        [
                            "matchExpressions": [
                                ["key": "kubernetes.io/hostname", "operator": "In", "values": [.string(node)]]
                            ]
                        ]
                    ]
                ]
            ],
        ]
        volume.json["status"] = ["phase": "Available"]
        return volume
    }
    private static func storage(_ provisioner: String) -> StorageClass {
        var storage = StorageClass(name: "wait")
        storage.json["provisioner"] = .string(provisioner)
        storage.json["volumeBindingMode"] = "WaitForFirstConsumer"
        return storage
    }
    private static func pod(_ name: String = "p", _ claims: String..., node: String = "") -> Pod {
        PlacerTests.pod(
            name,
            [
                "volumes": .array(
                    claims.map { ["name": .string($0), "persistentVolumeClaim": ["claimName": .string($0)]] })
            ], node: node)
    }
    private static func place(_ pod: Pod, _ snapshot: inout Snapshot) -> String {
        var placer = Placer(random: Seed(1))
        switch placer.place(PodDemand(pod), in: &snapshot) {
        case .node(let name): return name
        case .nowhere(let refusal): return refusal.message
        }
    }

    @Test func `two claims that wait are served by volumes of one node, the smallest that suffice`() {
        var snapshot = PlacerTests.snapshot([Sample.node("a"), Sample.node("b")])
        snapshot.volumes.put(VolumeIndexTests.storage("kubernetes.io/no-provisioner"))
        snapshot.volumes.put(VolumeIndexTests.claim("x"))
        snapshot.volumes.put(VolumeIndexTests.claim("y", size: "2Gi"))
        snapshot.volumes.put(VolumeIndexTests.volume("a1", node: "a"))
        snapshot.volumes.put(VolumeIndexTests.volume("b1", node: "b"))
        let pod = VolumeIndexTests.pod("p", "x", "y")
        let refusal = "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind."
        #expect(VolumeIndexTests.place(pod, &snapshot) == refusal)
        snapshot.volumes.put(VolumeIndexTests.volume("b2", node: "b", size: "5Gi"))
        #expect(VolumeIndexTests.place(pod, &snapshot) == "b")
        guard let shape = snapshot.node("b")?.shape,
            case .success(let bindings) = snapshot.volumes.demand(of: PodDemand(pod)).bindings(on: shape)
        else {
            Issue.record("no bindings on b")
            return
        }
        #expect(bindings.volumes.map { "\($0.claim.name) \($0.volume.name)" } == ["x b1", "y b2"])
        // What is chosen for one claim is not chosen for another.
        snapshot.volumes.assume(bindings, on: "b")
        snapshot.volumes.put(VolumeIndexTests.claim("z"))
        #expect(VolumeIndexTests.place(VolumeIndexTests.pod("q", "z"), &snapshot) == "a")
    }

    @Test func `a volume that can be made goes where the pod goes, and stays there`() {
        var snapshot = PlacerTests.snapshot([Sample.node("a"), Sample.node("b")])
        snapshot.volumes.put(VolumeIndexTests.storage("example.com/maker"))
        var claim = VolumeIndexTests.claim("x")
        claim.metadata.annotations = ["volume.kubernetes.io/selected-node": "b"]
        snapshot.volumes.put(claim)
        #expect(VolumeIndexTests.place(VolumeIndexTests.pod("p", "x"), &snapshot) == "b")
    }

    @Test func `a second pod of a claim follows the node that was chosen for the first`() {
        var snapshot = PlacerTests.snapshot([Sample.node("a"), Sample.node("b")])
        snapshot.volumes.put(VolumeIndexTests.storage("example.com/maker"))
        let claim = VolumeIndexTests.claim("x")
        snapshot.volumes.put(claim)
        let choice = VolumeIndex.Bindings(provisions: [claim])
        let second = VolumeIndexTests.pod("second", "x")
        for node in ["a", "b"] {
            snapshot.volumes.assume(choice, on: node)
            #expect(VolumeIndexTests.place(second, &snapshot) == node)
            snapshot.volumes.release(choice)
        }
        // The claim comes back without the node: its volume cannot be made there.
        snapshot.volumes.assume(choice, on: "a")
        snapshot.volumes.put(claim)
        #expect(snapshot.volumes.node(for: claim) == nil)
    }

    @Test func `a claim for one pod at a time keeps a second pod away until the first is gone`() {
        let nodes = [Sample.node("a"), Sample.node("b")]
        let first = VolumeIndexTests.pod("first", "x", node: "a")
        var snapshot = PlacerTests.snapshot(nodes, [first])
        snapshot.volumes.put(VolumeIndexTests.claim("x", volume: "v", modes: ["ReadWriteOncePod"]))
        snapshot.volumes.put(PersistentVolume(name: "v"))
        let message = VolumeIndexTests.place(VolumeIndexTests.pod("second", "x"), &snapshot)
        #expect(message.contains("2 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod"))
        snapshot.remove(pod: first.metadata.uid)
        #expect(["a", "b"].contains(VolumeIndexTests.place(VolumeIndexTests.pod("second", "x"), &snapshot)))
    }

    @Test func `a claim that is missing or binds at once is named`() {
        var snapshot = PlacerTests.snapshot([Sample.node("a")])
        let pod = VolumeIndexTests.pod("p", "x")
        #expect(
            VolumeIndexTests.place(pod, &snapshot)
                == "0/1 nodes are available: persistentvolumeclaim \"x\" not found.")
        snapshot.volumes.put(VolumeIndexTests.claim("x", storageClass: "now"))
        #expect(
            VolumeIndexTests.place(pod, &snapshot)
                == "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.")
    }
}
