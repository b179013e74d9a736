import Shared
import Testing

@testable import Master

struct NodeLifecycleTests {
    private let now = Sample.start + .seconds(100)
    private let grace = Duration.seconds(8)

    @Test func `a node that is silent for the grace turns unknown in every condition`() {
        let node = Sample.node("n1")
        #expect(NodeHealth.conditions(of: node, silence: .seconds(7), grace: grace, now: now) == nil)
        let conditions = NodeHealth.conditions(of: node, silence: grace, grace: grace, now: now)
        let ready = conditions?.first("Ready")
        #expect(ready?.status == "Unknown")
        #expect(ready?.reason == "NodeStatusUnknown")
        #expect(ready?.message == "Kubelet stopped posting node status.")
        #expect(ready?.lastTransitionTime == now)
        #expect(conditions?.first("MemoryPressure")?.reason == "NodeStatusNeverUpdated")
        var lost = node
        lost.conditions = conditions ?? []
        #expect(NodeHealth.conditions(of: lost, silence: .seconds(60), grace: grace, now: now) == nil)
    }

    /// Each row: Ready, evicting, taints that follow.
    @Test(
        arguments: [
            (true, true, []),
            (false, false, ["node.kubernetes.io/not-ready:NoSchedule"]),
            (false, true, ["node.kubernetes.io/not-ready:NoSchedule", "node.kubernetes.io/not-ready:NoExecute"]),
            (nil, true, ["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"]),
        ] as [(Bool?, Bool, [String])])
    func `taints follow the condition Ready`(ready: Bool?, evicting: Bool, expected: [String]) {
        let node = Sample.node("n1", ready: ready)
        let taints = NodeHealth.taints(of: node, evicting: evicting, now: now) ?? []
        #expect(taints.map { "\($0.key):\($0.effect)" } == expected)
    }

    @Test func `taints of others stay, own ones go when the reason is over`() {
        var node = Sample.node(
            "n1", taints: [Taint("mine", effect: "NoExecute"), Taint(NodeTaint.unreachable, effect: "NoExecute")])
        #expect(NodeHealth.taints(of: node, evicting: false, now: now)?.map(\.key) == ["mine"])
        node.taints = [Taint("mine", effect: "NoExecute")]
        #expect(NodeHealth.taints(of: node, evicting: false, now: now) == nil)
        node.json["spec"]["unschedulable"] = true
        #expect(NodeHealth.taints(of: node, evicting: false, now: now)?.last?.key == NodeTaint.unschedulable)
        node.conditions += [Condition("MemoryPressure", true, since: now)]
        #expect(
            NodeHealth.taints(of: node, evicting: false, now: now)?.map(\.key).contains(NodeTaint.memoryPressure)
                == true)
    }

    @Test func `a pod stays as long as its shortest toleration says`() {
        func stay(_ tolerations: [JSON], _ taints: [Taint]) -> Stay {
            Stay(PodSpec(["tolerations": .array(tolerations)]), under: taints)
        }
        let lost = Taint(NodeTaint.unreachable, effect: "NoExecute")
        let custom = Taint("k", value: "v", effect: "NoExecute")
        let short: JSON = ["key": .string(NodeTaint.unreachable), "operator": "Exists", "tolerationSeconds": 2]
        let long: JSON = ["key": "k", "operator": "Exists", "tolerationSeconds": 9]
        #expect(stay([], []) == .forever)
        #expect(stay([], [Taint("k", effect: "NoSchedule")]) == .forever)
        #expect(stay([], [lost]) == .atMost(.zero))
        #expect(stay([short], [lost]) == .atMost(.seconds(2)))
        #expect(stay([short, long], [lost, custom]) == .atMost(.seconds(2)))
        #expect(stay([short], [lost, custom]) == .atMost(.zero))
        #expect(stay([["operator": "Exists"]], [lost, custom]) == .forever)
        #expect(stay([["key": "k", "operator": "Exists", "tolerationSeconds": -5]], [custom]) == .atMost(.zero))
    }

    @Test func `two nodes are given up at once, the next ones slowly`() {
        var allowance = EvictionAllowance()
        let first = [allowance.ask("a", lost: 1, of: 9, now: .zero), allowance.ask("b", lost: 2, of: 9, now: .zero)]
        #expect(first.map(\.isGranted) == [true, true])
        let third = allowance.ask("c", lost: 3, of: 9, now: .zero)
        #expect(!third.isGranted)
        #expect(third.again == .seconds(10))
        let known = allowance.ask("a", lost: 3, of: 9, now: .seconds(1))
        #expect(known.isGranted)
        let later = allowance.ask("c", lost: 3, of: 9, now: .seconds(11))
        #expect(later.isGranted)
    }

    @Test func `with two of three nodes killed the third takes the pods; with all three nothing moves`() {
        var allowance = EvictionAllowance()
        let asked = [("a", 2), ("b", 2), ("c", 3)].map { allowance.ask($0.0, lost: $0.1, of: 3, now: .zero).isGranted }
        #expect(asked == [true, true, false])
        #expect(allowance.granted.isEmpty)
        var single = EvictionAllowance()
        let only = single.ask("only", lost: 1, of: 1, now: .zero)
        #expect(!only.isGranted)
    }

    @Test func `pods that no agent will end are found`() {
        var deleting = Sample.pod("a", node: "n1")
        deleting.metadata.deletionTimestamp = now
        let out = Taint(NodeTaint.outOfService, effect: "NoExecute")
        let dead = Sample.node("n1", taints: [out], ready: nil)
        #expect(PodCollection.cause(deleting, on: dead) == .outOfService)
        #expect(PodCollection.cause(deleting, on: Sample.node("n1", taints: [out])) == nil)
        #expect(PodCollection.cause(Sample.pod("a", node: "n1"), on: dead) == nil)
        #expect(PodCollection.cause(deleting, on: nil) == .orphaned)
        var unbound = Sample.pod("a")
        #expect(PodCollection.cause(unbound, on: nil) == nil)
        unbound.metadata.deletionTimestamp = now
        #expect(PodCollection.cause(unbound, on: nil) == .unscheduled)
    }

    @Test func `finished pods beyond the limit go, the oldest first`() {
        let pods = (0..<5).map { Sample.pod("p\($0)", phase: .failed, created: Sample.start - .seconds($0)) }
        #expect(PodCollection.surplus(pods + [Sample.pod("live")], limit: 3).map(\.name) == ["p4", "p3"])
        #expect(PodCollection.surplus(pods, limit: 5).isEmpty)
    }

    @Test func `every node gets a block of the pod network of its own`() {
        let blocks = NodeBlocks("10.244.0.0/16").map { Array($0) } ?? []
        #expect(blocks.count == 256)
        #expect(blocks.first == "10.244.0.0/24")
        #expect(blocks.last == "10.244.255.0/24")
        #expect(NodeBlocks("10.0.0.0/22").map { Array($0).first } == "10.0.0.0/26")
        for text in ["", "10.0.0.0", "10.0.0.0/4", "300.1.1.1/16", "10.0.0/16", "fd00::/64", "10.0.0.0/99"] {
            #expect(NodeBlocks(text) == nil, "\(text)")
        }
    }
}
