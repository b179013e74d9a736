import Shared
import TestKit
import Testing

@testable import Master

/// How far preemption looks, and for whom. Source: `preemption.Evaluator`, `DefaultPreemption`.
struct PreemptionSearchTests {
    private static func pod(
        _ name: String, priority: Int, node: String = "", labels: [String: String] = [:], more: JSON = [:]
    ) -> Pod {
        var pod = PlacerTests.pod(name, PlacerTests.asking(cpu: "1"), node: node, labels: labels)
        pod.json["spec"]["priority"] = JSON(priority)
        for (key, value) in more.members { pod.json["status"][key] = value }
        return pod
    }
    private static func find(
        _ pod: Pod, in snapshot: inout Snapshot, _ profile: Profile, _ budgets: [Budget] = []
    ) -> String? {
        let demand = PodDemand(pod)
        var placer = Placer(random: Seed(1))
        guard case .nowhere(let refusal) = placer.place(demand, in: &snapshot, profile) else { return nil }
        let found = Preemption.find(for: demand, refusal, in: &snapshot, profile, budgets: budgets)
        if case .node(let candidate) = found { return candidate.node }
        return nil
    }

    @Test func `the search goes on while every candidate would break a budget`() {
        var profile = Profile.standard
        profile.preemptionNodesMin = 1
        profile.preemptionNodesPercent = 0
        var budget = PodDisruptionBudget(name: "b", namespace: "default")
        budget.json["spec"] = ["selector": ["matchLabels": ["app": "web"]]]
        budget.json["status"] = ["disruptionsAllowed": 0]
        let names = ["n0", "n1", "n2"]
        var snapshot = PlacerTests.snapshot(
            names.map { Sample.node($0, cpu: "1") },
            names.map { name in
                Self.pod("p-\(name)", priority: 1, node: name, labels: ["app": name == "n2" ? "db" : "web"])
            })
        #expect(Self.find(Self.pod("p", priority: 8), in: &snapshot, profile, [Budget(budget)]) == "n2")
    }

    @Test func `a pod whose chosen node is closed to it for good gets another`() {
        var closed = Sample.node("a", cpu: "1")
        closed.json["spec"]["unschedulable"] = true
        var leaving = Self.pod(
            "v", priority: 1, node: "a",
            more: [
                "conditions": [["type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"]]
            ])
        leaving.metadata.deletionTimestamp = Sample.start
        let other = Self.pod("w", priority: 1, node: "b")
        let pod = Self.pod("p", priority: 8)
        var shut = PlacerTests.snapshot([closed, Sample.node("b", cpu: "1")], [leaving, other])
        shut.nominate(PodDemand(pod), for: "a")
        #expect(Self.find(pod, in: &shut, .standard) == "b")
        var open = PlacerTests.snapshot([Sample.node("a", cpu: "1"), Sample.node("b", cpu: "1")], [leaving, other])
        open.nominate(PodDemand(pod), for: "a")
        #expect(Self.find(pod, in: &open, .standard) == nil)
    }
}

/// Zones of volumes. Source: plugin `VolumeZone`.
struct VolumeZoneTests {
    /// The label of the volume, the labels of the node, and whether the pod may go there.
    static let rows: [(String, [String: String], Bool)] = [
        ("topology.kubernetes.io/zone", ["topology.kubernetes.io/zone": "a"], true),
        ("topology.kubernetes.io/zone", ["topology.kubernetes.io/zone": "b"], false),
        ("failure-domain.beta.kubernetes.io/zone", ["topology.kubernetes.io/zone": "a"], true),
        ("failure-domain.beta.kubernetes.io/region", ["topology.kubernetes.io/zone": "a"], false),
        ("topology.kubernetes.io/zone", [:], true),
    ]

    @Test(arguments: rows)
    func `a volume keeps its pod in its zone, whatever name the label has`(
        label: String, node: [String: String], fits: Bool
    ) {
        var volume = PersistentVolume(name: "v")
        volume.metadata.labels = [label: "a"]
        var claim = PersistentVolumeClaim(name: "c", namespace: "default")
        claim.volumeName = "v"
        claim.json["status"] = ["phase": "Bound"]
        var snapshot = PlacerTests.snapshot([Sample.node("n", labels: node)])
        snapshot.volumes.put(volume)
        snapshot.volumes.put(claim)
        let pod = PlacerTests.pod("p", ["volumes": [["name": "v", "persistentVolumeClaim": ["claimName": "c"]]]])
        var placer = Placer(random: Seed(1))
        switch placer.place(PodDemand(pod), in: &snapshot) {
        case .node: #expect(fits)
        case .nowhere(let refusal):
            #expect(!fits)
            #expect(refusal.message == "0/1 nodes are available: 1 node(s) had no available volume zone.")
        }
    }
}
