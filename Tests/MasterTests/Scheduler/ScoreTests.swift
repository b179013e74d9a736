import Shared
import TestKit
import Testing

@testable import Master

/// Numbers of scores, worked out from the formulas of Kubernetes.
struct ScoreTests {
    private static func values(_ score: Score, _ pod: Pod, _ nodes: [Node], _ pods: [Pod] = []) -> [Int?] {
        var snapshot = PlacerTests.snapshot(nodes, pods)
        let demand = PodDemand(pod)
        let cycle = Cycle(demand, &snapshot, .standard)
        return score.values(demand, snapshot.nodes, cycle)
    }
    private static func containers(_ requests: [JSON]) -> JSON {
        [
            "containers": .array(
                requests.enumerated().map { ["name": .string("c\($0)"), "resources": ["requests": $1]] })
        ]
    }

    @Test func `each container that does not say what it needs counts as a small one`() {
        let demand = PodDemand(PlacerTests.pod("p", ScoreTests.containers([["cpu": "1500m"], [:], ["memory": "1Gi"]])))
        #expect(demand.requests.cpu == 1500)
        #expect(demand.weight.cpu == 1700)
        #expect(demand.weight.memory == 1 << 30 + 2 * (200 << 20))
        let explicit = PodDemand(PlacerTests.pod("p", ScoreTests.containers([["cpu": "0", "memory": "0"]])))
        #expect(explicit.weight == (0, 0))
    }

    @Test func `the least allocated node is worth the most`() {
        let free = Score.resources(.leastAllocated, ResourceWeight.standard)
        let node = Sample.node("a", cpu: "4", memory: "8Gi")
        let pod = PlacerTests.pod("p", ScoreTests.containers([["cpu": "1", "memory": "2Gi"]]))
        #expect(ScoreTests.values(free, pod, [node]) == [75])
        let other = PlacerTests.pod("o", ScoreTests.containers([["cpu": "2", "memory": "1Gi"]]), node: "a")
        // (4-3)/4 → 25, (8-3)/8 → 62; their mean, rounded down.
        #expect(ScoreTests.values(free, pod, [node], [other]) == [43])
    }

    @Test func `images count by size and by how many nodes have them`() {
        var nodes = (0..<3).map { Sample.node("n\($0)") }
        nodes[0].json["status"]["images"] = [["names": ["web:1"], "sizeBytes": JSON(500 << 20)]]
        var pod = Sample.pod("p")
        pod.json["spec"]["containers"] = [["name": "c", "image": "web:1"]]
        let size = Int(Double(500 << 20) * (1.0 / 3.0))
        let value = 100 * (size - (23 << 20)) / ((1000 << 20) - (23 << 20))
        #expect(ScoreTests.values(.images, pod, nodes) == [value, 0, 0])
    }

    @Test func `names of nodes that contradict each other are a refusal of their own`() {
        func only(_ name: String) -> JSON { ["key": "metadata.name", "operator": "In", "values": [.string(name)]] }
        let spec: JSON = [
            "affinity": [
                "nodeAffinity": [
                    "requiredDuringSchedulingIgnoredDuringExecution": [
                        "nodeSelectorTerms": [["matchFields": [only("a"), only("b")]]]
                    ]
                ]
            ]
        ]
        var snapshot = PlacerTests.snapshot([Sample.node("a"), Sample.node("b")])
        var placer = Placer(random: Seed(1))
        guard case .nowhere(let refusal) = placer.place(PodDemand(PlacerTests.pod("p", spec)), in: &snapshot) else {
            Issue.record("it was placed")
            return
        }
        #expect(refusal.message == "0/2 nodes are available: pod affinity terms conflict.")
    }
}
