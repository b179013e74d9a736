import Shared
import TestKit
import Testing

/// Source: the controllers of persistent volumes: binder, protection, expansion.
struct VolumeScenarios {
    private static let completed: JSON = ["pv.kubernetes.io/bind-completed": "yes"]
    private static let boundByController: JSON = ["pv.kubernetes.io/bound-by-controller": "yes"]

    /// - Parameter volume: what it is bound to.
    private static func claim(
        _ name: String = "c", size: String = "1Gi", volume: String? = nil, capacity: String? = nil,
        annotations: JSON? = nil, modes: JSON = ["ReadWriteOnce"], more: JSON = [:]
    ) -> JSON {
        var claim: JSON = [
            "finalizers": ["kubernetes.io/pvc-protection"], "name": .string(name), "phase": "Pending",
            "requests": ["storage": .string(size)], "status": [:],
        ]
        if let volume {
            claim["phase"] = "Bound"
            claim["volumeName"] = .string("gc-$S-\(volume)")
            claim["status"] = ["accessModes": modes, "capacity": ["storage": .string(capacity ?? size)]]
            claim["annotations"] =
                annotations
                ?? [
                    "pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes",
                ]
        }
        for (key, value) in more.members { claim[key] = value }
        return claim
    }
    private static func volume(
        _ name: String = "a", phase: String = "Available", claim: String? = nil, more: JSON = [:]
    ) -> JSON {
        var volume: JSON = [
            "finalizers": ["kubernetes.io/pv-protection"], "name": .string("gc-$S-\(name)"), "phase": .string(phase),
            "reclaim": "Retain",
        ]
        if let claim {
            volume["claimRef"] = ["name": .string("gc-$S/\(claim)"), "uid": true]
            volume["annotations"] = boundByController
        }
        for (key, value) in more.members { volume[key] = value }
        return volume
    }
    private static func event(_ reason: String, _ message: String, type: String = "Warning") -> JSON {
        [
            "kind": "PersistentVolumeClaim", "name": "c", "type": .string(type), "reason": .string(reason),
            "message": .string(message), "count": 1,
        ]
    }
    private static let noClass = event("ProvisioningFailed", "storageclass.storage.k8s.io \"gc-$S-x\" not found")
    private static func state(_ claims: [JSON], _ volumes: [JSON], events: [JSON]? = nil) -> JSON {
        var state: JSON = ["PersistentVolumeClaim": .array(claims), "PersistentVolume": .array(volumes)]
        if let events { state["events"] = .array(events) }
        return state
    }
    /// One volume, bound to one claim.
    private static func pair(_ spec: JSON = [:], more: JSON = [:]) -> Scenario {
        var scenario = Scenario("pvc")
        scenario.step([Scenario.create(Scenario.volume(spec: spec))], state([], [volume(more: more)]))
        scenario.step(
            [Scenario.create(Scenario.claim())],
            state([claim(volume: "a")], [volume(phase: "Bound", claim: "c", more: more)]))
        return scenario
    }

    @Test func `a volume has to allow all the access modes of its claim`() async throws {
        var scenario = Scenario("pvc")
        scenario.step(
            [Scenario.create(Scenario.volume(spec: ["accessModes": ["ReadOnlyMany"]]))],
            Self.state([], [Self.volume()]))
        scenario.step(
            [Scenario.create(Scenario.claim())],
            Self.state([Self.claim()], [Self.volume()], events: [Self.noClass]))
        let modes: JSON = ["ReadWriteOnce", "ReadOnlyMany"]
        scenario.step(
            [Scenario.create(Scenario.volume("b", spec: ["accessModes": modes])), Scenario.wait(16)],
            Self.state(
                [Self.claim(volume: "b", modes: modes)], [Self.volume(), Self.volume("b", phase: "Bound", claim: "c")],
                events: [Self.noClass]))
        try await scenario.play()
    }

    @Test func `a claim waits for the volume that it names, and is told when that is of another class`() async throws {
        let wish: JSON = ["volumeName": "gc-$S-a"]
        var scenario = Scenario("pvc")
        scenario.step(
            [Scenario.create(Scenario.claim(spec: wish))], Self.state([Self.claim(more: wish)], [], events: []))
        scenario.step(
            [Scenario.create(Scenario.volume(spec: ["storageClassName": "gc-$S-y"])), Scenario.wait(1)],
            Self.state(
                [Self.claim(more: wish)], [Self.volume()],
                events: [
                    Self.event(
                        "VolumeMismatch", "Cannot bind to requested volume \"gc-$S-a\": storageClassName does not match"
                    )
                ]))
        scenario.step(
            [Scenario.patch("PersistentVolume", "gc-$S-a", ["spec": ["storageClassName": "gc-$S-x"]])],
            Self.state(
                [Self.claim(volume: "a", annotations: Self.completed)], [Self.volume(phase: "Bound", claim: "c")]))
        try await scenario.play()
    }

    @Test func `a volume that was set aside and is too small is left for another`() async throws {
        let aside: JSON = ["claimRef": ["namespace": "gc-$S", "name": "c"]]
        let waiting = Self.volume(more: ["claimRef": ["name": "gc-$S/c", "uid": false]])
        var scenario = Scenario("pvc")
        scenario.step(
            [Scenario.create(Scenario.volume(spec: aside)), Scenario.create(Scenario.volume("b", size: "5Gi"))],
            Self.state([], [waiting, Self.volume("b")]))
        scenario.step(
            [Scenario.create(Scenario.claim(size: "3Gi"))],
            Self.state(
                [Self.claim(size: "3Gi", volume: "b", capacity: "5Gi")],
                [waiting, Self.volume("b", phase: "Bound", claim: "c")], events: []))
        try await scenario.play()
    }

    @Test func `a folder of a node that is not temporary is not deleted with its claim`() async throws {
        var scenario = Self.pair(["persistentVolumeReclaimPolicy": "Delete"], more: ["reclaim": "Delete"])
        let why = "host_path deleter only supports /tmp/.+ but received provided /x"
        scenario.step(
            [Scenario.delete("PersistentVolumeClaim", "c"), Scenario.wait(2)],
            Self.state(
                [], [Self.volume(phase: "Failed", claim: "c", more: ["reclaim": "Delete", "message": .string(why)])]))
        try await scenario.play()
    }

    @Test func `a pod holds its claim from when it has a node until it is gone`() async throws {
        let volumes: JSON = [["name": "v", "persistentVolumeClaim": ["claimName": "c"]]]
        var waiting = Self.pair()
        waiting.step(
            [Scenario.create(Scenario.pod("p1", spec: ["nodeSelector": ["no": "node"], "volumes": volumes]))], [:])
        waiting.step(
            [Scenario.delete("PersistentVolumeClaim", "c"), Scenario.wait(1)],
            Self.state([], [Self.volume(phase: "Released", claim: "c")]))
        try await waiting.play()

        var finished = Self.pair()
        finished.step(
            [
                Scenario.create(
                    Scenario.pod("p1", image: "done:1", spec: ["restartPolicy": "Never", "volumes": volumes]))
            ],
            [:])
        finished.step(
            [Scenario.delete("PersistentVolumeClaim", "c"), Scenario.wait(1)],
            Self.state(
                [Self.claim(volume: "a", more: ["deleting": true])], [Self.volume(phase: "Bound", claim: "c")]))
        finished.step(
            [Scenario.delete("Pod", "p1"), Scenario.wait(1)],
            Self.state([], [Self.volume(phase: "Released", claim: "c")]))
        try await finished.play()
    }

    @Test func `a claim is lost with its volume`() async throws {
        var scenario = Self.pair()
        scenario.step(
            [
                Scenario.delete("PersistentVolume", "gc-$S-a"),
                Scenario.patch("PersistentVolume", "gc-$S-a", ["metadata": ["finalizers": nil]]), Scenario.wait(1),
            ],
            Self.state(
                [Self.claim(volume: "a", more: ["phase": "Lost", "status": [:]])], [],
                events: [
                    Self.event("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!")
                ]))
        try await scenario.play()
    }

    @Test func `a claim that grows waits for somebody outside`() async throws {
        var scenario = Scenario("pvc")
        scenario.step(
            [
                Scenario.create(Scenario.storageClass(["allowVolumeExpansion": true])),
                Scenario.create(Scenario.volume()), Scenario.create(Scenario.claim()),
            ], Self.state([Self.claim(volume: "a")], [Self.volume(phase: "Bound", claim: "c")]))
        scenario.step(
            [
                Scenario.patch(
                    "PersistentVolumeClaim", "c", ["spec": ["resources": ["requests": ["storage": "5Gi"]]]]),
                Scenario.wait(1),
            ],
            Self.state(
                [Self.claim(size: "5Gi", volume: "a", capacity: "1Gi")], [Self.volume(phase: "Bound", claim: "c")],
                events: [
                    Self.event(
                        "ExternalExpanding", "waiting for an external controller to expand this PVC", type: "Normal")
                ]))
        try await scenario.play()
    }
}
