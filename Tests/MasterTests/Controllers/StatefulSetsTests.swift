import Shared
import TestKit
import Testing

@testable import Master

/// A StatefulSet with its pods and claims, as the cluster would keep them.
private struct StatefulWorld {
    var set: StatefulSet
    var pods: [String: Pod] = [:]
    var claims: [String: PersistentVolumeClaim] = [:]
    var history: [ControllerRevision] = []
    var now = Sample.start
    private var uids = 0

    init(replicas: Int, _ change: (inout JSON) -> Void = { _ in }) {
        set = StatefulSet(name: "db", namespace: "default")
        set.metadata.uid = "uid-db"
        set.metadata.generation = 1
        set.json["spec"] = [
            "replicas": JSON(replicas), "serviceName": "db", "selector": ["matchLabels": ["app": "db"]],
            "podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10,
            "updateStrategy": ["type": "RollingUpdate", "rollingUpdate": ["partition": 0]],
            "template": [
                "metadata": ["labels": ["app": "db"]], "spec": ["containers": [["name": "c", "image": "app:1"]]],
            ],
        ]
        change(&set.json["spec"])
    }

    /// Records the template, plans and carries the plan out, as the API would.
    mutating func step() -> StatefulPlan {
        let record = RevisionPlan(
            for: set, template: set.template, label: "controller.kubernetes.io/hash", known: history, collisions: 0)
        history.removeAll { $0.name == record.revision.name }
        history.append(record.revision)
        let current = history.first { $0.name == set.status.currentRevision } ?? record.revision
        let plan = StatefulPlan(
            set, pods: Array(pods.values), claims: claims, current: current, update: record.revision, collisions: 0,
            now: now)
        for step in plan.steps {
            switch step {
            case .create(var pod, let missing):
                add(missing)
                uids += 1
                pod.metadata.uid = "uid-\(uids)"
                pod.json["status"] = ["phase": "Pending"]
                pods[pod.name] = pod
            case .claims(let missing, _): add(missing)
            case .delete(let pod), .replace(let pod): pods[pod.name]?.metadata.deletionTimestamp = now
            case .identify(let pod, let labels): pods[pod.name]?.metadata.labels.merge(labels) { $1 }
            case .own(let claim, let owners): claims[claim.name]?.metadata.ownerReferences = owners
            case .wait: break
            }
        }
        set.status = plan.status
        return plan
    }

    private mutating func add(_ missing: [PersistentVolumeClaim]) {
        for claim in missing { claims[claim.name] = claim }
    }

    mutating func setReady(_ name: String, _ isReady: Bool = true) {
        pods[name]?.json["status"] = [
            "phase": "Running", "conditions": [Condition("Ready", isReady, since: now).json],
        ]
    }
    mutating func setImage(_ image: String) {
        set.json["spec"]["template"]["spec"]["containers"] = [["name": "c", "image": .string(image)]]
    }
    /// Steps until nothing is left to do; pods turn ready and go at once.
    mutating func settle() {
        for _ in 0..<200 {
            let plan = step()
            var isBusy = !plan.steps.isEmpty
            for (name, pod) in pods {
                if pod.metadata.isDeleting {
                    pods[name] = nil
                    isBusy = true
                } else if !pod.isReady {
                    setReady(name)
                    isBusy = true
                }
            }
            if !isBusy { return }
        }
    }
    var images: [String: String] {
        pods.mapValues { $0.spec.containers.first?.image ?? "" }
    }
}

struct StatefulSetsTests {
    private func created(_ plan: StatefulPlan) -> [String] {
        plan.steps.compactMap { if case .create(let pod, _) = $0 { pod.name } else { nil } }
    }
    private func deleted(_ plan: StatefulPlan) -> [String] {
        plan.steps.compactMap { if case .delete(let pod) = $0 { pod.name } else { nil } }
    }

    @Test func `pods start one after the other`() {
        var world = StatefulWorld(replicas: 3)
        #expect(created(world.step()) == ["db-0"])
        #expect(created(world.step()) == [])
        world.setReady("db-0")
        #expect(created(world.step()) == ["db-1"])
        world.setReady("db-1", false)
        #expect(created(world.step()) == [])
        world.setReady("db-1")
        #expect(created(world.step()) == ["db-2"])
    }

    @Test func `a parallel set starts all pods at once`() {
        var world = StatefulWorld(replicas: 3) { $0["podManagementPolicy"] = "Parallel" }
        #expect(created(world.step()) == ["db-0", "db-1", "db-2"])
    }

    @Test func `a start ordinal moves the names`() {
        var world = StatefulWorld(replicas: 2) { $0["ordinals"] = ["start": 5] }
        world.settle()
        #expect(world.pods.keys.sorted() == ["db-5", "db-6"])
        #expect(world.pods["db-5"]?.metadata.labels["apps.kubernetes.io/pod-index"] == "5")
    }

    @Test func `a pod has its name, its place under the service and its claims`() {
        var world = StatefulWorld(replicas: 1) {
            $0["volumeClaimTemplates"] = [
                ["metadata": ["name": "data"], "spec": ["resources": ["requests": ["storage": "1Gi"]]]]
            ]
        }
        world.settle()
        let pod = world.pods["db-0"]
        #expect(pod?.spec.json["hostname"] == "db-0")
        #expect(pod?.spec.json["subdomain"] == "db")
        #expect(pod?.claimNames == ["data-db-0"])
        #expect(world.claims["data-db-0"]?.metadata.labels == ["app": "db"])
    }

    @Test func `scaling down removes the highest pod first and keeps claims`() {
        var world = StatefulWorld(replicas: 3) { $0["volumeClaimTemplates"] = [["metadata": ["name": "data"]]] }
        world.settle()
        world.set.replicas = 1
        #expect(deleted(world.step()) == ["db-2"])
        #expect(deleted(world.step()) == [])
        world.pods["db-2"] = nil
        #expect(deleted(world.step()) == ["db-1"])
        #expect(world.claims.keys.sorted() == ["data-db-0", "data-db-1", "data-db-2"])
    }

    @Test(arguments: [("Retain", "Delete"), ("Delete", "Retain"), ("Delete", "Delete")])
    func `claims belong to what takes them along`(deleted: String, scaled: String) {
        var world = StatefulWorld(replicas: 2) {
            $0["volumeClaimTemplates"] = [["metadata": ["name": "data"]]]
            $0["persistentVolumeClaimRetentionPolicy"] = [
                "whenDeleted": .string(deleted), "whenScaled": .string(scaled),
            ]
        }
        world.settle()
        let owner = world.claims["data-db-1"]?.metadata.ownerReferences.first?.kind
        #expect(owner == (deleted == "Delete" ? "StatefulSet" : nil))
        world.set.replicas = 1
        _ = world.step()
        let condemned = world.claims["data-db-1"]?.metadata.ownerReferences.first?.kind
        #expect(condemned == (scaled == "Delete" ? "Pod" : deleted == "Delete" ? "StatefulSet" : nil))
    }

    @Test func `an update goes from the highest pod down and stops at the partition`() {
        var world = StatefulWorld(replicas: 4) { $0["updateStrategy"]["rollingUpdate"]["partition"] = 2 }
        world.settle()
        world.setImage("app:2")
        #expect(deleted(world.step()) == ["db-3"])
        world.settle()
        #expect(world.images == ["db-0": "app:1", "db-1": "app:1", "db-2": "app:2", "db-3": "app:2"])
        #expect(world.set.status.currentReplicas == 2)
        #expect(world.set.status.updatedReplicas == 2)
        // A pod below the partition comes back as it was.
        world.pods["db-0"] = nil
        world.settle()
        #expect(world.images["db-0"] == "app:1")
    }

    @Test func `maxUnavailable takes down several pods at once`() {
        var world = StatefulWorld(replicas: 5) { $0["updateStrategy"]["rollingUpdate"]["maxUnavailable"] = 2 }
        world.settle()
        world.setImage("app:2")
        #expect(deleted(world.step()) == ["db-4", "db-3"])
        #expect(deleted(world.step()) == [])
        world.settle()
        #expect(Set(world.images.values) == ["app:2"])
    }

    @Test func `OnDelete waits for somebody to delete the pod`() {
        var world = StatefulWorld(replicas: 2) { $0["updateStrategy"] = ["type": "OnDelete"] }
        world.settle()
        world.setImage("app:2")
        world.settle()
        #expect(Set(world.images.values) == ["app:1"])
        world.pods["db-1"] = nil
        world.settle()
        #expect(world.images == ["db-0": "app:1", "db-1": "app:2"])
    }

    @Test func `an earlier template is found again and the history has a limit`() {
        var world = StatefulWorld(replicas: 1)
        world.settle()
        let first = world.set.status.currentRevision
        world.setImage("app:2")
        world.settle()
        world.setImage("app:1")
        world.settle()
        #expect(world.set.status.currentRevision == first)
        #expect(world.history.count == 2)
        #expect(world.history.first { $0.name == first }?.number == 3)
        let surplus = RevisionPlan.surplus(world.history, limit: 0) { $0.name == first }
        #expect(surplus.map(\.name) == world.history.map(\.name).filter { $0 != first })
    }

    @Test func `a pod waits for minReadySeconds before the next one starts`() {
        var world = StatefulWorld(replicas: 2) { $0["minReadySeconds"] = 10 }
        _ = world.step()
        world.setReady("db-0")
        let plan = world.step()
        #expect(created(plan) == [])
        #expect(plan.again == .seconds(10))
        #expect(plan.status.readyReplicas == 1)
        #expect(plan.status.availableReplicas == 0)
        world.now = world.now + .seconds(10)
        #expect(created(world.step()) == ["db-1"])
    }

    @Test func `more replicas than fit in memory are taken in portions`() {
        var world = StatefulWorld(replicas: Int(Int32.max)) { $0["podManagementPolicy"] = "Parallel" }
        #expect(created(world.step()).count == Limits.burstPodsMax)
    }

    /// Whatever happens to pods and set, an ordered set never starts a pod before all below it are ready, never takes
    /// down two at once, and comes to rest where it should.
    @Test(arguments: Seeds.tried()) func `order holds whatever happens`(seed: UInt64) {
        var random = Seed(seed)
        var world = StatefulWorld(replicas: Int.random(in: 0...5, using: &random))
        for _ in 0..<60 {
            let before = world.pods
            let plan = world.step()
            let (new, gone) = (created(plan), deleted(plan))
            #expect(new.count + gone.count <= 1, "seed \(seed)")
            if let name = new.first, let ordinal = world.set.ordinal(ofPodNamed: name) {
                let below = (0..<ordinal).map { before["db-\($0)"] }
                #expect(below.allSatisfy { $0?.isReady == true && $0?.metadata.isDeleting == false }, "seed \(seed)")
                #expect(before[name] == nil, "seed \(seed)")
            }
            if !gone.isEmpty { #expect(!before.values.contains { $0.metadata.isDeleting && gone.contains($0.name) }) }
            let name = world.pods.keys.sorted().randomElement(using: &random) ?? ""
            switch Int.random(in: 0..<8, using: &random) {
            case 0: world.setReady(name, false)
            case 1: world.pods[name] = nil
            case 2: world.set.replicas = Int.random(in: 0...5, using: &random)
            case 3: world.setImage("app:\(Int.random(in: 1...3, using: &random))")
            case 4 where world.pods[name] != nil: world.pods[name]?.json["status"] = ["phase": "Failed"]
            default:
                for (name, pod) in world.pods {
                    if pod.metadata.isDeleting { world.pods[name] = nil } else { world.setReady(name) }
                }
            }
        }
        world.settle()
        let image = world.set.template.spec.containers.first?.image ?? ""
        #expect(world.pods.keys.sorted() == (0..<world.set.replicas).map { "db-\($0)" }, "seed \(seed)")
        #expect(world.images.values.allSatisfy { $0 == image }, "seed \(seed)")
        #expect(world.set.status.currentRevision == world.set.status.updateRevision, "seed \(seed)")
    }
}
