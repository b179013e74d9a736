import Shared
import Testing

@testable import Master

/// What is said about claims and volumes that do not come together. Source: `pv_controller.go`.
struct VolumeWishTests {
    private static func volume(_ name: String, _ spec: JSON = [:]) -> PersistentVolume {
        var volume = PersistentVolume(name: name)
        volume.metadata.uid = "uid-\(name)"
        volume.json["spec"] = [
            "capacity": ["storage": "1Gi"], "accessModes": ["ReadWriteOnce"], "storageClassName": "x",
            "persistentVolumeReclaimPolicy": "Delete",
        ]
        for (key, value) in spec.members { volume.json["spec"][key] = value }
        volume.json["status"] = ["phase": "Available"]
        return volume
    }
    private static func claim(_ spec: JSON = [:]) -> PersistentVolumeClaim {
        var claim = PersistentVolumeClaim(name: "c", namespace: "default")
        claim.metadata.uid = "uid-c"
        claim.json["spec"] = [
            "accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]], "storageClassName": "x",
        ]
        for (key, value) in spec.members { claim.json["spec"][key] = value }
        return claim
    }
    private static func verdict(
        _ claim: PersistentVolumeClaim, _ volumes: [PersistentVolume], _ storageClass: StorageClass? = nil,
        consumers: [Pod] = []
    ) -> ClaimVerdict {
        ClaimVerdict(
            claim, storageClass: storageClass, consumers: consumers,
            volume: volumes.first { $0.name == claim.volumeName }, volumes: { volumes })
    }

    static let misfits: [(JSON, String)] = [
        (["capacity": ["storage": "512Mi"]], "requested PV is too small"),
        (["storageClassName": "y"], "storageClassName does not match"),
        (["volumeAttributesClassName": "fast"], "volumeAttributesClassName does not match"),
        (["volumeMode": "Block"], "incompatible volumeMode"),
        (["accessModes": ["ReadOnlyMany"]], "incompatible accessMode"),
    ]

    @Test(arguments: misfits)
    func `a claim is told why the volume that it names does not do`(spec: JSON, why: String) {
        let verdict = VolumeWishTests.verdict(
            VolumeWishTests.claim(["volumeName": "a"]), [VolumeWishTests.volume("a", spec)])
        let note = VolumeNote(isWarning: true, "VolumeMismatch", "Cannot bind to requested volume \"a\": \(why)")
        #expect(verdict == .wait(note))
    }

    @Test func `a claim is told that the volume which it names is another's`() {
        let taken = VolumeWishTests.volume(
            "a", ["claimRef": ["namespace": "default", "name": "d", "uid": "uid-d"]])
        let note = VolumeNote(
            isWarning: true, "FailedBinding", "volume \"a\" already bound to a different claim.")
        #expect(VolumeWishTests.verdict(VolumeWishTests.claim(["volumeName": "a"]), [taken]) == .wait(note))
        #expect(VolumeWishTests.verdict(VolumeWishTests.claim(["volumeName": "a"]), []) == .wait(.silent))
    }

    @Test func `the volume with the fewest access modes comes first, even before one that was set aside`() {
        let modes: JSON = ["ReadWriteOnce", "ReadOnlyMany"]
        let own = VolumeWishTests.volume(
            "own", ["accessModes": modes, "claimRef": ["namespace": "default", "name": "c"]])
        let plain = VolumeWishTests.volume("plain", ["capacity": ["storage": "9Gi"]])
        let wide = VolumeWishTests.volume("wide", ["accessModes": modes])
        #expect(VolumeWishTests.verdict(VolumeWishTests.claim(), [own, plain]) == .bind(plain))
        #expect(VolumeWishTests.verdict(VolumeWishTests.claim(), [own, wide]) == .bind(own))
    }

    @Test func `all pods that a claim waits for are named`() {
        var waiting = StorageClass(name: "x")
        waiting.json["provisioner"] = "kubernetes.io/no-provisioner"
        waiting.json["volumeBindingMode"] = "WaitForFirstConsumer"
        let verdict = VolumeWishTests.verdict(
            VolumeWishTests.claim(), [], waiting, consumers: [Sample.pod("q"), Sample.pod("p")])
        #expect(verdict == .wait(VolumeNote("WaitForPodScheduled", "waiting for pods p,q to be scheduled")))
    }

    private static func made(by provisioner: String, _ spec: JSON) -> PersistentVolume {
        var volume = volume("a", spec)
        volume.metadata.annotations = provisioner.isEmpty ? [:] : [PersistentVolume.provisioner: provisioner]
        return volume
    }
    private static let noPlugin =
        "Error getting deleter volume plugin for volume \"a\": no deletable volume plugin matched"
    /// Who made the volume, its source, and why it cannot be deleted; nil when it can or somebody else does it.
    static let reclaims: [(PersistentVolume, String?)] = [
        (made(by: "ext.example/p", ["csi": ["driver": "d"]]), nil),
        (made(by: "", ["csi": ["driver": "d"]]), noPlugin),
        (made(by: "kubernetes.io/nope", ["nfs": ["server": "s"]]), noPlugin),
        (made(by: "", ["hostPath": ["path": "/tmp/x"]]), nil),
        (
            made(by: "", ["hostPath": ["path": "/tmp/"]]),
            "host_path deleter only supports /tmp/.+ but received provided /tmp/"
        ),
        (
            made(by: "", ["hostPath": ["path": "/x"]]),
            "host_path deleter only supports /tmp/.+ but received provided /x"
        ),
    ]

    @Test(arguments: reclaims)
    func `a volume that is given up goes with whoever can delete it`(volume: PersistentVolume, why: String?) {
        if case .fail(let note) = Reclaim(volume) {
            #expect(note == VolumeNote(isWarning: true, "VolumeFailedDelete", why ?? ""))
        } else {
            #expect(why == nil)
        }
    }

    @Test func `growth of a volume that is not ours is left to others`() {
        var bound = VolumeWishTests.claim(["volumeName": "a"])
        bound.json["status"] = ["phase": "Bound", "capacity": ["storage": "1Gi"]]
        var volume = VolumeWishTests.volume("a", ["hostPath": ["path": "/x"]])
        volume.claim = ClaimReference(bound)
        var grown = bound
        grown.json["spec"]["resources"]["requests"]["storage"] = "5Gi"
        #expect(VolumeExpansion.isGrowth(bound, grown) && !VolumeExpansion.isGrowth(grown, bound))
        #expect(VolumeExpansion.isAwaited(grown, volume))
        #expect(!VolumeExpansion.isAwaited(bound, volume))
        volume.json["spec"]["csi"] = ["driver": .string(PersistentVolume.directoryDriver)]
        #expect(!VolumeExpansion.isAwaited(grown, volume))
    }
}
