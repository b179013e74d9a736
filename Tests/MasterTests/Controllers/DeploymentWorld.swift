import Shared
import TestKit
import Testing

@testable import Master

/// A Deployment with its replica sets and pods, moved by the plans alone: no server, no clock, no tasks.
struct DeploymentWorld {
    struct FakePod {
        var set: String
        var isReady = false
    }
    var deployment: Deployment
    var sets: [ReplicaSet] = []
    var pods: [FakePod] = []
    var now = Sample.start
    private(set) var events: [String] = []
    private var born = 0

    init(_ deployment: Deployment) { self.deployment = deployment }

    var available: Int { pods.count(where: \.isReady) }
    var wanted: Int { sets.reduce(0) { $0 + $1.replicas } }

    var plan: DeploymentPlan {
        let live = Set(pods.map(\.set))
        return DeploymentPlan(deployment, sets: sets, livePods: live, now: now)
    }

    mutating func perform(_ plan: DeploymentPlan) {
        for step in plan.steps {
            switch step {
            case .create(var set):
                born += 1
                set.metadata.uid = "set-\(born)"
                set.metadata.generation = 1
                set.metadata.creationTimestamp = now + .seconds(born)
                sets.append(set)
            case .update(let set):
                if let index = sets.firstIndex(where: { $0.metadata.uid == set.metadata.uid }) {
                    let status = sets[index].status
                    sets[index] = set
                    sets[index].status = status
                    sets[index].metadata.generation += 1
                }
            case .delete(let set): sets.removeAll { $0.metadata.uid == set.metadata.uid }
            case .rewrite(let new):
                let status = deployment.status
                if new.template != deployment.template { deployment.metadata.generation += 1 }
                deployment.metadata.annotations = new.metadata.annotations
                deployment.template = new.template
                deployment.status = status
            case .note(let revision):
                var annotations = deployment.metadata.annotations
                annotations[DeploymentAnnotation.revision] = String(revision)
                deployment.metadata.annotations = annotations
            case .status(let status): deployment.status = status
            case .event(_, let reason, let message): events.append("\(reason): \(message)")
            }
        }
    }

    /// The replica set controller's part, for one set: pods to the wanted number, status after them.
    mutating func replicate(_ index: Int) {
        let uid = sets[index].metadata.uid
        let own = pods.indices.filter { pods[$0].set == uid }
        let surplus = own.count - sets[index].replicas
        if surplus > 0 {
            // What is not ready goes first, as the ranking of pods has it.
            let doomed = own.sorted { !pods[$0].isReady && pods[$1].isReady }.prefix(surplus)
            for position in doomed.sorted(by: >) { pods.remove(at: position) }
        } else {
            pods += Array(repeating: FakePod(set: uid), count: -surplus)
        }
        observe(index)
    }

    mutating func observe(_ index: Int) {
        let own = pods.filter { $0.set == sets[index].metadata.uid }
        var status = sets[index].status
        status.replicas = own.count
        status.readyReplicas = own.count(where: \.isReady)
        status.availableReplicas = own.count(where: \.isReady)
        status.observedGeneration = sets[index].metadata.generation
        sets[index].status = status
    }

    /// Runs all parts in turn until nothing changes; every pod turns ready.
    mutating func settle(rounds: Int = 200, _ place: SourceLocation = #_sourceLocation) {
        for _ in 0..<rounds {
            let before = sets
            let plan = plan
            perform(plan)
            for index in sets.indices { replicate(index) }
            let waiting = pods.indices.filter { !pods[$0].isReady }
            for index in waiting { pods[index].isReady = true }
            for index in sets.indices { observe(index) }
            if plan.steps.isEmpty, waiting.isEmpty, sets == before { return }
        }
        Issue.record("the deployment does not come to rest", sourceLocation: place)
    }

    mutating func change(image: String) {
        deployment.json["spec"]["template"]["spec"]["containers"] = [["name": "c", "image": .string(image)]]
        deployment.metadata.generation += 1
    }
    mutating func scale(to replicas: Int) {
        deployment.replicas = replicas
        deployment.metadata.generation += 1
    }
}
