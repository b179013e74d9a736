import Shared
import TestKit
import Testing

/// Source: the stateful set controller.
struct StatefulScenarios {
    private static func create(_ replicas: Int, spec: JSON = [:]) -> JSON {
        var spec = spec
        spec["replicas"] = JSON(replicas)
        return Scenario.create(Scenario.workload("StatefulSet", "db", spec: spec))
    }
    private static func partition(_ number: Int) -> JSON {
        ["updateStrategy": ["type": "RollingUpdate", "rollingUpdate": ["partition": JSON(number)]]]
    }
    private static func pod(
        _ ordinal: Int, _ image: Int, phase: String = "Running", isDeleting: Bool = false
    ) -> JSON {
        let name = "db-\(ordinal)"
        return Scenario.seen(
            name, "run:\(image)",
            labels: [
                "app": "db", "controller-revision-hash": .string("db-<rev:\(image)>"),
                "statefulset.kubernetes.io/pod-name": .string(name),
            ], owner: "StatefulSet/db!^", phase: phase, isDeleting: isDeleting, more: ["hostname": .string(name)])
    }
    /// - Parameter counts: replicas, ready, current and updated ones.
    private static func set(
        _ replicas: Int, _ counts: (all: Int, ready: Int, current: Int, updated: Int), generation: Int,
        from current: Int, to update: Int, pods: [JSON]
    ) -> JSON {
        var status: JSON = [
            "collisionCount": 0, "observedGeneration": JSON(generation), "replicas": JSON(counts.all),
            "currentRevision": .string("db-<rev:\(current)>"), "updateRevision": .string("db-<rev:\(update)>"),
        ]
        let others = [
            ("readyReplicas", counts.ready), ("currentReplicas", counts.current), ("updatedReplicas", counts.updated),
        ]
        for (key, count) in others where count > 0 { status[key] = JSON(count) }
        return [
            "StatefulSet": [
                ["name": "db", "replicas": JSON(replicas), "generation": JSON(generation), "status": status]
            ], "Pod": .array(pods),
        ]
    }

    @Test func `with OnDelete the set never says that it has come from one revision to the next`() async throws {
        var scenario = Scenario("statefulset")
        scenario.step(
            [Self.create(2, spec: ["updateStrategy": ["type": "OnDelete"]])],
            Self.set(2, (2, 2, 2, 2), generation: 1, from: 1, to: 1, pods: [Self.pod(0, 1), Self.pod(1, 1)]))
        scenario.step(
            [Scenario.setImage("StatefulSet", "db", "run:2")],
            Self.set(2, (2, 2, 2, 0), generation: 2, from: 1, to: 2, pods: [Self.pod(0, 1), Self.pod(1, 1)]))
        scenario.step(
            [Scenario.removePods("db-0")],
            Self.set(2, (2, 2, 1, 1), generation: 2, from: 1, to: 2, pods: [Self.pod(0, 2), Self.pod(1, 1)]))
        scenario.step(
            [Scenario.removePods("db-1")],
            Self.set(2, (2, 2, 0, 2), generation: 2, from: 1, to: 2, pods: [Self.pod(0, 2), Self.pod(1, 2)]))
        try await scenario.play()
    }

    @Test func `below a partition even new pods have the former revision`() async throws {
        var scenario = Scenario("statefulset")
        scenario.step([Self.create(1, spec: Self.partition(5))], [:])
        scenario.step(
            [Scenario.setImage("StatefulSet", "db", "run:2"), Scenario.set("StatefulSet", "db", ["replicas": 2])],
            Self.set(2, (2, 2, 2, 0), generation: 3, from: 1, to: 2, pods: [Self.pod(0, 1), Self.pod(1, 1)]))
        try await scenario.play()
    }

    @Test func `a partition that is raised in an update takes back what was on its way`() async throws {
        var scenario = Scenario("statefulset")
        scenario.step([Self.create(2)], [:])
        let leaving = [Self.pod(0, 1), Self.pod(1, 1, isDeleting: true)]
        scenario.step(
            [Scenario.stopAgents, Scenario.setImage("StatefulSet", "db", "run:2")],
            Self.set(2, (2, 2, 1, 0), generation: 2, from: 1, to: 2, pods: leaving))
        scenario.step(
            [Scenario.set("StatefulSet", "db", Self.partition(2))],
            Self.set(2, (2, 2, 1, 0), generation: 3, from: 1, to: 2, pods: leaving))
        scenario.step(
            [Scenario.tick],
            Self.set(
                2, (2, 1, 2, 0), generation: 3, from: 1, to: 2,
                pods: [Self.pod(0, 1), Self.pod(1, 1, phase: "Pending")]))
        scenario.step(
            [Scenario.tick],
            Self.set(2, (2, 2, 2, 0), generation: 3, from: 1, to: 2, pods: [Self.pod(0, 1), Self.pod(1, 1)]))
        try await scenario.play()
    }

    @Test func `a pod that is deleted in an update comes back first, and updated`() async throws {
        var scenario = Scenario("statefulset")
        scenario.step([Self.create(2)], [:])
        scenario.step(
            [Scenario.stopAgents, Scenario.setImage("StatefulSet", "db", "run:2"), Scenario.removePods("db-0")],
            Self.set(
                2, (2, 2, 0, 0), generation: 2, from: 1, to: 2,
                pods: [Self.pod(0, 1, isDeleting: true), Self.pod(1, 1, isDeleting: true)]))
        scenario.step(
            [Scenario.tick],
            Self.set(2, (1, 0, 0, 1), generation: 2, from: 1, to: 2, pods: [Self.pod(0, 2, phase: "Pending")]))
        scenario.step(
            [Scenario.tick],
            Self.set(
                2, (2, 1, 0, 2), generation: 2, from: 1, to: 2,
                pods: [Self.pod(0, 2), Self.pod(1, 2, phase: "Pending")]))
        scenario.step(
            [Scenario.tick],
            Self.set(2, (2, 2, 2, 2), generation: 2, from: 2, to: 2, pods: [Self.pod(0, 2), Self.pod(1, 2)]))
        try await scenario.play()
    }

    @Test func `a pod of the right name is adopted, named and replaced`() async throws {
        var scenario = Scenario("statefulset")
        scenario.step([Scenario.create(Scenario.pod("db-0", image: "run:0", app: "db"))], [:])
        var after = Self.set(1, (1, 1, 1, 1), generation: 1, from: 1, to: 1, pods: [Self.pod(0, 1)])
        after["events"] = [
            Scenario.event("StatefulSet/db", "SuccessfulUpdate", "update Pod db-0 in StatefulSet db successful"),
            Scenario.event("StatefulSet/db", "SuccessfulDelete", "delete Pod db-0 in StatefulSet db successful"),
            Scenario.event("StatefulSet/db", "SuccessfulCreate", "create Pod db-0 in StatefulSet db successful"),
        ]
        scenario.step([Self.create(1)], after)
        try await scenario.play()
    }
}
