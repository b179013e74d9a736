import Shared
import TestKit
import Testing

@testable import Master

struct PreemptionTests {
    private static func pod(
        _ name: String, cpu: String, priority: Int, node: String = "", labels: [String: String] = [:],
        started: Int64 = 0
    ) -> Pod {
        var pod = PlacerTests.pod(name, PlacerTests.asking(cpu: cpu), node: node, labels: labels)
        pod.json["spec"]["priority"] = JSON(priority)
        pod.json["status"]["startTime"] = .string(Timestamp(seconds: 1_700_000_000 + started).rfc3339)
        return pod
    }
    private static func find(
        _ pod: Pod, _ nodes: [Node], _ pods: [Pod], budgets: [Budget] = []
    ) -> (candidate: Preemption.Candidate?, why: String) {
        var snapshot = PlacerTests.snapshot(nodes, pods)
        let demand = PodDemand(pod)
        var placer = Placer(random: Seed(1))
        guard case .nowhere(let refusal) = placer.place(demand, in: &snapshot) else { return (nil, "placed") }
        let before = snapshot.nodes.map { $0.used.cpu }
        defer { #expect(snapshot.nodes.map { $0.used.cpu } == before, "the trial left its marks") }
        switch Preemption.find(for: demand, refusal, in: &snapshot, .standard, budgets: budgets) {
        case .node(let candidate): return (candidate, "")
        case .nobody(let why): return (nil, why)
        }
    }
    private static func budget(_ app: String, allowed: Int) -> Budget {
        var budget = PodDisruptionBudget(name: app, namespace: "default")
        budget.json["spec"] = ["selector": ["matchLabels": ["app": .string(app)]]]
        budget.json["status"] = ["disruptionsAllowed": JSON(allowed)]
        return Budget(budget)
    }

    @Test func `only as many leave as must, the least important first`() {
        let pods = [
            PreemptionTests.pod("a", cpu: "2", priority: 1, node: "n"),
            PreemptionTests.pod("b", cpu: "1", priority: 5, node: "n"),
            PreemptionTests.pod("c", cpu: "1", priority: 9, node: "n"),
        ]
        let found = PreemptionTests.find(
            PreemptionTests.pod("p", cpu: "2", priority: 8), [Sample.node("n", cpu: "4")], pods)
        #expect(found.candidate?.victims.map(\.key.name) == ["a"])
    }

    @Test func `budgets are kept where that is possible, and broken where it is not`() {
        let pods = [
            PreemptionTests.pod("a", cpu: "1", priority: 1, node: "n", labels: ["app": "web"]),
            PreemptionTests.pod("b", cpu: "1", priority: 1, node: "m", labels: ["app": "db"]),
        ]
        let nodes = [Sample.node("n", cpu: "1"), Sample.node("m", cpu: "1")]
        let pod = PreemptionTests.pod("p", cpu: "1", priority: 8)
        let budgets = [PreemptionTests.budget("web", allowed: 0)]
        #expect(PreemptionTests.find(pod, nodes, pods, budgets: budgets).candidate?.node == "m")
        let only = PreemptionTests.find(pod, [nodes[0]], [pods[0]], budgets: budgets).candidate
        #expect(only?.node == "n")
        #expect(only?.violations == 1)
    }

    @Test func `the node whose victims started last is chosen among equals`() {
        let pods = [
            PreemptionTests.pod("a", cpu: "1", priority: 1, node: "n", started: 10),
            PreemptionTests.pod("b", cpu: "1", priority: 1, node: "m", started: 900),
        ]
        let found = PreemptionTests.find(
            PreemptionTests.pod("p", cpu: "1", priority: 8),
            [Sample.node("n", cpu: "1"), Sample.node("m", cpu: "1")], pods)
        #expect(found.candidate?.node == "m")
    }

    @Test func `who cannot be helped is told why`() {
        let nodes = [Sample.node("n", cpu: "1"), Sample.node("m", cpu: "4"), Sample.node("o", cpu: "2")]
        let pods = [
            PreemptionTests.pod("a", cpu: "1", priority: 10, node: "m"),
            PreemptionTests.pod("b", cpu: "2", priority: 10, node: "m"),
            PreemptionTests.pod("c", cpu: "1", priority: 1, node: "o"),
            PreemptionTests.pod("d", cpu: "1", priority: 10, node: "o"),
        ]
        let pod = PreemptionTests.pod("p", cpu: "2", priority: 5)
        #expect(
            PreemptionTests.find(pod, nodes, pods).why
                == "0/3 nodes are available: 1 Insufficient cpu, 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."
        )
        var never = pod
        never.json["spec"]["preemptionPolicy"] = "Never"
        #expect(PreemptionTests.find(never, nodes, pods).why == "not eligible due to preemptionPolicy=Never.")
    }

    @Test(arguments: Seeds.tried().map { Seed($0) })
    func `after the victims are gone the pod fits, and with one of them it would not`(seed: Seed) {
        var random = seed
        let nodes = (0..<4).map { Sample.node("n\($0)", cpu: "4") }
        var snapshot = PlacerTests.snapshot(nodes)
        for number in 0..<40 {
            let milli = Int.random(in: 100..<1500, using: &random)
            let pod = PodDemand(
                PreemptionTests.pod(
                    "p\(number)", cpu: "\(milli)m", priority: Int.random(in: 0..<5, using: &random),
                    started: Int64.random(in: 0..<1000, using: &random)))
            let node = "n\(Int.random(in: 0..<4, using: &random))"
            if let there = snapshot.node(node), pod.shortages(on: there) == nil { snapshot.place(pod, on: node) }
        }
        let demand = PodDemand(PreemptionTests.pod("new", cpu: "3", priority: 3))
        var placer = Placer(random: Seed(1))
        guard case .nowhere(let refusal) = placer.place(demand, in: &snapshot),
            case .node(let candidate) = Preemption.find(
                for: demand, refusal, in: &snapshot, .standard, budgets: [])
        else { return }
        #expect(candidate.victims.allSatisfy { $0.priority < demand.priority }, "\(seed)")
        for kept in candidate.victims {
            for victim in candidate.victims where victim.uid != kept.uid { snapshot.remove(pod: victim.uid) }
            let node = snapshot.node(candidate.node)
            #expect(node.flatMap { demand.shortages(on: $0) } != nil, "\(seed): \(kept.key.name) left in vain")
            for victim in candidate.victims { snapshot.place(victim, on: candidate.node) }
        }
        for victim in candidate.victims { snapshot.remove(pod: victim.uid) }
        #expect(snapshot.node(candidate.node).map { demand.shortages(on: $0) == nil } ?? false, "\(seed)")
    }
}
