import Shared
import TestKit
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

    private func evictions(_ zones: [String: String], lost: [String]) -> ZoneEvictions {
        var evictions = ZoneEvictions(calm: .seconds(8))
        for (node, zone) in zones { _ = evictions.note(node, zone: zone, isLost: false, now: .zero) }
        for node in lost { _ = evictions.note(node, zone: zones[node] ?? "", isLost: true, now: .zero) }
        return evictions
    }

    @Test func `two nodes of a zone are given up at once, the next ones slowly`() {
        var zones: [String: String] = ["far": "other"]
        for node in ["a", "b", "c", "d", "e", "f"] { zones[node] = "near" }
        var evictions = evictions(zones, lost: ["a", "b", "c"])
        #expect(["a", "b"].map { evictions.ask($0, now: .zero).isGranted } == [true, true])
        let third = evictions.ask("c", now: .zero)
        #expect(!third.isGranted)
        #expect(third.again == .seconds(10))
        #expect(evictions.ask("a", now: .seconds(1)).isGranted)
        #expect(evictions.ask("c", now: .seconds(11)).isGranted)
        _ = evictions.note("far", zone: "other", isLost: true, now: .seconds(11))
        #expect(evictions.ask("far", now: .seconds(11)).isGranted, "every zone has an allowance of its own")
    }

    @Test func `a large zone that is mostly lost is given up very slowly`() {
        var zones: [String: String] = [:]
        for number in 0..<60 { zones["n\(number)"] = "near" }
        var evictions = evictions(zones, lost: (0..<40).map { "n\($0)" })
        #expect(["n0", "n1"].map { evictions.ask($0, now: .zero).isGranted } == [true, true])
        #expect(evictions.ask("n2", now: .zero).again == .seconds(100))
    }

    @Test func `with two of three nodes killed the third takes the pods; with all three nothing moves`() {
        let zones = ["a": "", "b": "", "c": ""]
        var evictions = evictions(zones, lost: ["a", "b"])
        #expect(["a", "b"].map { evictions.ask($0, now: .zero).isGranted } == [true, true])
        let begins = evictions.note("c", zone: "", isLost: true, now: .seconds(1))
        #expect(begins)
        #expect(evictions.granted.isEmpty)
        #expect(["a", "b", "c"].allSatisfy { !evictions.ask($0, now: .seconds(1)).isGranted })
        let ends = evictions.note("c", zone: "", isLost: false, now: .seconds(60))
        #expect(ends)
        #expect(evictions.ask("a", now: .seconds(61)).again == .seconds(7))
        #expect(evictions.ask("a", now: .seconds(68)).isGranted)
    }

    @Test(arguments: Seeds.tried().map { Seed($0) })
    func `allowances of zones are kept whatever happens`(seed: Seed) {
        var random = seed
        var evictions = ZoneEvictions(calm: .seconds(8))
        var given: [String: [Duration]] = [:]
        var lost: [String: Bool] = [:]
        var now = Duration.zero
        for _ in 0..<200 {
            now += .milliseconds(Int(random.next() % 3000))
            let node = "n\(random.next() % 9)"
            let zone = "z\(node.last.map { ($0.wholeNumberValue ?? 0) % 3 } ?? 0)"
            if random.next() % 12 == 0 {
                _ = evictions.remove(node, now: now)
                lost[node] = nil
            } else {
                let isLost = random.next() % 2 == 0
                _ = evictions.note(node, zone: zone, isLost: isLost, now: now)
                lost[node] = isLost
            }
            #expect(evictions.isStopped == (!lost.isEmpty && lost.values.allSatisfy { $0 }), "\(seed)")
            for (name, isLost) in lost.sorted(by: { $0.key < $1.key }) {
                let wasGranted = evictions.granted.contains(name)
                let answer = evictions.ask(name, now: now)
                #expect(!answer.isGranted || (isLost && !evictions.isStopped), "\(seed)")
                if answer.isGranted, !wasGranted {
                    given["z\(name.last.map { ($0.wholeNumberValue ?? 0) % 3 } ?? 0)", default: []].append(now)
                }
            }
        }
        for times in given.values {
            for (index, time) in times.enumerated() where index >= 3 {
                #expect(time - times[index - 3] > .milliseconds(19_999), "\(seed)")
            }
        }
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
