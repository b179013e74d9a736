import Shared
import TestKit
import Testing

/// Source: the daemon set controller.
struct DaemonScenarios {
    private static func create(spec: JSON = [:]) -> JSON {
        Scenario.create(Scenario.workload("DaemonSet", "ds", pool: "$S", spec: spec))
    }
    /// - Parameter counts: what differs from zero.
    private static func set(_ counts: JSON, generation: Int = 1) -> JSON {
        var status: JSON = [
            "currentNumberScheduled": 0, "desiredNumberScheduled": 0, "numberMisscheduled": 0, "numberReady": 0,
        ]
        status["observedGeneration"] = JSON(generation)
        for (key, value) in counts.members { status[key] = value }
        return [
            "name": "ds", "generation": JSON(generation),
            "annotations": ["deprecated.daemonset.template.generation": .string(String(generation))], "status": status,
        ]
    }
    private static func revision(_ number: Int) -> JSON {
        [
            "name": .string("ds-<rev:\(number)>"), "revision": JSON(number), "owners": ["DaemonSet/ds!^"],
            "labels": ["app": "ds", "controller-revision-hash": .string("<rev:\(number)>")],
            "annotations": ["deprecated.daemonset.template.generation": .string(String(number))],
        ]
    }
    private static let one: JSON = [
        "currentNumberScheduled": 1, "desiredNumberScheduled": 1, "numberAvailable": 1, "numberReady": 1,
    ]

    @Test func `records that pods still have take up room of the history`() async throws {
        var scenario = Scenario("daemonset")
        scenario.step([Scenario.node("n1")], [:])
        scenario.step([Self.create(spec: ["updateStrategy": ["type": "OnDelete"], "revisionHistoryLimit": 1])], [:])
        scenario.step(
            [Scenario.setImage("DaemonSet", "ds", "run:2")],
            [
                "DaemonSet": [Self.set(Self.one, generation: 2)],
                "ControllerRevision": [Self.revision(1), Self.revision(2)],
            ])
        scenario.step(
            [Scenario.setImage("DaemonSet", "ds", "run:3")],
            [
                "DaemonSet": [Self.set(Self.one, generation: 3)],
                "ControllerRevision": [Self.revision(1), Self.revision(3)],
            ])
        try await scenario.play()
    }

    @Test func `a second pod on a node goes, the younger one`() async throws {
        var updated = Self.one
        updated["updatedNumberScheduled"] = 1
        var scenario = Scenario("daemonset")
        scenario.step([Scenario.node("n1")], [:])
        scenario.step([Self.create(), Scenario.wait(2)], [:])
        scenario.step(
            [Scenario.create(Scenario.pod("p", app: "ds", spec: ["nodeSelector": ["set": "$S"]]))],
            [
                "DaemonSet": [Self.set(updated)],
                "events": [
                    Scenario.event("DaemonSet/ds", "SuccessfulCreate", "Created pod: ds-*"),
                    Scenario.event("DaemonSet/ds", "SuccessfulDelete", "Deleted pod: p"),
                ],
            ])
        try await scenario.play()
    }

    @Test func `a failed pod is told of and replaced`() async throws {
        var updated = Self.one
        updated["updatedNumberScheduled"] = 1
        var scenario = Scenario("daemonset")
        scenario.step([Scenario.node("n1")], [:])
        scenario.step([Self.create()], [:])
        scenario.step(
            [Scenario.move(to: "failed")],
            [
                "DaemonSet": [Self.set(updated)],
                "events": [
                    Scenario.event("DaemonSet/ds", "SuccessfulCreate", "Created pod: ds-*", count: 2),
                    Scenario.event("DaemonSet/ds", "SuccessfulDelete", "Deleted pod: ds-*"),
                    Scenario.event(
                        "DaemonSet/ds", "FailedDaemonPod",
                        "Found failed daemon pod gc-$S/ds-* on node gc-$S-n1, will try to kill it", isWarning: true),
                ],
            ])
        try await scenario.play()
    }

    @Test func `a pod that does not fit its node is waited for`() async throws {
        var scenario = Scenario("daemonset")
        scenario.step([Scenario.node("n1")], [:])
        var spec = Scenario.workload("DaemonSet", "ds", pool: "$S")
        spec["spec"]["template"]["spec"]["containers"] = [
            ["name": "c", "image": "run:1", "resources": ["requests": ["cpu": "9"]]]
        ]
        scenario.step(
            [Scenario.create(spec)],
            [
                "DaemonSet": [
                    Self.set([
                        "currentNumberScheduled": 1, "desiredNumberScheduled": 1, "numberUnavailable": 1,
                        "updatedNumberScheduled": 1,
                    ])
                ]
            ])
        try await scenario.play()
    }
}
