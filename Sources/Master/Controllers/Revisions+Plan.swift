import Shared

/// What becomes of the recorded templates of a workload when its template is the given one.
/// Source: `pkg/controller/history` of kube-controller-manager.
enum RevisionPlan: Equatable {
    /// The newest record has this template.
    case keep(ControllerRevision)
    /// An older record has it: it becomes the newest again.
    case renumber(ControllerRevision)
    /// No record has it.
    case create(ControllerRevision)

    var revision: ControllerRevision {
        switch self {
        case .keep(let revision), .renumber(let revision), .create(let revision): revision
        }
    }

    /// - Parameters:
    ///   - label: the label of a record that holds its hash.
    ///   - known: all records of the owner.
    ///   - collisions: how often a name was taken before; changes the name.
    init<Owner: Kind>(
        for owner: Owner, template: PodTemplate, label: String, known: [ControllerRevision], collisions: Int
    ) {
        let data = RevisionPlan.data(of: template)
        let sorted = RevisionPlan.sorted(known)
        let content = data.canonical
        let newest = sorted.last?.number ?? 0
        if let last = sorted.last, last.data.canonical == content {
            self = .keep(last)
        } else if var equal = sorted.last(where: { $0.data.canonical == content }) {
            equal.number = newest + 1
            self = .renumber(equal)
        } else {
            let hash = Fingerprint.of(template.json, collisions: collisions)
            var revision = ControllerRevision(
                name: "\(owner.name.prefix(223))-\(hash)", namespace: owner.namespace)
            var labels = template.metadata.labels
            labels[label] = hash
            revision.metadata.labels = labels
            revision.metadata.annotations = owner.metadata.annotations
            revision.metadata.ownerReferences = [OwnerReference(controller: owner)]
            revision.data = data
            revision.number = newest + 1
            self = .create(revision)
        }
    }

    /// The patch that brings `template` back, as `kubectl rollout undo` sends it.
    static func data(of template: PodTemplate) -> JSON {
        var content = template.json
        content["$patch"] = "replace"
        return ["spec": ["template": content]]
    }

    /// Oldest first.
    static func sorted(_ revisions: [ControllerRevision]) -> [ControllerRevision] {
        revisions.sorted { left, right in
            if left.number != right.number { return left.number < right.number }
            let (mine, other) = (left.metadata.creationTimestamp, right.metadata.creationTimestamp)
            if let mine, let other, mine != other { return mine < other }
            return left.name < right.name
        }
    }

    /// Records that nobody uses and that the history has no room for, oldest first.
    /// - Parameters:
    ///   - countsLive: records in use take up room as well, as those of a DaemonSet do.
    ///   - isLive: whether pods or the workload itself refer to a record.
    static func surplus(
        _ revisions: [ControllerRevision], limit: Int, countsLive: Bool = false,
        isLive: (ControllerRevision) -> Bool
    ) -> [ControllerRevision] {
        let idle = sorted(revisions).filter { !isLive($0) }
        let count = countsLive ? revisions.count : idle.count
        return Array(idle.prefix(max(0, count - max(0, limit))))
    }
}
