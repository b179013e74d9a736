import Shared

/// What one reconciliation of a StatefulSet does. Pure. Source: `stateful_set_control.go`; KEP-961 (maxUnavailable),
/// KEP-2599 (minReadySeconds), KEP-3335 (start ordinal), KEP-1847 (claim retention).
struct StatefulPlan: Equatable {
    enum Step: Equatable {
        /// Creates the claims that are missing, then the pod.
        case create(Pod, claims: [PersistentVolumeClaim])
        /// A pending pod lacks claims.
        case claims([PersistentVolumeClaim], for: Pod)
        case delete(Pod)
        /// A pod that has failed or ended makes room for its successor.
        case replace(Pod)
        /// A pod lacks the labels of its identity.
        case identify(Pod, labels: [String: String])
        /// A claim gets these owners, so that it goes when the retention policy says so.
        case own(PersistentVolumeClaim, owners: [OwnerReference])
        /// Claims of the pod are on their way out; it can not be made before they are gone.
        case wait(forClaims: [String], of: Pod)
    }

    /// In order. In a parallel set the steps do not wait for one another.
    var steps: [Step] = []
    var status: StatefulSetStatus
    /// When the next ready pod counts as available.
    var again: Duration?

    private let set: StatefulSet
    private let current: ControllerRevision
    private let update: ControllerRevision
    private let claims: [String: PersistentVolumeClaim]
    private let now: Timestamp
    private let pods: [Int: Pod]
    private let condemned: [(ordinal: Int, pod: Pod)]

    static func == (left: StatefulPlan, right: StatefulPlan) -> Bool {
        left.steps == right.steps && left.status == right.status && left.again == right.again
    }

    /// - Parameters:
    ///   - pods: the pods that belong to the set, ended ones too.
    ///   - claims: the claims of its namespace that concern it, by name.
    ///   - current: the revision that the set comes from; `update` the one it goes to.
    init(
        _ set: StatefulSet, pods owned: [Pod], claims: [String: PersistentVolumeClaim], current: ControllerRevision,
        update: ControllerRevision, collisions: Int, now: Timestamp
    ) {
        self.set = set
        self.current = current
        self.update = update
        self.claims = claims
        self.now = now
        var pods: [Int: Pod] = [:]
        var condemned: [(ordinal: Int, pod: Pod)] = []
        for pod in owned {
            guard let ordinal = set.ordinal(ofPodNamed: pod.name) else { continue }
            if set.ordinals.contains(ordinal) { pods[ordinal] = pod } else { condemned.append((ordinal, pod)) }
        }
        self.pods = pods
        self.condemned = condemned.sorted { $0.ordinal > $1.ordinal }
        status = StatefulPlan.status(
            of: set, Array(pods.values) + condemned.map(\.pod), current, update, collisions, now)
        again = availability
        defer { finishUpdate() }
        guard !set.metadata.isDeleting else { return }
        keepReplicas()
        ownClaims()
        if isBlocked { return }
        removeCondemned()
        if isBlocked { return }
        rollOut()
    }

    /// In an ordered set one step at a time is taken; claims' owners are on the side.
    private var isBlocked = false

    // MARK: What pods are

    private func isAvailable(_ pod: Pod) -> Bool {
        pod.isRunningAndReady && pod.isAvailable(after: set.minReadySeconds, now: now)
    }
    /// Nothing that others have to wait for.
    private func isHealthy(_ pod: Pod?) -> Bool {
        guard let pod else { return false }
        return isAvailable(pod) && !pod.metadata.isDeleting
    }

    private var availability: Duration? {
        guard set.minReadySeconds > 0 else { return nil }
        return (Array(pods.values) + condemned.map(\.pod)).compactMap { pod -> Duration? in
            guard pod.status.phase == .running, let since = pod.readySince else { return nil }
            let wait = since + .seconds(set.minReadySeconds) - now
            return wait > .zero ? wait : nil
        }.min()
    }

    // MARK: Steps

    /// Makes what is missing, lowest first. An ordered set stops at the first pod that is not available.
    private mutating func keepReplicas() {
        var created = 0
        for ordinal in set.ordinals {
            guard let pod = pods[ordinal] else {
                create(ordinal)
                created += 1
                if !set.isParallel || created >= Limits.burstPodsMax { return block(unless: set.isParallel) }
                continue
            }
            if pod.isFinished {
                if !pod.metadata.isDeleting { steps.append(.replace(pod)) }
                if !set.isParallel { return block() }
                continue
            }
            if pod.status.phase == .pending {
                let missing = set.claims(ordinal).filter { claims[$0.name] == nil }
                if !missing.isEmpty, !pod.metadata.isDeleting { steps.append(.claims(missing, for: pod)) }
            }
            if !set.isParallel, !isHealthy(pod) { return block() }
            identify(pod, ordinal)
        }
    }

    private mutating func block(unless isParallel: Bool = false) { isBlocked = !isParallel }

    private mutating func create(_ ordinal: Int) {
        let wanted = set.claims(ordinal)
        let known = wanted.compactMap { claims[$0.name] }
        // A claim that belongs to the pod's predecessor goes with it, and its end brings the set back here.
        let isStale = known.contains { claim in
            claim.metadata.ownerReferences.contains { $0.kind == "Pod" && $0.name == set.podName(ordinal) }
        }
        if isStale { return }
        let revision = needsCurrent(ordinal) ? current : update
        let pod = set.pod(ordinal, template: revision.template, revision: revision.name)
        let missing = wanted.filter { claims[$0.name] == nil }
        let ending = known.filter(\.metadata.isDeleting).map(\.name)
        if ending.isEmpty { return steps.append(.create(pod, claims: missing)) }
        if !missing.isEmpty { steps.append(.claims(missing, for: pod)) }
        steps.append(.wait(forClaims: ending, of: pod))
    }

    /// Whether a pod that is missing comes back with the revision from before the update.
    private func needsCurrent(_ ordinal: Int) -> Bool {
        if set.updatesOnDelete { return false }
        let place = ordinal - set.start
        return place < (set.partition ?? set.status.currentReplicas)
    }

    private mutating func identify(_ pod: Pod, _ ordinal: Int) {
        let labels = pod.metadata.labels
        guard labels[StatefulSet.podNameLabel] != pod.name else { return }
        steps.append(
            .identify(
                pod, labels: [StatefulSet.podNameLabel: pod.name, StatefulSet.podIndexLabel: String(ordinal)]))
    }

    /// Removes pods beyond the wanted count, highest first; in an ordered set only while all below are healthy.
    private mutating func removeCondemned() {
        let kept = pods.sorted { $0.key < $1.key }.map(\.value)
        let unhealthy = (kept + condemned.reversed().map(\.pod)).first { !isHealthy($0) }
        for (_, pod) in condemned {
            if pod.metadata.isDeleting {
                if !set.isParallel { return block() }
                continue
            }
            if !set.isParallel, !isAvailable(pod), pod.metadata.uid != unhealthy?.metadata.uid { return block() }
            steps.append(.delete(pod))
            if !set.isParallel { return block() }
        }
    }

    /// Takes down pods of an older revision, highest first.
    private mutating func rollOut() {
        guard !set.updatesOnDelete else { return }
        let first = set.start + min(set.partition ?? 0, set.replicas)
        let targets = (first..<max(first, set.ordinals.upperBound)).reversed()
        guard set.maxUnavailable > 1 else {
            for ordinal in targets {
                guard let pod = pods[ordinal] else { return }
                if pod.revisionName != update.name, !pod.metadata.isDeleting {
                    steps.append(.delete(pod))
                    return
                }
                if !isHealthy(pod) { return }
            }
            return
        }
        var room = set.maxUnavailable - (set.replicas - pods.values.count { isHealthy($0) })
        for ordinal in targets {
            guard room > 0 else { return }
            guard let pod = pods[ordinal], pod.revisionName != update.name, !pod.metadata.isDeleting else { continue }
            steps.append(.delete(pod))
            room -= 1
        }
    }

    // MARK: Claims

    /// Says who owns the claims, so that they go with the set or with a pod that is scaled away.
    private mutating func ownClaims() {
        for (ordinal, pod) in pods.map({ ($0.key, $0.value) }).sorted(by: { $0.0 < $1.0 }) { own(pod, ordinal, false) }
        for (ordinal, pod) in condemned { own(pod, ordinal, true) }
    }

    private mutating func own(_ pod: Pod, _ ordinal: Int, _ isScaledAway: Bool) {
        for template in set.claimTemplates {
            guard let claim = claims[set.claimName(template, ordinal)], !claim.metadata.isDeleting else { continue }
            let others = claim.metadata.ownerReferences.filter { owner in
                owner.uid != set.metadata.uid && !(owner.kind == "Pod" && owner.name == pod.name)
                    && !(owner.kind == StatefulSet.type.kind && owner.name == set.name)
            }
            // An owner that somebody else gave it decides over the claim.
            if others.contains(where: \.isController) { continue }
            var wanted = others
            if isScaledAway, set.whenScaled == .delete {
                wanted.append(OwnerReference(controlling: pod))
            } else if set.whenDeleted == .delete {
                wanted.append(OwnerReference(controlling: set))
            }
            let present = Set(claim.metadata.ownerReferences.map(\.uid))
            if present != Set(wanted.map(\.uid)) { steps.append(.own(claim, owners: wanted)) }
        }
    }

    // MARK: Status

    private static func status(
        of set: StatefulSet, _ pods: [Pod], _ current: ControllerRevision, _ update: ControllerRevision,
        _ collisions: Int, _ now: Timestamp
    ) -> StatefulSetStatus {
        var status = StatefulSetStatus([:])
        status.json.set("conditions", set.status.json.object?["conditions"])
        status.observedGeneration = set.metadata.generation
        status.replicas = pods.count
        let ready = pods.filter(\.isRunningAndReady)
        status.readyReplicas = ready.count
        status.availableReplicas = ready.count { $0.isAvailable(after: set.minReadySeconds, now: now) }
        let live = pods.filter { !$0.metadata.isDeleting }
        status.currentReplicas = live.count { $0.revisionName == current.name }
        status.updatedReplicas = live.count { $0.revisionName == update.name }
        status.currentRevision = current.name
        status.updateRevision = update.name
        status.collisionCount = collisions
        return status
    }

    /// What a set that is being deleted says of the pods that it still has. Its revisions go with it: made anew they
    /// would be collected for ever, so that only their names are used.
    static func parting(_ set: StatefulSet, pods: [Pod], now: Timestamp) -> StatefulSetStatus {
        let status = set.status
        guard !status.currentRevision.isEmpty, !status.updateRevision.isEmpty else { return status }
        return StatefulPlan.status(
            of: set, pods, ControllerRevision(name: status.currentRevision),
            ControllerRevision(name: status.updateRevision), status.collisionCount, now)
    }

    /// The update is over when every pod has what it went to, none that was just made among them.
    private mutating func finishUpdate() {
        let isMaking = steps.contains { if case .create = $0 { true } else { false } }
        guard !isMaking, !set.updatesOnDelete, status.updatedReplicas == status.replicas,
            status.readyReplicas == status.replicas
        else { return }
        status.currentReplicas = status.updatedReplicas
        status.currentRevision = status.updateRevision
    }
}

extension OwnerReference {
    /// The reference of a claim to what takes it along when it goes.
    init<K: Kind>(controlling owner: K) {
        self.init([
            "apiVersion": .string(K.type.apiVersion), "kind": .string(K.type.kind), "name": .string(owner.name),
            "uid": .string(owner.metadata.uid), "controller": true,
        ])
    }
}
