import Shared
import TestKit
import Testing

/// Source: the node lifecycle and taint eviction controllers.
struct NodeScenarios {
    private static let zone: JSON = ["topology.kubernetes.io/zone": "z-$S"]
    private static let nodes: [JSON] =
        ["n1", "n2", "n3"].map { ["op": "node", "name": .string("gc-$S-\($0)"), "labels": zone] } + [Scenario.wait(1)]
    private static func condition(_ type: String, _ status: String) -> JSON {
        ["op": "cond", "name": "gc-$S-n1", "type": .string(type), "status": .string(status)]
    }
    private static func pod(_ tolerations: [JSON]) -> JSON {
        let helper: JSON = ["key": "helper", "operator": "Exists", "effect": "NoSchedule"]
        return Scenario.pod(
            "p1", spec: ["nodeName": "gc-$S-n1", "nodeSelector": [:], "tolerations": .array([helper] + tolerations)])
    }
    private static func tolerating(_ key: String, seconds: Int) -> JSON {
        [
            "key": .string(key), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": JSON(seconds),
        ]
    }
    private static func state(deleting: Bool = false) -> JSON {
        var pod: JSON = [
            "image": "run:1", "labels": ["app": "web"], "name": "p1", "node": "gc-$S-n1", "phase": "Running",
            "ready": true,
        ]
        if deleting { pod["deleting"] = true }
        return ["Pod": [pod]]
    }
    private static func taint(_ keys: [String]) -> JSON {
        let helper: JSON = ["key": "helper", "value": "gc", "effect": "NoSchedule"]
        let taints: [JSON] = keys.map { ["key": .string($0), "effect": "NoExecute"] }
        return Scenario.patch("Node", "gc-$S-n1", ["spec": ["taints": .array([helper] + taints)]])
    }

    @Test func `a pod stays when its node comes back within the time that it tolerates`() async throws {
        var scenario = Scenario("nodelifecycle")
        scenario.step(Self.nodes, [:])
        scenario.step(
            [
                Scenario.create(Self.pod([Self.tolerating("node.kubernetes.io/not-ready", seconds: 8)])),
                Scenario.stopAgents, Self.condition("Ready", "False"), Scenario.wait(4),
            ], Self.state())
        scenario.step([Self.condition("Ready", "True"), Scenario.wait(12)], Self.state())
        scenario.step([Self.condition("Ready", "False"), Scenario.wait(10)], Self.state(deleting: true))
        try await scenario.play()
    }

    @Test func `a taint that comes later does not lengthen the time of a pod`() async throws {
        var scenario = Scenario("nodelifecycle")
        scenario.step(Self.nodes, [:])
        scenario.step(
            [
                Scenario.create(Self.pod([Self.tolerating("k", seconds: 10), Self.tolerating("m", seconds: 60)])),
                Scenario.stopAgents, Self.taint(["k"]), Scenario.wait(5),
            ], Self.state())
        scenario.step([Self.taint(["m"]), Scenario.wait(7)], Self.state(deleting: true))
        try await scenario.play()
    }

    @Test func `a taint that is not tolerated ends the time of a pod at once`() async throws {
        var scenario = Scenario("nodelifecycle")
        scenario.step(Self.nodes, [:])
        scenario.step(
            [
                Scenario.create(Self.pod([Self.tolerating("k", seconds: 60)])), Scenario.stopAgents,
                Self.taint(["k"]), Scenario.wait(5),
            ], Self.state())
        scenario.step([Self.taint(["k", "m"]), Scenario.wait(1)], Self.state(deleting: true))
        try await scenario.play()
    }
}
