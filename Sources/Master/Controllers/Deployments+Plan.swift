import Shared

/// What one reconciliation of a Deployment does, in order. Made on values; `Deployments` performs it.
///
/// Within the plan the replica sets are treated as if the steps had been taken, so that one plan may scale one set up
/// and another one down without ever leaving the bounds of the strategy.
struct DeploymentPlan: Equatable {
    enum Step: Equatable {
        case create(ReplicaSet)
        /// Writes annotations, minReadySeconds and the number of replicas.
        case update(ReplicaSet)
        case delete(ReplicaSet)
        /// Writes the deployment itself after a rollback: the template and annotations.
        case rewrite(Deployment)
        /// Notes the revision on the deployment, with the status: no new generation comes of that.
        case note(revision: Int)
        case status(DeploymentStatus)
        case event(Recorder.Kind, reason: String, message: String)
    }
    private(set) var steps: [Step] = []
    /// When to look again although nothing changed: a progress deadline.
    private(set) var again: Duration?

    let deployment: Deployment
    let now: Timestamp
    /// The deployment's sets, oldest first, as they are after the steps so far.
    private(set) var sets: [ReplicaSet]
    /// Uid of the set whose template is the deployment's; the name while it does not exist yet.
    private var newest: String?
    /// The status with the conditions of this plan.
    private(set) var status: DeploymentStatus

    /// - Parameters:
    ///   - sets: the replica sets that belong to the deployment.
    ///   - livePods: uids of sets that still have pods which are not finished; asked for Recreate only.
    init(_ deployment: Deployment, sets: [ReplicaSet], livePods: Set<String> = [], now: Timestamp) {
        self.deployment = deployment
        self.now = now
        self.sets = sets.sorted(by: ReplicaSet.isOlder)
        status = deployment.status
        newest = self.sets.first { $0.template.isSame(as: deployment.template) }?.metadata.uid
        make(livePods)
    }

    private mutating func make(_ livePods: Set<String>) {
        if deployment.metadata.isDeleting { return reportWithoutProgress() }
        notePause()
        if deployment.isPaused { return scaleOnly() }
        if let revision = rollbackRevision { return rollBack(to: revision) }
        if isScaling { return scaleOnly() }
        if deployment.isRecreate { recreate(livePods) } else { roll() }
        reportProgress()
    }

    // MARK: The sets

    var newSet: ReplicaSet? { sets.first { $0.metadata.uid == newest } }
    var oldSets: [ReplicaSet] { sets.filter { $0.metadata.uid != newest } }
    var totalReplicas: Int { sets.reduce(0) { $0 + $1.replicas } }

    mutating func step(_ step: Step) { steps.append(step) }
    mutating func lookAgain(after delay: Duration) { again = min(again ?? delay, delay) }
    mutating func setConditions(_ change: (inout [Condition]) -> Void) {
        var conditions = status.conditions
        change(&conditions)
        status.conditions = conditions
    }
    mutating func setStatus(_ status: DeploymentStatus) { self.status = status }

    /// Makes the set of the current template the newest revision; creates it when `creating`.
    mutating func settleNewSet(creating: Bool) {
        let revision = (oldSets.map(\.deploymentRevision).max() ?? 0) + 1
        if let known = newSet {
            var set = known
            set.annotate(from: deployment, revision: revision, isNew: false)
            set.minReadySeconds = deployment.minReadySeconds
            if set != known { replace(set) }
            noteRevision(set.deploymentRevision)
            if deployment.progressDeadlineSeconds != nil, status.conditions.first("Progressing") == nil {
                progress(true, "FoundNewReplicaSet", "Found new replica set \"\(set.name)\"")
            }
        } else if creating {
            create(revision)
        }
    }

    private mutating func create(_ revision: Int) {
        let hash = Fingerprint.of(deployment.template.json, collisions: status.collisionCount)
        var set = ReplicaSet(name: "\(deployment.name)-\(hash)", namespace: deployment.namespace)
        var template = deployment.template
        var labels = template.metadata.labels
        labels[PodTemplate.hashLabel] = hash
        template.metadata.labels = labels
        set.metadata.labels = labels
        set.metadata.ownerReferences = [OwnerReference(controller: deployment)]
        set.json["spec"] = ["replicas": 0]
        set.minReadySeconds = deployment.minReadySeconds
        var selector = deployment.json.at("spec", "selector")
        selector["matchLabels"][PodTemplate.hashLabel] = .string(hash)
        set.json["spec"]["selector"] = selector
        set.template = template
        set.replicas = deployment.isRecreate ? deployment.replicas : roomForNew(known: 0)
        set.annotate(from: deployment, revision: revision, isNew: true)
        step(.create(set))
        if set.replicas > 0 { noteScaling(set, up: true) }
        // Until the server names it, the set goes by its name.
        set.metadata.uid = set.name
        newest = set.name
        sets.append(set)
        noteRevision(revision)
        if deployment.progressDeadlineSeconds != nil {
            progress(true, "NewReplicaSetCreated", "Created new replica set \"\(set.name)\"")
        }
    }

    private mutating func noteRevision(_ revision: Int) {
        guard deployment.metadata.annotations[DeploymentAnnotation.revision] != String(revision) else { return }
        step(.note(revision: revision))
    }

    private mutating func replace(_ set: ReplicaSet) {
        guard let index = sets.firstIndex(where: { $0.metadata.uid == set.metadata.uid }) else { return }
        sets[index] = set
        let isSame: (Step) -> Bool = { step in
            if case .update(let other) = step { other.metadata.uid == set.metadata.uid } else { false }
        }
        // One write per set: later changes join the first.
        if let first = steps.firstIndex(where: isSame) { steps[first] = .update(set) } else { step(.update(set)) }
    }

    /// Scales a set and lets it remember for which size of the deployment.
    mutating func scale(_ set: ReplicaSet, to replicas: Int) {
        guard let known = sets.first(where: { $0.metadata.uid == set.metadata.uid }) else { return }
        var copy = known
        copy.replicas = replicas
        copy.remember(deployment)
        guard copy != known else { return }
        replace(copy)
        if copy.replicas != known.replicas { noteScaling(copy, up: copy.replicas > known.replicas) }
    }

    private mutating func noteScaling(_ set: ReplicaSet, up: Bool) {
        let message = "Scaled \(up ? "up" : "down") replica set \(set.name) to \(set.replicas)"
        step(.event(.normal, reason: "ScalingReplicaSet", message: message))
    }

    /// How many replicas the new set may have now, so that the deployment keeps below its surge.
    func roomForNew(known: Int) -> Int {
        let room = deployment.maxTotal - totalReplicas
        return room <= 0 ? known : known + max(0, min(room, deployment.replicas - known))
    }

    // MARK: Clean-up

    /// Deletes old sets beyond the history limit, the oldest revision first.
    mutating func cleanUp() {
        guard let limit = deployment.revisionHistoryLimit else { return }
        let candidates = oldSets.filter { !$0.metadata.isDeleting }
            .sorted { ($0.deploymentRevision, $0.name) < ($1.deploymentRevision, $1.name) }
        for set in candidates.prefix(max(0, candidates.count - limit)) {
            let isIdle = set.status.replicas == 0 && set.replicas == 0
            if isIdle, set.metadata.generation <= set.status.observedGeneration { step(.delete(set)) }
        }
    }
}
