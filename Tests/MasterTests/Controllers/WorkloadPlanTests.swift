import Shared
import TestKit
import Testing

@testable import Master

/// Rules of workloads that the tests of one kind alone do not reach.
struct WorkloadPlanTests {
    private let now = Sample.start + .seconds(100)

    // MARK: Deployments

    @Test func `the first message of a failure stays while its reason is the same`() {
        var world = DeploymentWorld(Sample.deployment(replicas: 2))
        world.settle()
        func fail(_ message: String) {
            var status = world.sets[0].status
            var conditions = status.conditions.filter { $0.type != "ReplicaFailure" }
            conditions.append(Condition("ReplicaFailure", true, reason: "FailedCreate", message: message, since: now))
            status.conditions = conditions
            world.sets[0].status = status
            world.perform(world.plan)
        }
        fail("first")
        fail("second")
        #expect(world.deployment.status.conditions.first("ReplicaFailure")?.message == "first")
        world.sets[0].status.conditions = []
        world.perform(world.plan)
        #expect(world.deployment.status.conditions.first("ReplicaFailure") == nil)
    }

    // MARK: Histories

    private func revision(_ number: Int) -> ControllerRevision {
        var revision = ControllerRevision(name: "r\(number)", namespace: "default")
        revision.number = number
        return revision
    }

    @Test(arguments: [(true, ["r2", "r4"]), (false, ["r2"])])
    func `records in use take up room of a DaemonSet's history and of no other`(countsLive: Bool, gone: [String]) {
        let records = (1...4).map(revision)
        let surplus = RevisionPlan.surplus(records, limit: countsLive ? 2 : 1, countsLive: countsLive) {
            ["r1", "r3"].contains($0.name)
        }
        #expect(surplus.map(\.name) == gone)
    }

    // MARK: Daemon sets

    private func daemonSet(surge: JSON = 0) -> DaemonSet {
        var set = DaemonSet(name: "ds", namespace: "default")
        set.metadata.uid = "uid-ds"
        set.json["spec"] = [
            "selector": ["matchLabels": ["app": "ds"]],
            "updateStrategy": [
                "type": "RollingUpdate",
                "rollingUpdate": ["maxSurge": surge, "maxUnavailable": surge == 0 ? 1 : 0],
            ],
            "template": [
                "metadata": ["labels": ["app": "ds"]],
                "spec": ["nodeSelector": ["pool": "a"], "containers": [["name": "c", "image": "app:1"]]],
            ],
        ]
        return set
    }
    private func plan(_ set: DaemonSet, _ nodes: [Node], _ pods: [Pod]) -> DaemonPlan {
        DaemonPlan(set, nodes: nodes, pods: pods, hash: "h2", collisions: 0, now: now)
    }
    private func pod(_ name: String, on node: String, hash: String, ready: Bool = true) -> Pod {
        Sample.pod(
            name, labels: ["app": "ds", "controller-revision-hash": hash], node: node,
            readySince: ready ? Sample.start : nil)
    }

    @Test func `an ended pod that hangs on a finalizer does not hold its node`() {
        var ended = pod("ds-1", on: "n1", hash: "h2", ready: false)
        ended.json["status"] = ["phase": "Failed"]
        ended.metadata.deletionTimestamp = now
        let plan = plan(daemonSet(), [Sample.node("n1", labels: ["pool": "a"])], [ended])
        #expect(plan.create == ["n1"])
        #expect(plan.delete.isEmpty)
        #expect(plan.status.currentNumberScheduled == 0)
        // One that still runs has to go first.
        ended.json["status"] = ["phase": "Running"]
        #expect(self.plan(daemonSet(), [Sample.node("n1", labels: ["pool": "a"])], [ended]).create.isEmpty)
    }

    @Test(arguments: [(true, ["ds-2"]), (false, [])])
    func `a surging set leaves a node when enough pods work elsewhere`(works: Bool, gone: [String]) {
        // The node keeps what it has, and gets nothing new.
        let taint = Taint(["key": "k", "effect": "NoSchedule"])
        let nodes = [
            Sample.node("n1", labels: ["pool": "a"]), Sample.node("n2", labels: ["pool": "a"], taints: [taint]),
        ]
        let pods = [pod("ds-1", on: "n1", hash: "h2", ready: works), pod("ds-2", on: "n2", hash: "h1")]
        let plan = plan(daemonSet(surge: 1), nodes, pods)
        #expect(plan.delete.map(\.name) == gone)
        #expect(plan.create.isEmpty)
        // What does not work there is no loss.
        let broken = [pods[0], pod("ds-2", on: "n2", hash: "h1", ready: false)]
        #expect(self.plan(daemonSet(surge: 1), nodes, broken).delete.map(\.name) == ["ds-2"])
    }

    // MARK: Stateful sets

    @Test func `of a pod's claims the missing ones are made while others end`() {
        var set = StatefulSet(name: "db", namespace: "default")
        set.metadata.uid = "uid-db"
        set.json["spec"] = [
            "replicas": 1, "selector": ["matchLabels": ["app": "db"]],
            "template": ["metadata": ["labels": ["app": "db"]], "spec": ["containers": [["name": "c"]]]],
            "volumeClaimTemplates": [["metadata": ["name": "data"]], ["metadata": ["name": "logs"]]],
        ]
        var ending = PersistentVolumeClaim(name: "data-db-0", namespace: "default")
        ending.metadata.deletionTimestamp = now
        let record = RevisionPlan(for: set, template: set.template, label: "h", known: [], collisions: 0).revision
        let plan = StatefulPlan(
            set, pods: [], claims: ["data-db-0": ending], current: record, update: record, collisions: 0, now: now)
        let steps = plan.steps.map { step in
            switch step {
            case .claims(let claims, _): "make \(claims.map(\.name))"
            case .wait(let claims, let pod): "\(pod.name) waits for \(claims)"
            default: "something else"
            }
        }
        #expect(steps == [#"make ["logs-db-0"]"#, #"db-0 waits for ["data-db-0"]"#])
    }

    // MARK: Jobs

    private func world(_ job: Job, pods count: Int) -> JobsTests.World {
        var world = JobsTests.World(job)
        world.now = now
        world.perform(world.plan)
        #expect(world.pods.count == count)
        return world
    }

    @Test func `a long name leaves the index of a pod whole`() {
        var job = JobsTests.job(completions: 2, indexed: true)
        job.metadata.name = String(repeating: "n", count: 60)
        let name = job.pod(index: 1).metadata.generateName
        #expect(name == String(repeating: "n", count: 55) + "-1-")
    }

    @Test func `a job gives up the youngest pods, whatever they say they cost`() {
        var world = world(JobsTests.job(completions: 3, parallelism: 3), pods: 3)
        for index in world.pods.indices {
            world.pods[index].metadata.creationTimestamp = now + .seconds(index)
            world.pods[index].metadata.annotations["controller.kubernetes.io/pod-deletion-cost"] = "\(index)"
        }
        world.job.json["spec"]["parallelism"] = 1
        #expect(world.plan.delete.map(\.name) == ["p3", "p2"])
    }

    @Test func `pods that a complete job does not need have not failed`() {
        var world = world(JobsTests.job(completions: 2, parallelism: 2), pods: 2)
        world.job.json["spec"]["completions"] = 1
        world.finish(0, .succeeded)
        for _ in 0..<6 { world.perform(world.plan) }
        #expect(world.job.status.succeeded == 1)
        #expect(world.job.status.failed == 0)
        #expect(world.events == ["Completed"])
    }

    @Test func `more successes than asked for are told`() {
        var world = world(JobsTests.job(completions: 2, parallelism: 2), pods: 2)
        world.finish(0, .succeeded)
        world.finish(1, .succeeded)
        world.job.json["spec"]["completions"] = 1
        for _ in 0..<6 { world.perform(world.plan) }
        #expect(world.events == ["TooManySucceededPods", "Completed"])
    }

    @Test func `a job that is being deleted counts its pods and holds none`() {
        var world = world(JobsTests.job(completions: 3, parallelism: 3), pods: 3)
        world.job.metadata.deletionTimestamp = now
        world.finish(0, .succeeded)
        world.pods[1].metadata.deletionTimestamp = now
        for _ in 0..<6 { world.perform(world.plan) }
        #expect(world.pods.allSatisfy { !$0.isTracked })
        #expect(world.job.status.succeeded == 1)
        #expect(world.job.status.failed == 1)
        #expect(world.job.status.active == 1)
    }

    @Test func `a job that fails counts what it ends although only failed pods are replaced`() {
        var job = JobsTests.job(completions: 2, parallelism: 2, backoffLimit: 0)
        job.json["spec"]["podReplacementPolicy"] = "Failed"
        var world = world(job, pods: 2)
        world.finish(0, .failed)
        for _ in 0..<6 { world.perform(world.plan) }
        #expect(world.pods.map(\.name) == ["p1"])
        #expect(world.job.status.failed == 2)
        #expect(world.events == ["BackoffLimitExceeded"])
    }
}
