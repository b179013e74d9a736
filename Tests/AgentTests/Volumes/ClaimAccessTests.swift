import Shared
import Testing

@testable import Agent

struct ClaimAccessTests {
    private func claim(_ modes: [String]) -> PersistentVolumeClaim {
        var claim = PersistentVolumeClaim(name: "c", namespace: "default")
        claim.metadata.uid = "uid-c"
        claim.json["spec"] = ["accessModes": JSON(modes), "volumeName": "v"]
        claim.json["status"] = ["phase": "Bound"]
        return claim
    }
    private func volume() -> PersistentVolume {
        var volume = PersistentVolume(name: "v")
        volume.claim = ClaimReference(["namespace": "default", "name": "c", "uid": "uid-c"])
        return volume
    }
    private func pod(_ name: String, on node: String) -> Pod {
        var pod = Pod(name: name, namespace: "default")
        pod.json["spec"] = [
            "nodeName": .string(node),
            "volumes": [["name": "data", "persistentVolumeClaim": ["claimName": "c"]]],
        ]
        return pod
    }
    private func access(_ modes: [String], _ others: [Pod], readOnly: Bool = false) -> ClaimAccess {
        ClaimAccess(claim(modes), volume(), node: "n1", others: others, wantsReadOnly: readOnly)
    }

    @Test func `access modes decide who may mount`() {
        let here = pod("a", on: "n1")
        let there = pod("b", on: "n2")
        #expect(access(["ReadWriteOnce"], [here]) == .granted(readOnly: false))
        #expect(access(["ReadWriteMany"], [there]) == .granted(readOnly: false))
        #expect(access(["ReadOnlyMany"], [there]) == .granted(readOnly: true))
        #expect(access(["ReadWriteOnce"], [], readOnly: true) == .granted(readOnly: true))
        for refused in [access(["ReadWriteOnce"], [there]), access(["ReadWriteOncePod"], [here])] {
            guard case .refused = refused else {
                Issue.record("it was not refused")
                continue
            }
        }
        var ended = there
        ended.json["status"] = ["phase": "Succeeded"]
        #expect(access(["ReadWriteOnce"], [ended]) == .granted(readOnly: false))
    }

    @Test func `a claim that is not bound can not be mounted`() {
        var waiting = claim(["ReadWriteOnce"])
        #expect(ClaimAccess.problem(waiting, volume()) == nil)
        waiting.json["status"] = ["phase": "Pending"]
        #expect(ClaimAccess.problem(waiting, nil)?.contains("not bound") == true)
        var foreign = volume()
        foreign.claim = ClaimReference(["namespace": "default", "name": "d", "uid": "uid-d"])
        #expect(ClaimAccess.problem(claim(["ReadWriteOnce"]), foreign)?.contains("another claim") == true)
    }

    @Test func `only what was given up on this node is removed`() {
        var own = volume()
        own.json["spec"]["csi"] = [
            "driver": .string(PersistentVolume.directoryDriver), "volumeHandle": "v",
            "volumeAttributes": ["node": "n1"],
        ]
        own.json["spec"]["persistentVolumeReclaimPolicy"] = "Delete"
        for phase in ["Available", "Bound", "Failed", ""] {
            own.json["status"] = ["phase": .string(phase)]
            #expect(!own.isGivenUp(on: "n1"))
        }
        own.json["status"] = ["phase": "Released"]
        #expect(own.isGivenUp(on: "n1"))
        #expect(!own.isGivenUp(on: "n2"))
        own.json["spec"]["persistentVolumeReclaimPolicy"] = "Retain"
        #expect(!own.isGivenUp(on: "n1"))
    }
}
