import Shared
import Testing

@testable import Console

struct ProblemsTests {
    private func problems(_ pods: [JSON] = [], nodes: [JSON] = [], deployments: [JSON] = []) -> [String] {
        Problems.find(.of([.pods: pods, .nodes: nodes, .deployments: deployments])).map {
            "\($0.severity.word) \($0.target.text): \($0.what), \($0.why)" + ($0.count > 1 ? " ×\($0.count)" : "")
                + $0.effects.map { " ⇒ \($0)" }.joined()
        }
    }

    @Test func `a healthy cluster has no problems`() {
        #expect(
            problems(
                [FakeCluster.pod("a", app: "web", node: "n")], nodes: [FakeCluster.node("n")],
                deployments: [FakeCluster.deployment("web", replicas: 1, ready: 1)]
            ).isEmpty)
    }

    @Test func `the reason stands beside the pod and siblings share a line`() {
        let exit: JSON = ["terminated": ["exitCode": 1, "reason": "Error"]]
        let crash = { (name: String) in
            FakeCluster.pod(
                name, app: "web", hash: "h", node: "n", restarts: 3, state: ["waiting": ["reason": "CrashLoopBackOff"]],
                ready: false, lastState: exit)
        }
        #expect(problems([crash("web-h-a"), crash("web-h-b")]) == ["BROKEN pod web-h-a: CrashLoopBackOff, exit 1 ×2"])
    }

    @Test func `a pod that fits no node says why`() {
        var pod = FakeCluster.pod("a", app: "web", node: "", ready: false, phase: "Pending")
        pod["status"]["conditions"] = [
            [
                "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                "message": "0/3 nodes are available: 3 Insufficient cpu.",
            ]
        ]
        #expect(problems([pod]) == ["WARN pod a: unschedulable, 0/3 nodes are available: 3 Insufficient cpu."])
    }

    @Test func `a lost node comes before a deployment with fewer replicas`() {
        let found = problems(
            nodes: [FakeCluster.node("n", ready: false)],
            deployments: [FakeCluster.deployment("web", replicas: 3, ready: 2)])
        #expect(
            found == [
                "BROKEN node n: node not ready, NodeStatusUnknown: the agent stopped renewing its lease",
                "WARN deployment web: 2 of 3 available, fewer replicas than wanted",
            ])
    }

    @Test func `what only just started is no problem yet`() {
        #expect(problems([FakeCluster.pod("a", app: "web", node: "n", age: 5, ready: false)]).isEmpty)
        #expect(problems([FakeCluster.pod("a", app: "web", node: "n", age: 500, ready: false)]).count == 1)
    }

    @Test func `a deployment whose pods crash stands with them`() {
        let crash = FakeCluster.pod(
            "web-h-a", app: "web", hash: "h", node: "n", restarts: 3,
            state: ["waiting": ["reason": "CrashLoopBackOff"]],
            ready: false, lastState: ["terminated": ["exitCode": 1, "reason": "Error"]])
        let found = problems([crash], deployments: [FakeCluster.deployment("web", replicas: 1, ready: 0)])
        #expect(found == ["BROKEN pod web-h-a: CrashLoopBackOff, exit 1 ⇒ deployment web has 0 of 1 available"])
    }

    @Test func `pods of a lost node are counted with the node`() {
        let found = problems(
            [FakeCluster.pod("a", app: "web", node: "n"), FakeCluster.pod("b", app: "web", node: "n", ready: false)],
            nodes: [FakeCluster.node("n", ready: false)])
        #expect(found == ["BROKEN node n: node not ready, NodeStatusUnknown: the agent stopped renewing its lease ×2"])
    }
}
