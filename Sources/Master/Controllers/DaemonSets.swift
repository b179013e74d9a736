import Shared
import Synchronization

/// Keeps one pod of a DaemonSet on every node that fits. A class: it remembers when a node's pod failed last.
final class DaemonSets: Reconciler {
    private struct Failure {
        var backoff = Backoff(first: .seconds(1), most: .seconds(900))
        var until = Duration.zero
    }
    private struct Spot: Hashable {
        let key: ObjectKey
        let node: String
    }
    private let client: Client
    private let sets: Informer<DaemonSet>
    private let nodes: Informer<Node>
    private let pods: Informer<Pod>
    private let revisions: Revisions
    private let recorder: Recorder
    private let clock: any WallClock
    private let podFence = Fence()
    private let ownFence = Fence()
    private let failures = Mutex<[Spot: Failure]>([:])

    init(
        client: Client, sets: Informer<DaemonSet>, nodes: Informer<Node>, pods: Informer<Pod>, revisions: Revisions,
        recorder: Recorder, clock: any WallClock
    ) {
        self.client = client
        self.sets = sets
        self.nodes = nodes
        self.pods = pods
        self.revisions = revisions
        self.recorder = recorder
        self.clock = clock
    }

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let set = sets.get(namespace: key.namespace, name: key.name), let selector = set.selector else {
            podFence.forget(key)
            ownFence.forget(key)
            revisions.forget(key)
            failures.withLock { failures in failures = failures.filter { $0.key.key != key } }
            return .settled
        }
        if selector.isEmpty {
            recorder.event(
                set, .warning, "SelectingAll",
                "This daemon set is selecting all pods. A non-empty selector is required.")
            return .settled
        }
        // Its pods are the garbage collector's now.
        if set.metadata.isDeleting { return .settled }
        let known = pods.list(index: PodIndex.controller, set.metadata.uid)
        let isOwn = { (pod: Pod) in pod.metadata.controller?.uid == set.metadata.uid }
        guard
            try await podFence.isPassed(key, at: pods.revision, present: known, asking: client, about: isOwn),
            ownFence.isPassed(key, at: sets.revision, present: [set]), revisions.isCurrent(key, set.metadata.uid)
        else { return .settled }
        let claim = Ownership(
            of: set, selector: selector, among: known + pods.list(index: PodIndex.orphan, set.namespace))
        let owned = try await client.apply(claim, owner: set)
        let history = try await revisions.history(
            of: set, selector: selector, template: set.template, collisions: set.status.collisionCount)
        let hash = history.latest.metadata.labels[Revisions.podLabel] ?? ""
        let plan = DaemonPlan(
            set, nodes: nodes.list(), pods: owned, hash: hash, collisions: history.collisions, now: clock.now(),
            delay: { delay(of: Spot(key: key, node: $0)) })
        let failure = await perform(plan, set, hash, key)
        try await report(plan.status, set, key)
        if let failure { throw failure }
        let live = Set(owned.compactMap { $0.metadata.labels[Revisions.podLabel] })
        let old = history.all.filter { $0.name != history.latest.name }
        let surplus = RevisionPlan.surplus(old, limit: set.revisionHistoryLimit, countsLive: true) { record in
            live.contains(record.metadata.labels[Revisions.podLabel] ?? "")
        }
        try await revisions.delete(surplus, for: key)
        return plan.again.map { .again(after: $0) } ?? .settled
    }

    /// How long the failed pod of a node has to stay.
    private func delay(of spot: Spot) -> Duration {
        let now = clock.uptime()
        return failures.withLock { failures in
            var failure = failures[spot] ?? Failure()
            if failure.until > now { return failure.until - now }
            failure.until = now + failure.backoff.next()
            failures[spot] = failure
            return .zero
        }
    }

    private func perform(
        _ plan: DaemonPlan, _ set: DaemonSet, _ hash: String, _ key: ObjectKey
    ) async -> (any Error)? {
        for event in plan.events {
            recorder.event(set, event.isWarning ? .warning : .normal, event.reason, event.message)
        }
        let (_, failure) = await Batches.slowStart(plan.create.count) { [self] index in
            do {
                let pod = try await podFence.write(for: key) {
                    try await client.create(set.pod(on: plan.create[index], hash: hash))
                }
                recorder.event(set, .normal, "SuccessfulCreate", "Created pod: \(pod.name)")
            } catch {
                if !isNamespaceTerminating(error) {
                    recorder.event(set, .warning, "FailedCreate", "Error creating: \(error)")
                }
                throw error
            }
        }
        do {
            try await Batches.each(plan.delete) { [self] pod in try await delete(pod, of: set, key) }
        } catch { return failure ?? error }
        return failure.flatMap { isNamespaceTerminating($0) ? nil : $0 }
    }

    private func delete(_ pod: Pod, of set: DaemonSet, _ key: ObjectKey) async throws {
        do {
            try await podFence.attempt(for: key) {
                try await client.delete(Pod.self, namespace: pod.namespace, name: pod.name, uid: pod.metadata.uid)
            }
            podFence.deleted(pod, for: key)
            recorder.event(set, .normal, "SuccessfulDelete", "Deleted pod: \(pod.name)")
        } catch let status as Status where status.reason == .notFound {
            podFence.deleted(pod, for: key)
        } catch {
            recorder.event(set, .warning, "FailedDelete", "Error deleting: \(error)")
            throw error
        }
    }

    private func report(_ status: DaemonSetStatus, _ set: DaemonSet, _ key: ObjectKey) async throws {
        guard status != set.status else { return }
        var update = set
        update.status = status
        do { ownFence.wrote(try await client.updateStatus(update), for: key) } catch let refusal as Status
            where refusal.reason == .notFound
        {}
    }
}

extension Node {
    /// What daemon sets care about.
    var daemonAspect: [JSON] { [metadata.json["labels"], json.at("spec", "taints"), json.at("spec", "unschedulable")] }
}
