import Shared
import TestKit
import Testing

@testable import Master

struct VolumeBinderTests {
    private func volume(
        _ name: String, _ size: String = "1Gi", modes: [String] = ["ReadWriteOnce"], storageClass: String = "x",
        policy: String = "Retain", phase: String = "Available"
    ) -> PersistentVolume {
        var volume = PersistentVolume(name: name)
        volume.metadata.uid = "uid-\(name)"
        volume.json["spec"] = [
            "capacity": ["storage": .string(size)], "accessModes": JSON(modes),
            "storageClassName": .string(storageClass),
            "persistentVolumeReclaimPolicy": .string(policy), "volumeMode": "Filesystem", "hostPath": ["path": "/x"],
        ]
        volume.json["status"] = ["phase": .string(phase)]
        return volume
    }
    private func claim(_ size: String = "1Gi", storageClass: String? = "x", volumeName: String = "")
        -> PersistentVolumeClaim
    {
        var claim = PersistentVolumeClaim(name: "c", namespace: "default")
        claim.metadata.uid = "uid-c"
        claim.json["spec"] = [
            "accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": .string(size)]],
            "volumeMode": "Filesystem",
        ]
        claim.json["spec"].set("storageClassName", storageClass.map(JSON.string))
        claim.volumeName = volumeName
        return claim
    }
    private func storageClass(_ provisioner: String, waits: Bool = false) -> StorageClass {
        var result = StorageClass(name: "x")
        result.json["provisioner"] = .string(provisioner)
        result.json["volumeBindingMode"] = waits ? "WaitForFirstConsumer" : "Immediate"
        return result
    }
    private func verdict(
        _ claim: PersistentVolumeClaim, _ volumes: [PersistentVolume] = [], _ storageClass: StorageClass? = nil,
        consumer: Pod? = nil
    ) -> ClaimVerdict {
        ClaimVerdict(
            claim, storageClass: storageClass, consumers: consumer.map { [$0] } ?? [],
            volume: volumes.first { $0.name == claim.volumeName }, volumes: { volumes })
    }

    @Test func `the smallest volume that is large enough wins`() {
        let volumes = [volume("a", "10Gi"), volume("b", "2Gi"), volume("c", "5Gi")]
        #expect(verdict(claim("3Gi"), volumes) == .bind(volumes[2]))
        #expect(
            verdict(claim("20Gi"), volumes)
                == .wait(
                    VolumeNote(isWarning: true, "ProvisioningFailed", "storageclass.storage.k8s.io \"x\" not found")))
    }

    @Test func `a volume that was set aside goes to its claim and to nobody else`() {
        var own = volume("a", "9Gi")
        own.claim = ClaimReference(["namespace": "default", "name": "c"])
        #expect(verdict(claim(), [own, volume("b")]) == .bind(own))
        var other = own
        other.claim = ClaimReference(["namespace": "default", "name": "d"])
        #expect(verdict(claim(), [other]) != .bind(other))
        let bound = own.bound(to: claim())
        #expect(bound.metadata.annotations.isEmpty)
        #expect(bound.claim?.uid == "uid-c")
        #expect(volume("b").bound(to: claim()).metadata.annotations == ["pv.kubernetes.io/bound-by-controller": "yes"])
    }

    @Test func `a claim of a waiting class waits for its pod and says for which`() {
        let waiting = storageClass("kubernetes.io/no-provisioner", waits: true)
        let first = verdict(claim(), [volume("a")], waiting)
        #expect(
            first
                == .wait(
                    VolumeNote("WaitForFirstConsumer", "waiting for first consumer to be created before binding")))
        let second = verdict(claim(), [volume("a")], waiting, consumer: Sample.pod("p"))
        #expect(second == .wait(VolumeNote("WaitForPodScheduled", "waiting for pod p to be scheduled")))
        var chosen = claim()
        chosen.metadata.annotations["volume.kubernetes.io/selected-node"] = "n1"
        #expect(verdict(chosen, [], waiting) == .provision(waiting))
    }

    @Test func `a claim that lost its volume says so`() {
        var bound = claim(volumeName: "a").bound(to: volume("a"))
        #expect(verdict(bound, [volume("a")]) == .bind(volume("a")))
        guard case .lose(let note) = verdict(bound) else { Issue.record("not lost"); return }
        #expect(note.reason == "ClaimLost")
        var foreign = volume("a")
        foreign.claim = ClaimReference(["namespace": "default", "name": "d", "uid": "uid-d"])
        guard case .lose(let misbound) = verdict(bound, [foreign]) else { Issue.record("not lost"); return }
        #expect(misbound.reason == "ClaimMisbound")
        bound.volumeName = ""
        guard case .lose = verdict(bound, [foreign]) else { Issue.record("not lost"); return }
    }

    static let policies: [(String, Reclaim?)] = [("Retain", .keep), ("Recycle", nil), ("Delete", nil)]

    @Test(arguments: policies) func `the reclaim policy decides about a released volume`(
        policy: String, expected: Reclaim?
    ) {
        let reclaim = Reclaim(volume("a", policy: policy))
        if let expected {
            #expect(reclaim == expected)
        } else {
            guard case .fail(let note) = reclaim else { Issue.record("it was not refused"); return }
            #expect(note.isWarning)
        }
    }

    @Test func `a volume follows its claim`() {
        var own = volume("a").bound(to: claim())
        #expect(VolumeVerdict(own, claim: nil) == .release)
        #expect(VolumeVerdict(own, claim: claim()) == .leave)
        #expect(VolumeVerdict(own, claim: claim(volumeName: "a")) == .phase("Bound"))
        #expect(VolumeVerdict(own, claim: claim(volumeName: "b")) == .unbind)
        #expect(own.unbound.claim == nil)
        own.claim = nil
        #expect(VolumeVerdict(own, claim: nil) == .phase("Available"))
    }

    @Test func `a folder is made on one node and only for one node`() {
        let made = VolumeProvisioner.volume(
            named: "pvc-1", for: claim(), storageClass(StorageClass.directories), on: Sample.node("n1"))
        #expect(made.directoryNode == "n1")
        #expect(made.claim?.uid == "uid-c")
        #expect(made.metadata.finalizers == [PersistentVolume.directoryFinalizer])
        #expect(!made.isGivenUp)
    }

    /// However many claims and volumes there are, no volume gets two claims and every bound claim fits.
    @Test(arguments: Seeds.tried()) func `claims and volumes pair up`(seed: UInt64) {
        var random = Seed(seed)
        var volumes = (0..<Int.random(in: 1...8, using: &random)).map {
            volume("v\($0)", "\(Int.random(in: 1...9, using: &random))Gi")
        }
        var owners: [String: String] = [:]
        for index in 0..<8 {
            var wish = claim("\(Int.random(in: 1...9, using: &random))Gi")
            wish.metadata.name = "c\(index)"
            wish.metadata.uid = "uid-c\(index)"
            guard case .bind(let found) = verdict(wish, volumes) else {
                let free = volumes.filter {
                    $0.claim == nil && ($0.capacity ?? Quantity(0)) >= wish.request ?? Quantity(0)
                }
                #expect(free.isEmpty, "seed \(seed)")
                continue
            }
            #expect(owners[found.name] == nil, "seed \(seed)")
            owners[found.name] = wish.name
            volumes = volumes.map { $0.name == found.name ? $0.bound(to: wish) : $0 }
        }
    }
}
