import Shared
import TestKit
import Testing

/// Source: the quota admission and controller, `pkg/quota/v1`; the disruption controller and the eviction subresource.
struct QuotaScenarios {
    private static func quota(_ hard: JSON, _ used: JSON, name: String = "q", scopes: [String] = []) -> JSON {
        var quota: JSON = ["name": .string(name), "spec": ["hard": hard], "status": ["hard": hard, "used": used]]
        if !scopes.isEmpty { quota["spec"]["scopes"] = JSON(scopes) }
        return quota
    }
    private static func asking(_ requests: JSON, _ limits: JSON = [:]) -> JSON {
        ["resources": ["requests": requests, "limits": limits]]
    }

    @Test func `pods are counted by what they ask for, and must say it`() async throws {
        let hard: JSON = ["requests.cpu": "1", "requests.memory": "1Gi", "limits.cpu": "2"]
        let used: JSON = ["requests.cpu": "600m", "requests.memory": "512Mi", "limits.cpu": "1"]
        var scenario = Scenario("quota")
        scenario.step(
            [Scenario.create(Scenario.quota(hard))],
            ["ResourceQuota": [Self.quota(hard, ["requests.cpu": "0", "requests.memory": "0", "limits.cpu": "0"])]])
        scenario.step(
            [
                Scenario.create(
                    Scenario.pod(
                        "p1",
                        container: Self.asking(["cpu": "600m", "memory": "512Mi"], ["cpu": "1", "memory": "1Gi"]))
                )
            ], ["ResourceQuota": [Self.quota(hard, used)]])
        scenario.step(
            [
                Scenario.create(
                    Scenario.pod("p2", container: Self.asking(["cpu": "500m", "memory": "600Mi"], ["cpu": "500m"]))),
                Scenario.create(Scenario.pod("p3")),
                Scenario.create(Scenario.pod("p4", container: Self.asking(["cpu": "100m"], ["cpu": "100m"]))),
            ], ["ResourceQuota": [Self.quota(hard, used)]],
            results: [
                Scenario.refused(
                    "pods", "p2",
                    "exceeded quota: q, requested: requests.cpu=500m,requests.memory=600Mi, used: requests.cpu=600m,requests.memory=512Mi, limited: requests.cpu=1,requests.memory=1Gi"
                ),
                Scenario.refused(
                    "pods", "p3",
                    "failed quota: q: must specify limits.cpu for: c; requests.cpu for: c; requests.memory for: c"),
                Scenario.refused("pods", "p4", "failed quota: q: must specify requests.memory for: c"),
            ])
        try await scenario.play()
    }

    @Test func `scopes share the pods out among the quotas`() async throws {
        let one: JSON = ["pods": "1"]
        func state(_ used: String) -> JSON {
            [
                "ResourceQuota": [
                    Self.quota(one, ["pods": .string(used)], name: "be", scopes: ["BestEffort"]),
                    Self.quota(one, ["pods": .string(used)], name: "nb", scopes: ["NotBestEffort"]),
                ]
            ]
        }
        var scenario = Scenario("quota")
        scenario.step(
            [
                Scenario.create(Scenario.quota(one, name: "be", scopes: ["BestEffort"])),
                Scenario.create(Scenario.quota(one, name: "nb", scopes: ["NotBestEffort"])),
            ], state("0"))
        scenario.step(
            [
                Scenario.create(Scenario.pod("p1")),
                Scenario.create(Scenario.pod("p2", container: Self.asking(["cpu": "1m"]))),
                Scenario.create(Scenario.pod("p3")),
            ], state("1"),
            results: [
                Scenario.refused(
                    "pods", "p3", "exceeded quota: be, requested: pods=1, used: pods=1, limited: pods=1")
            ])
        try await scenario.play()
    }

    @Test func `what a pod leaves out is said before what would be too much`() async throws {
        var scenario = Scenario("quota")
        scenario.step(
            [
                Scenario.create(Scenario.quota(["pods": "0"], name: "a")),
                Scenario.create(Scenario.quota(["requests.cpu": "1"], name: "b")),
                Scenario.create(Scenario.pod("p1")),
            ],
            [
                "ResourceQuota": [
                    Self.quota(["pods": "0"], ["pods": "0"], name: "a"),
                    Self.quota(["requests.cpu": "1"], ["requests.cpu": "0"], name: "b"),
                ]
            ], results: [Scenario.refused("pods", "p1", "failed quota: b: must specify requests.cpu for: c")])
        try await scenario.play()
    }

    // MARK: Disruption budgets

    private static func budget(healthy: Int, desired: Int, allowed: Int, expected: Int) -> JSON {
        [
            "PodDisruptionBudget": [
                [
                    "disruptedPods": [], "generation": 1, "name": "b",
                    "status": [
                        "currentHealthy": JSON(healthy), "desiredHealthy": JSON(desired),
                        "disruptionsAllowed": JSON(allowed), "expectedPods": JSON(expected), "observedGeneration": 1,
                    ],
                ]
            ]
        ]
    }
    private static let granted: JSON = ["op": "evict", "code": 201, "message": "", "reason": "", "causes": []]
    private static func denied(_ why: String) -> JSON {
        [
            "op": "evict", "code": 429, "reason": "TooManyRequests",
            "message": "Cannot evict pod as it would violate the pod's disruption budget.",
            "causes": [["reason": "DisruptionBudget", "message": .string(why)]],
        ]
    }

    @Test func `an eviction takes from the budget, and one that was granted may be asked for again`() async throws {
        let make = ["p1", "p2", "p3"].map { Scenario.create(Scenario.pod($0)) }
        let budget: JSON = [
            "kind": "PodDisruptionBudget", "metadata": ["name": "b"],
            "spec": ["minAvailable": 2, "selector": ["matchLabels": ["app": "web"]]],
        ]
        var scenario = Scenario("pdb")
        scenario.step(
            make + [Scenario.create(budget)], Self.budget(healthy: 3, desired: 2, allowed: 1, expected: 3))
        let taken = Self.budget(healthy: 2, desired: 2, allowed: 0, expected: 3)
        scenario.step([Scenario.stopAgents, Scenario.evict("p1")], taken, results: [Self.granted])
        scenario.step(
            [Scenario.evict("p2")], taken,
            results: [Self.denied("The disruption budget b needs 2 healthy pods and has 2 currently")])
        scenario.step([Scenario.evict("p1")], taken, results: [Self.granted])
        scenario.step([Scenario.tick], Self.budget(healthy: 2, desired: 2, allowed: 0, expected: 2))
        try await scenario.play()
    }
}
