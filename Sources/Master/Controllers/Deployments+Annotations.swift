import Shared

/// The annotations by which a Deployment and its replica sets remember revisions and sizes.
/// Source: `deployment_util.go`.
enum DeploymentAnnotation {
    static let revision = "deployment.kubernetes.io/revision"
    static let history = "deployment.kubernetes.io/revision-history"
    static let desired = "deployment.kubernetes.io/desired-replicas"
    static let maximum = "deployment.kubernetes.io/max-replicas"
    static let rollback = "deprecated.deployment.rollback.to"
    static let lastApplied = "kubectl.kubernetes.io/last-applied-configuration"
    /// Not copied between a Deployment and its replica sets.
    static let own: Set<String> = [revision, history, desired, maximum, rollback, lastApplied]
}

extension ReplicaSet {
    var deploymentRevision: Int { metadata.annotations[DeploymentAnnotation.revision].flatMap { Int($0) } ?? 0 }
    var desiredReplicas: Int? { metadata.annotations[DeploymentAnnotation.desired].flatMap { Int($0) } }
    var maximumReplicas: Int? { metadata.annotations[DeploymentAnnotation.maximum].flatMap { Int($0) } }

    /// Takes over the deployment's annotations and, when it is newer, the revision; the former one goes into the history.
    /// - Parameter isNew: the set does not exist yet; it remembers its sizes as well.
    mutating func annotate(from deployment: Deployment, revision: Int, isNew: Bool) {
        var annotations = metadata.annotations
        for (key, value) in deployment.metadata.annotations where !DeploymentAnnotation.own.contains(key) {
            annotations[key] = value
        }
        let old = annotations[DeploymentAnnotation.revision]
        let oldNumber = old.flatMap { Int($0) } ?? 0
        if oldNumber < revision {
            annotations[DeploymentAnnotation.revision] = String(revision)
            if let old, !isNew {
                annotations[DeploymentAnnotation.history] = ReplicaSet.history(
                    annotations[DeploymentAnnotation.history], adding: old)
            }
        }
        metadata.annotations = annotations
        if isNew { remember(deployment) }
    }

    /// Notes the sizes that the set was scaled for.
    mutating func remember(_ deployment: Deployment) {
        var annotations = metadata.annotations
        annotations[DeploymentAnnotation.desired] = String(deployment.replicas)
        annotations[DeploymentAnnotation.maximum] = String(deployment.maxTotal)
        metadata.annotations = annotations
    }

    private static func history(_ known: String?, adding revision: String) -> String {
        guard let known, !known.isEmpty else { return revision }
        var text = known + "," + revision
        while text.utf8.count > Limits.revisionHistoryCharactersMax, let comma = text.firstIndex(of: ",") {
            text = String(text[text.index(after: comma)...])
        }
        return text
    }

    /// The oldest first.
    static func isOlder(_ left: ReplicaSet, _ right: ReplicaSet) -> Bool {
        let (one, other) = (left.metadata.creationTimestamp, right.metadata.creationTimestamp)
        return one == other ? left.name < right.name : (one ?? .init(seconds: 0)) < (other ?? .init(seconds: 0))
    }
}
