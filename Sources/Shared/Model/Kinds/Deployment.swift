/// `apps/v1 Deployment`. Writers: spec = user, status = deployment controller.
package struct Deployment: Kind {
    package static let type = KindType(group: "apps", version: "v1", kind: "Deployment", plural: "deployments")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var replicas: Int {
        get { json.at("spec", "replicas").int ?? 1 }
        set { json["spec"]["replicas"] = JSON(newValue) }
    }
    /// Nil selects nothing.
    package var selector: LabelSelector? { LabelSelector(json.at("spec", "selector")) }
    package var template: PodTemplate {
        get { PodTemplate(json.at("spec", "template")) }
        set { json["spec"]["template"] = newValue.json }
    }
    package var isRecreate: Bool { json.at("spec", "strategy", "type").string == "Recreate" }
    package var isPaused: Bool { json.at("spec", "paused").bool ?? false }
    package var minReadySeconds: Int { json.at("spec", "minReadySeconds").int ?? 0 }
    /// Old replica sets that are kept; nil keeps all.
    package var revisionHistoryLimit: Int? {
        let limit = json.at("spec", "revisionHistoryLimit").int ?? 10
        return limit >= Int(Int32.max) ? nil : limit
    }
    /// Seconds without progress after which the rollout counts as failed; nil waits for ever.
    package var progressDeadlineSeconds: Int? {
        let seconds = json.at("spec", "progressDeadlineSeconds").int ?? 600
        return seconds >= Int(Int32.max) ? nil : seconds
    }
    package var status: DeploymentStatus {
        get { DeploymentStatus(json["status"]) }
        set { json["status"] = newValue.json }
    }
}

extension Deployment {
    /// How far a rolling update may leave the wanted count. Source: `ResolveFenceposts` and `MaxSurge` of the
    /// deployment controller: surge is rounded up, unavailable down, and both are never zero.
    private var fenceposts: (surge: Int, unavailable: Int) {
        let rolling = json.at("spec", "strategy", "rollingUpdate")
        let surge = (IntOrPercent(rolling["maxSurge"]) ?? .percent(25)).of(replicas, rounding: .up)
        let unavailable = (IntOrPercent(rolling["maxUnavailable"]) ?? .percent(25)).of(replicas, rounding: .down)
        return surge <= 0 && unavailable <= 0 ? (0, 1) : (max(0, surge), max(0, unavailable))
    }
    /// Pods above `replicas` that an update may start.
    package var maxSurge: Int { isRecreate ? 0 : fenceposts.surge }
    /// Pods below `replicas` that an update may leave.
    package var maxUnavailable: Int { isRecreate || replicas == 0 ? 0 : min(replicas, fenceposts.unavailable) }
    /// Pods that there may be at most.
    package var maxTotal: Int { replicas.addingReportingOverflow(maxSurge).partialValue }
}

/// `status` of a Deployment. Counts that are zero are left out.
package struct DeploymentStatus: View {
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var observedGeneration: Int {
        get { json["observedGeneration"].int ?? 0 }
        set { setCount("observedGeneration", newValue) }
    }
    package var replicas: Int {
        get { json["replicas"].int ?? 0 }
        set { setCount("replicas", newValue) }
    }
    package var updatedReplicas: Int {
        get { json["updatedReplicas"].int ?? 0 }
        set { setCount("updatedReplicas", newValue) }
    }
    package var readyReplicas: Int {
        get { json["readyReplicas"].int ?? 0 }
        set { setCount("readyReplicas", newValue) }
    }
    package var availableReplicas: Int {
        get { json["availableReplicas"].int ?? 0 }
        set { setCount("availableReplicas", newValue) }
    }
    package var unavailableReplicas: Int {
        get { json["unavailableReplicas"].int ?? 0 }
        set { setCount("unavailableReplicas", newValue) }
    }
    /// How often a name of a new replica set was taken; part of the hash that names it.
    package var collisionCount: Int {
        get { json["collisionCount"].int ?? 0 }
        set { setCount("collisionCount", newValue) }
    }
    package var conditions: [Condition] {
        get { views("conditions") }
        set { json.set("conditions", newValue.isEmpty ? nil : .array(newValue.map(\.json))) }
    }
}
