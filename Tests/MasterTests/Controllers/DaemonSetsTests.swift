import Shared
import TestKit
import Testing

@testable import Master

/// A DaemonSet, nodes and pods, as the cluster would keep them.
private struct DaemonWorld {
    var set: DaemonSet
    var nodes: [Node]
    var pods: [String: Pod] = [:]
    var hash = "h1"
    var now = Sample.start
    private var uids = 0

    init(nodes count: Int, surge: JSON = 0, unavailable: JSON = 1) {
        set = DaemonSet(name: "ds", namespace: "default")
        set.metadata.uid = "uid-ds"
        set.metadata.generation = 1
        set.json["spec"] = [
            "selector": ["matchLabels": ["app": "ds"]],
            "updateStrategy": [
                "type": "RollingUpdate", "rollingUpdate": ["maxSurge": surge, "maxUnavailable": unavailable],
            ],
            "template": [
                "metadata": ["labels": ["app": "ds"]], "spec": ["containers": [["name": "c", "image": "app:1"]]],
            ],
        ]
        nodes = (0..<count).map { Sample.node("n\($0)") }
    }

    mutating func step() -> DaemonPlan {
        let plan = DaemonPlan(set, nodes: nodes, pods: Array(pods.values), hash: hash, collisions: 0, now: now)
        for node in plan.create {
            uids += 1
            var pod = set.pod(on: node, hash: hash)
            pod.metadata.name = "ds-\(uids)"
            pod.metadata.uid = "uid-\(uids)"
            pod.metadata.creationTimestamp = now + .seconds(uids)
            pod.spec.nodeName = node
            pod.json["status"] = ["phase": "Pending"]
            pods[pod.name] = pod
        }
        for pod in plan.delete { pods[pod.name]?.metadata.deletionTimestamp = now }
        set.status = plan.status
        return plan
    }
    mutating func setReady(_ name: String, _ isReady: Bool = true) {
        pods[name]?.json["status"] = [
            "phase": "Running", "conditions": [Condition("Ready", isReady, since: now).json],
        ]
    }
    mutating func work() {
        for (name, pod) in pods {
            if pod.metadata.isDeleting { pods[name] = nil } else { setReady(name) }
        }
    }
    mutating func settle() {
        for _ in 0..<200 {
            let plan = step()
            let isBusy =
                !plan.create.isEmpty || !plan.delete.isEmpty
                || pods.values.contains { !$0.isReady || $0.metadata.isDeleting }
            work()
            if !isBusy { return }
        }
    }
    /// Nodes with a pod that works.
    var served: Set<String> {
        Set(pods.values.filter { $0.isReady && !$0.metadata.isDeleting }.map(\.spec.nodeName))
    }
}

struct DaemonSetsTests {
    @Test func `every node that fits gets one pod, and only that node fits it`() {
        var world = DaemonWorld(nodes: 3)
        world.nodes[1].taints = [Taint("dedicated", value: "db", effect: "NoSchedule")]
        let plan = world.step()
        #expect(plan.create == ["n0", "n2"])
        #expect(world.pods.values.allSatisfy { $0.daemonNode == $0.spec.nodeName })
        #expect(plan.status.desiredNumberScheduled == 2)
    }

    @Test func `a pod tolerates trouble of its node`() {
        let world = DaemonWorld(nodes: 1)
        let pod = world.set.pod(on: "n0", hash: "h1")
        for (key, effect) in [
            ("node.kubernetes.io/unreachable", "NoExecute"), ("node.kubernetes.io/disk-pressure", "NoSchedule"),
            ("node.kubernetes.io/unschedulable", "NoSchedule"),
        ] {
            let taint = Taint(key, effect: effect)
            #expect(pod.spec.tolerations.contains { $0.tolerates(taint) })
        }
        let network = Taint("node.kubernetes.io/network-unavailable", effect: "NoSchedule")
        #expect(!pod.spec.tolerations.contains { $0.tolerates(network) })
    }

    @Test func `a NoSchedule taint keeps the pod, a NoExecute taint ends it`() {
        var world = DaemonWorld(nodes: 2)
        world.settle()
        world.nodes[0].taints = [Taint("k", effect: "NoSchedule")]
        world.nodes[1].taints = [Taint("k", effect: "NoExecute")]
        let plan = world.step()
        #expect(plan.delete.map(\.spec.nodeName) == ["n1"])
        #expect(plan.status.numberMisscheduled == 2)
    }

    @Test func `an update leaves no more nodes without a pod than allowed`() {
        var world = DaemonWorld(nodes: 5, unavailable: 2)
        world.settle()
        world.hash = "h2"
        #expect(world.step().delete.count == 2)
        #expect(world.step().delete.isEmpty)
        world.settle()
        #expect(world.pods.values.allSatisfy { $0.metadata.labels["controller-revision-hash"] == "h2" })
    }

    @Test func `a surge starts the new pod before the old one ends`() {
        var world = DaemonWorld(nodes: 3, surge: 1, unavailable: 0)
        world.settle()
        world.hash = "h2"
        for _ in 0..<30 {
            _ = world.step()
            #expect(world.served.count == 3)
            #expect(world.pods.count <= 4)
            world.work()
        }
        #expect(world.pods.count == 3)
        #expect(world.pods.values.allSatisfy { $0.metadata.labels["controller-revision-hash"] == "h2" })
    }

    @Test func `a failed pod is replaced, at a pace`() {
        var world = DaemonWorld(nodes: 1)
        world.settle()
        let name = world.pods.keys.first ?? ""
        world.pods[name]?.json["status"] = ["phase": "Failed"]
        let patient = DaemonPlan(
            world.set, nodes: world.nodes, pods: Array(world.pods.values), hash: "h1", collisions: 0, now: world.now,
            delay: { _ in .seconds(4) })
        #expect(patient.delete.isEmpty)
        #expect(patient.again == .seconds(4))
        let plan = world.step()
        #expect(plan.delete.map(\.name) == [name])
        #expect(plan.events.map(\.reason) == ["FailedDaemonPod"])
    }

    /// Whatever happens to nodes and pods, an update by itself never leaves more nodes without a working pod than
    /// allowed, and at the end every node has one pod of the last template.
    @Test(arguments: Seeds.tried()) func `updates keep their bounds`(seed: UInt64) {
        var random = Seed(seed)
        let surge = Int.random(in: 0...2, using: &random)
        let unavailable = Int.random(in: surge == 0 ? 1...3 : 0...0, using: &random)
        var world = DaemonWorld(
            nodes: Int.random(in: 1...6, using: &random), surge: JSON(surge), unavailable: JSON(unavailable))
        world.settle()
        for _ in 0..<40 {
            let before = world.served.count
            let plan = world.step()
            let least = surge > 0 ? before : min(before, world.nodes.count - unavailable)
            #expect(world.served.count >= least, "seed \(seed)")
            #expect(Set(plan.create).count == plan.create.count, "seed \(seed)")
            switch Int.random(in: 0..<6, using: &random) {
            case 0: world.hash = "h\(Int.random(in: 1...4, using: &random))"
            case 1:
                if let name = world.pods.keys.sorted().randomElement(using: &random) { world.setReady(name, false) }
            case 2: world.nodes.append(Sample.node("x\(Int.random(in: 0..<1_000_000, using: &random))"))
            default: world.work()
            }
        }
        world.settle()
        #expect(world.pods.count == world.nodes.count, "seed \(seed)")
        #expect(world.pods.values.allSatisfy { $0.metadata.labels["controller-revision-hash"] == world.hash })
    }
}
