import Shared
import Synchronization
import TestKit
import Testing

/// What a Deployment promises at every moment of its life, checked on every revision of its pods.
struct DeploymentInvariantTests {
    /// Every change of the pods in the order of the store.
    private final class Trace: Sendable {
        private let changes = Mutex<[Informer<Pod>.Change]>([])
        func note(_ change: Informer<Pod>.Change) { changes.withLock { $0.append(change) } }
        func take() -> [Informer<Pod>.Change] {
            changes.withLock { changes in
                defer { changes = [] }
                return changes
            }
        }
    }

    private struct Bounds {
        var maxTotal: Int
        /// Nil while the count is being changed.
        var minAvailable: Int?
    }

    /// Plays the changes onto the pods that were there and complains about each broken promise.
    private static func check(
        _ changes: [Informer<Pod>.Change], on pods: inout [String: Pod], _ bounds: Bounds, killed: Set<String>,
        _ note: String
    ) {
        for change in changes {
            let pod = change.object
            if case .removed = change { pods[pod.name] = nil } else { pods[pod.name] = pod }
            let live = pods.values.filter { !$0.metadata.isDeleting && !$0.isFinished }
            #expect(live.count <= bounds.maxTotal, "\(note): \(live.count) pods")
            guard let least = bounds.minAvailable, case .updated(let old, let new) = change, old.isReady,
                !old.metadata.isDeleting, new.metadata.isDeleting, !killed.contains(new.name)
            else { continue }
            let available = live.count { $0.isReady }
            #expect(available >= least, "\(note): \(available) available after \(new.name) was deleted")
        }
    }

    @Test(arguments: stride(from: 0, to: 200, by: 20).map { $0 })
    func `a rolling update keeps its bounds, whatever happens`(first: Int) async throws {
        try await InProcessCluster.with(faults: .init(seed: Seed(UInt64(first)), oneIn: 40)) { cluster in
            for number in first..<first + 20 { try await DeploymentInvariantTests.live(Seed(UInt64(number)), cluster) }
        }
    }

    private static func live(_ seed: Seed, _ cluster: InProcessCluster) async throws {
        var random = seed
        let name = "web-\(seed.start)"
        var replicas = Int.random(in: 1...5, using: &random)
        let surge = Int.random(in: 0...2, using: &random)
        let unavailable = surge == 0 ? Int.random(in: 1...2, using: &random) : Int.random(in: 0...2, using: &random)
        let trace = Trace()
        let log = Log("trace", threshold: .error) { _ in }
        let informer = Informer<Pod>(cluster.client, namespace: "default", clock: cluster.clock, log: log)
        informer.add { if $0.object.metadata.labels["app"] == name { trace.note($0) } }
        // Followed beside the steps below, and ended with them.
        let follower = Task { try await informer.run() }
        defer { follower.cancel() }
        var pods: [String: Pod] = [:]
        var killed: Set<String> = []
        _ = try await cluster.client.create(
            InProcessCluster.deployment(
                name, replicas: replicas, surge: JSON(surge), unavailable: JSON(unavailable)))
        try await cluster.settle()

        for step in 0..<5 {
            var bounds = Bounds(
                maxTotal: replicas + surge, minAvailable: max(0, replicas - unavailable))
            var action = "create"
            switch step == 0 ? 9 : Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                action = "image"
                let word = ["run", "run", "notready", "stuck"].randomElement(using: &random) ?? "run"
                try await cluster.setImage("\(word):\(step)", of: name)
            case 2:
                action = "scale"
                let wanted = Int.random(in: 0...6, using: &random)
                bounds = Bounds(maxTotal: max(replicas, wanted) + surge, minAvailable: nil)
                replicas = wanted
                _ = try await cluster.client.patch(
                    Deployment.self, namespace: "default", name: name, .merge, ["spec": ["replicas": JSON(wanted)]])
            case 3:
                action = "kill"
                if let victim = try await cluster.pods(name).randomElement(using: &random) {
                    killed.insert(victim.name)
                    try await cluster.client.delete(Pod.self, namespace: "default", name: victim.name)
                }
            default: break
            }
            try await cluster.run(for: .seconds(3))
            check(
                trace.take(), on: &pods, bounds, killed: killed,
                "\(seed) step \(step) \(action) replicas \(replicas) surge \(surge) unavailable \(unavailable)")
        }
        try await cluster.setImage("run:end", of: name)
        _ = try await cluster.time(until: .seconds(60)) {
            let (ready, all) = (try await cluster.ready(name).count, try await cluster.pods(name).count)
            return ready == replicas && all == replicas
        }
        #expect(try await cluster.ready(name).count == replicas, "\(seed) ends with all pods ready")
        try await cluster.client.delete(Deployment.self, namespace: "default", name: name, propagation: .background)
        try await cluster.run(for: .seconds(3))
    }
}
