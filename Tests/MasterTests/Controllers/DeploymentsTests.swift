import Shared
import TestKit
import Testing

@testable import Master

struct DeploymentsTests {
    @Test func `a new deployment makes one set with all replicas and reports that it is available`() {
        var world = DeploymentWorld(Sample.deployment())
        world.settle()
        #expect(world.sets.count == 1)
        let set = world.sets[0]
        #expect(set.replicas == 3)
        #expect(set.name.hasPrefix("web-"))
        #expect(set.metadata.labels["pod-template-hash"] == String(set.name.dropFirst(4)))
        #expect(set.selector?.matches(["app": "web"]) == false)
        #expect(set.metadata.annotations[DeploymentAnnotation.revision] == "1")
        #expect(set.metadata.annotations[DeploymentAnnotation.desired] == "3")
        #expect(set.metadata.annotations[DeploymentAnnotation.maximum] == "4")
        #expect(world.deployment.metadata.annotations[DeploymentAnnotation.revision] == "1")
        #expect(world.deployment.status.availableReplicas == 3)
        #expect(world.deployment.status.observedGeneration == 1)
        #expect(world.deployment.status.conditions.first("Available")?.reason == "MinimumReplicasAvailable")
        let progressing = world.deployment.status.conditions.first("Progressing")
        #expect(progressing?.reason == "NewReplicaSetAvailable")
        #expect(progressing?.message == "ReplicaSet \"\(set.name)\" has successfully progressed.")
        #expect(world.events == ["ScalingReplicaSet: Scaled up replica set \(set.name) to 3"])
    }

    @Test func `an update moves all replicas to a new revision and keeps the old set for a rollback`() {
        var world = DeploymentWorld(Sample.deployment())
        world.settle()
        world.change(image: "app:2")
        world.settle()
        #expect(world.sets.map(\.replicas).sorted() == [0, 3])
        #expect(world.deployment.metadata.annotations[DeploymentAnnotation.revision] == "2")
        #expect(world.deployment.status.updatedReplicas == 3)
    }

    @Test func `going back to a former template reuses its set as the newest revision`() {
        var world = DeploymentWorld(Sample.deployment())
        world.settle()
        let first = world.sets[0].name
        world.change(image: "app:2")
        world.settle()
        world.change(image: "app:1")
        world.settle()
        #expect(world.sets.count == 2)
        let back = world.sets.first { $0.name == first }
        #expect(back?.replicas == 3)
        #expect(back?.deploymentRevision == 3)
        #expect(back?.metadata.annotations[DeploymentAnnotation.history] == "1")
    }

    @Test func `the rollback annotation restores the template and is cleared`() {
        var world = DeploymentWorld(Sample.deployment())
        world.settle()
        world.change(image: "app:2")
        world.settle()
        world.deployment.metadata.annotations[DeploymentAnnotation.rollback] = "0"
        world.settle()
        #expect(world.deployment.template.spec.containers[0].image == "app:1")
        #expect(world.deployment.metadata.annotations[DeploymentAnnotation.rollback] == nil)
        #expect(world.events.contains("DeploymentRollback: Rolled back deployment \"web\" to revision 1"))
    }

    @Test func `a rollback to a revision that is not there is said and forgotten`() {
        var world = DeploymentWorld(Sample.deployment())
        world.settle()
        world.deployment.metadata.annotations[DeploymentAnnotation.rollback] = "7"
        world.settle()
        #expect(world.deployment.metadata.annotations[DeploymentAnnotation.rollback] == nil)
        #expect(
            world.events.last
                == "DeploymentRollbackRevisionNotFound: Unable to find the revision to rollback to.")
    }

    @Test func `old sets beyond the history limit are deleted, oldest revision first`() {
        var deployment = Sample.deployment()
        deployment.json["spec"]["revisionHistoryLimit"] = 1
        var world = DeploymentWorld(deployment)
        world.settle()
        for number in 2...4 {
            world.change(image: "app:\(number)")
            world.settle()
        }
        #expect(world.sets.map(\.deploymentRevision).sorted() == [3, 4])
    }

    @Test func `a paused deployment scales but does not move to a new template`() {
        var world = DeploymentWorld(Sample.deployment())
        world.settle()
        world.deployment.json["spec"]["paused"] = true
        world.change(image: "app:2")
        world.scale(to: 5)
        world.settle()
        #expect(world.sets.count == 1)
        #expect(world.sets[0].replicas == 5)
        #expect(world.deployment.status.conditions.first("Progressing")?.reason == "DeploymentPaused")
        world.deployment.json["spec"].remove("paused")
        world.settle()
        #expect(world.sets.map(\.replicas).sorted() == [0, 5])
    }

    @Test func `Recreate starts nothing new before the last old pod is gone`() {
        var world = DeploymentWorld(Sample.deployment(recreate: true))
        world.settle()
        world.change(image: "app:2")
        world.perform(world.plan)
        #expect(world.sets.map(\.replicas) == [0])
        // The set is scaled down, but its pods are still there.
        world.perform(world.plan)
        #expect(world.sets.count == 1)
        world.settle()
        #expect(world.sets.map(\.replicas).sorted() == [0, 3])
    }

    /// Source: scenarios 47 and 48 of the recorded controllers: sets of 8 and 5 for 10 replicas with a surge of 3.
    @Test(arguments: [(15, [11, 7]), (5, [5, 3])])
    func `scaling in mid rollout keeps the proportions of the sets`(replicas: Int, expected: [Int]) {
        var world = DeploymentWorld(Sample.deployment(replicas: 10, surge: 3, unavailable: 2))
        world.settle()
        world.change(image: "app:2")
        world.perform(world.plan)
        for index in world.sets.indices { world.replicate(index) }
        world.perform(world.plan)
        for index in world.sets.indices { world.replicate(index) }
        #expect(world.sets.map(\.replicas) == [8, 5])
        world.scale(to: replicas)
        world.perform(world.plan)
        #expect(world.sets.map(\.replicas) == expected)
    }

    @Test func `a rollout without progress for the deadline says so and asks to be looked at in time`() {
        var deployment = Sample.deployment()
        deployment.json["spec"]["progressDeadlineSeconds"] = 3
        var world = DeploymentWorld(deployment)
        world.perform(world.plan)
        for index in world.sets.indices { world.replicate(index) }
        world.perform(world.plan)
        let plan = world.plan
        #expect(plan.again.map { $0 >= .seconds(1) && $0 <= .seconds(4) } == true)
        world.now = world.now + .seconds(5)
        world.perform(world.plan)
        let condition = world.deployment.status.conditions.first("Progressing")
        #expect(condition?.reason == "ProgressDeadlineExceeded")
        #expect(condition?.status == "False")
    }

    @Test func `a deployment at rest is left alone`() {
        var world = DeploymentWorld(Sample.deployment())
        world.settle()
        #expect(world.plan.steps.isEmpty)
    }

    @Test func `annotations go to the sets, but not those of the controller and of kubectl`() {
        var deployment = Sample.deployment()
        deployment.metadata.annotations = ["note": "x", DeploymentAnnotation.lastApplied: "{}"]
        var world = DeploymentWorld(deployment)
        world.settle()
        #expect(world.sets[0].metadata.annotations["note"] == "x")
        #expect(world.sets[0].metadata.annotations[DeploymentAnnotation.lastApplied] == nil)
    }

    /// Random sizes, strategies, updates and misfortunes: the bounds hold after every single plan.
    @Test(arguments: Seeds.tried().map { Seed($0) })
    func `a rolling update never leaves its bounds by its own doing`(seed: Seed) {
        var random = seed
        let bounds: [JSON] = [0, 1, 2, "10%", "25%", "50%", "100%"]
        let deployment = Sample.deployment(
            replicas: Int.random(in: 0...12, using: &random), surge: bounds.randomElement(using: &random) ?? 1,
            unavailable: bounds.randomElement(using: &random) ?? 1)
        var world = DeploymentWorld(deployment)
        var highest = 0
        for step in 0..<60 {
            switch Int.random(in: 0..<9, using: &random) {
            case 0 where step > 5:
                world.change(image: "app:\(Int.random(in: 1...4, using: &random))")
            case 1 where step > 20: world.scale(to: Int.random(in: 0...12, using: &random))
            case 2, 3, 4:
                let before = world.wanted
                let isScaling = world.sets.contains {
                    $0.replicas > 0 && $0.desiredReplicas != world.deployment.replicas
                }
                let plan = world.plan
                let kept = DeploymentsTests.worstAvailable(world, after: plan)
                let minimum = world.deployment.replicas - world.deployment.maxUnavailable
                if !isScaling {
                    #expect(kept >= min(minimum, DeploymentsTests.certain(world)), "\(seed)")
                }
                world.perform(plan)
                highest = max(before, world.deployment.replicas + world.deployment.maxSurge)
                #expect(world.wanted <= highest, "\(seed)")
            case 5, 6:
                if let index = world.sets.indices.randomElement(using: &random) { world.replicate(index) }
            case 7:
                if let index = world.pods.indices.randomElement(using: &random) {
                    world.pods[index].isReady = true
                    for set in world.sets.indices { world.observe(set) }
                }
            default:
                if let index = world.pods.indices.randomElement(using: &random) {
                    world.pods[index].isReady = Bool.random(using: &random)
                    for set in world.sets.indices { world.observe(set) }
                }
            }
        }
        world.settle()
        #expect(world.sets.count { $0.replicas > 0 } <= 1, "\(seed)")
        #expect(world.deployment.status.availableReplicas == world.deployment.replicas, "\(seed)")
    }

    /// Pods that are surely available once every set has come to its present size: those within it.
    private static func certain(_ world: DeploymentWorld) -> Int {
        world.sets.reduce(0) { $0 + min($1.replicas, $1.status.availableReplicas) }
    }
    /// The same with the sizes that `plan` gives.
    private static func worstAvailable(_ world: DeploymentWorld, after plan: DeploymentPlan) -> Int {
        var copy = world
        copy.perform(plan)
        return certain(copy)
    }
}
