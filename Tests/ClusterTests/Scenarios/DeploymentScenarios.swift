import Shared
import TestKit
import Testing

/// Source: the deployment and replica set controllers.
struct DeploymentScenarios {
    private static func condition(_ type: String, _ status: String, _ reason: String, _ message: String) -> JSON {
        [
            "type": .string(type), "status": .string(status), "reason": .string(reason), "message": .string(message),
        ]
    }
    private static let available = condition(
        "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    private static let missing = condition(
        "Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    private static let paused = condition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
    private static func complete(_ set: String) -> JSON {
        condition(
            "Progressing", "True", "NewReplicaSetAvailable", "ReplicaSet \"\(set)\" has successfully progressed.")
    }
    private static func timedOut(_ set: String) -> JSON {
        condition(
            "Progressing", "False", "ProgressDeadlineExceeded", "ReplicaSet \"\(set)\" has timed out progressing.")
    }

    private static func deployment(
        _ replicas: Int, image: String = "run:1", generation: Int = 1, revision: Int? = 1, status: JSON,
        conditions: [JSON]
    ) -> JSON {
        var status = status
        status["observedGeneration"] = JSON(generation)
        var deployment: JSON = [
            "name": "web", "labels": ["app": "web"], "image": .string(image), "replicas": JSON(replicas),
            "generation": JSON(generation), "conditions": .array(conditions), "status": status,
        ]
        if let revision {
            deployment["annotations"] = ["deployment.kubernetes.io/revision": .string(String(revision))]
        }
        return ["Deployment": [deployment]]
    }
    private static func all(_ count: Int) -> JSON {
        [
            "replicas": JSON(count), "updatedReplicas": JSON(count), "readyReplicas": JSON(count),
            "availableReplicas": JSON(count),
        ]
    }
    private static func create(_ replicas: Int, image: String = "run:1", spec: JSON = [:]) -> JSON {
        var spec = spec
        spec["replicas"] = JSON(replicas)
        return Scenario.create(Scenario.workload("Deployment", "web", image: image, spec: spec))
    }

    @Test func `a deployment made in a pause has no set before it goes on`() async throws {
        var scenario = Scenario("deployment")
        var before = Self.deployment(2, revision: nil, status: [:], conditions: [Self.missing, Self.paused])
        before["ReplicaSet"] = []
        before["events"] = []
        scenario.step([Self.create(2, spec: ["paused": true])], before)
        scenario.step(
            [Scenario.set("Deployment", "web", ["paused": false])],
            Self.deployment(
                2, generation: 2, status: Self.all(2), conditions: [Self.available, Self.complete("web-<hash:1>")]))
        try await scenario.play()
    }

    @Test func `a deadline that has passed is not forgotten in a pause`() async throws {
        let stuck: JSON = ["replicas": 1, "updatedReplicas": 1, "unavailableReplicas": 1]
        func seen(_ generation: Int) -> JSON {
            Self.deployment(
                1, image: "stuck:1", generation: generation, status: stuck,
                conditions: [Self.missing, Self.timedOut("web-<hash:1>")])
        }
        var scenario = Scenario("deployment")
        scenario.step(
            [Self.create(1, image: "stuck:1", spec: ["progressDeadlineSeconds": 2]), Scenario.wait(4)], seen(1))
        scenario.step([Scenario.set("Deployment", "web", ["paused": true])], seen(2))
        scenario.step([Scenario.set("Deployment", "web", ["paused": false]), Scenario.wait(4)], seen(3))
        try await scenario.play()
    }

    @Test func `progress is not watched without a deadline, and from then on when there is one`() async throws {
        let stuck: JSON = ["replicas": 1, "updatedReplicas": 1, "unavailableReplicas": 1]
        var scenario = Scenario("deployment")
        scenario.step(
            [Self.create(1, image: "stuck:1", spec: ["progressDeadlineSeconds": 2_147_483_647])],
            Self.deployment(1, image: "stuck:1", status: stuck, conditions: [Self.missing]))
        scenario.step(
            [Scenario.set("Deployment", "web", ["progressDeadlineSeconds": 2])],
            Self.deployment(
                1, image: "stuck:1", generation: 2, status: stuck,
                conditions: [
                    Self.missing,
                    Self.condition(
                        "Progressing", "True", "FoundNewReplicaSet", "Found new replica set \"web-<hash:1>\""),
                ]))
        scenario.step(
            [Scenario.wait(4)],
            Self.deployment(
                1, image: "stuck:1", generation: 2, status: stuck,
                conditions: [Self.missing, Self.timedOut("web-<hash:1>")]))
        try await scenario.play()
    }

    @Test func `a set of another template that was there before becomes the past`() async throws {
        func set(_ name: String, _ image: String, _ replicas: Int, annotations: JSON, hash: Bool) -> JSON {
            var labels: JSON = ["app": "web"]
            if hash { labels["pod-template-hash"] = "<hash:2>" }
            var status: JSON = ["replicas": JSON(replicas)]
            if replicas > 0 {
                for key in ["availableReplicas", "fullyLabeledReplicas", "readyReplicas"] {
                    status[key] = JSON(replicas)
                }
            }
            return [
                "name": .string(name), "image": .string(image), "replicas": JSON(replicas), "labels": labels,
                "annotations": annotations, "owners": ["Deployment/web!^"], "status": status,
            ]
        }
        let sizes: JSON = [
            "deployment.kubernetes.io/desired-replicas": "2", "deployment.kubernetes.io/max-replicas": "3",
        ]
        var newest = sizes
        newest["deployment.kubernetes.io/revision"] = "1"
        var scenario = Scenario("deployment")
        scenario.step(
            [
                Scenario.create(
                    Scenario.workload("ReplicaSet", "old", image: "run:0", app: "web", spec: ["replicas": 2])),
                Scenario.wait(1),
            ], [:])
        scenario.step(
            [Self.create(2)],
            [
                "ReplicaSet": [
                    set("old", "run:0", 0, annotations: sizes, hash: false),
                    set("web-<hash:2>", "run:1", 2, annotations: newest, hash: true),
                ]
            ])
        try await scenario.play()
    }

    @Test func `a set that was deleted is made again under its name`() async throws {
        var scenario = Scenario("deployment")
        scenario.step([Self.create(2)], [:])
        var after = Self.deployment(
            2, status: Self.all(2), conditions: [Self.available, Self.complete("web-<hash:1>")])
        after["events"] = [
            Scenario.event(
                "Deployment/web", "ScalingReplicaSet", "Scaled up replica set web-<hash:1> to 2", count: 2),
            Scenario.event(
                "ReplicaSet/web-<hash:1>", "SuccessfulCreate", "Created pod: web-<hash:1>-*", count: 4),
        ]
        scenario.step([Scenario.delete("ReplicaSet", "$first:ReplicaSet"), Scenario.wait(1)], after)
        try await scenario.play()
    }

    @Test func `a set that adopts more pods than it wants gives up the youngest`() async throws {
        var scenario = Scenario("replicaset")
        scenario.step([Scenario.create(Scenario.pod("p1", app: "rs")), Scenario.wait(2)], [:])
        scenario.step([Scenario.create(Scenario.pod("p2", app: "rs")), Scenario.wait(2)], [:])
        scenario.step(
            [Scenario.create(Scenario.workload("ReplicaSet", "rs", spec: ["replicas": 1]))],
            [
                "Pod": [Scenario.seen("p1", "run:1", labels: ["app": "rs"], owner: "ReplicaSet/rs!^")],
                "events": [Scenario.event("ReplicaSet/rs", "SuccessfulDelete", "Deleted pod: p2")],
            ])
        try await scenario.play()
    }
}
