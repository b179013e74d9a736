import Shared
import TestKit
import Testing

@testable import Master

struct ReplicaSetsTests {
    private let now = Sample.start + .seconds(100)

    @Test func `missing pods are created and surplus ones deleted, a burst at a time`() {
        let pods = (0..<3).map { Sample.pod("p\($0)") }
        #expect(ReplicaPlan(replicas: 5, pods: pods, related: pods).create == 2)
        #expect(ReplicaPlan(replicas: 1, pods: pods, related: pods).delete.count == 2)
        #expect(ReplicaPlan(replicas: 3, pods: pods, related: pods).create == 0)
        #expect(ReplicaPlan(replicas: 100_000, pods: [], related: []).create == Limits.burstPodsMax)
        #expect(ReplicaPlan(replicas: -4, pods: pods, related: pods).delete.count == 3)
    }

    /// Each row: the pod that goes, the pod that stays.
    static let rankings: [(String, Pod, Pod)] = {
        let since = Sample.start
        func ready(_ name: String, _ node: String = "n1", at time: Timestamp = since) -> Pod {
            Sample.pod(name, node: node, readySince: time)
        }
        func restarted(_ name: String, _ count: Int) -> Pod {
            var pod = ready(name)
            pod.json["status"]["containerStatuses"] = [["restartCount": JSON(count)]]
            return pod
        }
        var cheap = ready("cheap")
        cheap.metadata.annotations = ["controller.kubernetes.io/pod-deletion-cost": "-5"]
        return [
            ("unbound before bound", Sample.pod("a"), Sample.pod("b", node: "n1")),
            ("pending before running", Sample.pod("a", node: "n1", phase: .pending), Sample.pod("b", node: "n1")),
            ("not ready before ready", Sample.pod("a", node: "n1"), ready("b")),
            ("cheaper first", cheap, ready("b")),
            ("ready for a shorter time first", ready("a", at: since + .seconds(9)), ready("b")),
            ("more restarts first", restarted("a", 4), restarted("b", 1)),
            (
                "newer first", Sample.pod("a", node: "n1", created: since + .seconds(1)),
                Sample.pod("b", node: "n1")
            ),
        ]
    }()
    @Test(arguments: rankings)
    func `the least loss goes first`(rule: String, goes: Pod, stays: Pod) {
        for pods in [[goes, stays], [stays, goes]] {
            let plan = ReplicaPlan(replicas: 1, pods: pods, related: pods)
            #expect(plan.delete.map(\.name) == [goes.name], "\(rule)")
        }
    }

    @Test func `a pod that shares its node with siblings goes before one that is ready for a shorter time`() {
        let crowded = ["a", "b"].map { Sample.pod($0, node: "n1", readySince: Sample.start) }
        let alone = Sample.pod("c", node: "n2", readySince: Sample.start + .seconds(50))
        let plan = ReplicaPlan(replicas: 2, pods: crowded + [alone], related: crowded + [alone])
        #expect(plan.delete.first?.spec.nodeName == "n1")
    }

    @Test func `the status counts ready, available and fully labelled pods`() {
        var set = ReplicaSet(name: "web", namespace: "default")
        set.metadata.generation = 4
        set.json["spec"] = ["replicas": 3, "minReadySeconds": 10, "template": ["metadata": ["labels": ["app": "web"]]]]
        let pods = [
            Sample.pod("a", readySince: now - .seconds(60)), Sample.pod("b", readySince: now - .seconds(4)),
            Sample.pod("c", labels: ["app": "other"]),
        ]
        let status = set.status(of: pods, failure: nil, now: now)
        #expect(status.replicas == 3)
        #expect(status.readyReplicas == 2)
        #expect(status.availableReplicas == 1)
        #expect(status.fullyLabeledReplicas == 2)
        #expect(status.observedGeneration == 4)
        #expect(set.nextAvailability(of: pods, now: now) == .seconds(6))
    }

    @Test func `a failure to create stays in the status until pods are there again`() {
        var set = ReplicaSet(name: "web", namespace: "default")
        set.json["spec"] = ["replicas": 1]
        set.status = set.status(of: [], failure: "exceeded quota", now: now)
        #expect(set.status.conditions.first?.reason == "FailedCreate")
        #expect(set.status.conditions.first?.message == "exceeded quota")
        set.status = set.status(of: [Sample.pod("a")], failure: nil, now: now)
        #expect(set.status.conditions.isEmpty)
    }

    @Test func `an owner adopts what matches and has no controller, and releases what no longer matches`() {
        var set = ReplicaSet(name: "web", namespace: "default")
        set.metadata.uid = "uid-set"
        let own = OwnerReference(controller: set)
        var foreign = ReplicaSet(name: "other", namespace: "default")
        foreign.metadata.uid = "uid-other"
        var leaving = Sample.pod("leaving")
        leaving.metadata.deletionTimestamp = now
        let pods = [
            Sample.pod("orphan"), leaving, Sample.pod("mine", owner: own),
            Sample.pod("strayed", labels: ["app": "x"], owner: own),
            Sample.pod("foreign", owner: OwnerReference(controller: foreign)),
            Sample.pod("unrelated", labels: ["app": "x"]),
        ]
        let selector = LabelSelector(equal: ["app": "web"])
        let claim = Ownership(of: set, selector: selector, among: pods)
        #expect(claim.owned.map(\.name) == ["orphan", "mine"])
        #expect(claim.adopt.map(\.name) == ["orphan"])
        #expect(claim.release.map(\.name) == ["strayed"])
        set.metadata.deletionTimestamp = now
        let last = Ownership(of: set, selector: selector, among: pods)
        #expect(last.owned.map(\.name) == ["mine"])
        #expect(last.release.isEmpty)
    }

    @Test func `a fence holds until the cache shows the own write`() {
        let fence = Fence()
        let key = ObjectKey(ReplicaSet.type.resource, namespace: "default", name: "web")
        var pod = Sample.pod("a")
        pod.metadata.resourceVersion = "10"
        fence.wrote(pod, for: key)
        #expect(!fence.isPassed(key, at: Revision(9), present: [pod]))
        #expect(fence.isPassed(key, at: Revision(10), present: [pod]))
        fence.deleted(pod, for: key)
        #expect(!fence.isPassed(key, at: Revision(11), present: [pod]))
        pod.metadata.deletionTimestamp = now
        #expect(fence.isPassed(key, at: Revision(12), present: [pod]))
    }

    @Test func `batches start small and stop at the first that fails`() async {
        let (done, error) = await Batches.slowStart(100) { index in
            if index >= 3 { throw Status(.forbidden, "quota") }
        }
        #expect(done == 3)
        #expect((error as? Status)?.reason == .forbidden)
        let all = await Batches.slowStart(100) { _ in }
        #expect(all.done == 100)
        let none = await Batches.slowStart(0) { _ in }
        #expect(none.done == 0)
    }

    @Test func `a fingerprint depends on content and collisions, not on the order of members`() {
        let one: JSON = ["a": 1, "b": ["c": nil, "d": "x"]]
        let other: JSON = ["b": ["d": "x"], "a": 1]
        #expect(Fingerprint.of(one) == Fingerprint.of(other))
        #expect(Fingerprint.of(one) != Fingerprint.of(one, collisions: 1))
        #expect(Fingerprint.of(one).allSatisfy { "bcdfghjklmnpqrstvwxz2456789".contains($0) })
        #expect(Names.isLabelValue(Fingerprint.of(one)))
    }
}
