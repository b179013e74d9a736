/// `apps/v1 StatefulSet`: pods with a name, a place in an order and storage of their own.
/// Writers: spec = user, status = stateful set controller.
package struct StatefulSet: Kind {
    package static let type = KindType(group: "apps", version: "v1", kind: "StatefulSet", plural: "statefulsets")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package enum Retention: String, Sendable { case retain = "Retain", delete = "Delete" }

    /// Never negative.
    package var replicas: Int {
        get { max(0, json.at("spec", "replicas").int ?? 1) }
        set { json["spec"]["replicas"] = JSON(newValue) }
    }
    /// Nil selects nothing.
    package var selector: LabelSelector? { LabelSelector(json.at("spec", "selector")) }
    package var template: PodTemplate {
        get { PodTemplate(json.at("spec", "template")) }
        set { json["spec"]["template"] = newValue.json }
    }
    /// The headless service under whose name the pods are found.
    package var serviceName: String { json.at("spec", "serviceName").string ?? "" }
    /// All pods at once instead of one after the other.
    package var isParallel: Bool { json.at("spec", "podManagementPolicy").string == "Parallel" }
    package var minReadySeconds: Int { max(0, json.at("spec", "minReadySeconds").int ?? 0) }
    package var revisionHistoryLimit: Int { max(0, json.at("spec", "revisionHistoryLimit").int ?? 10) }
    /// The number of the first pod.
    package var start: Int { max(0, json.at("spec", "ordinals", "start").int ?? 0) }
    /// The numbers that its pods have.
    package var ordinals: Range<Int> {
        let end = start.addingReportingOverflow(replicas)
        return start..<(end.overflow ? start : end.partialValue)
    }
    package var claimTemplates: [PersistentVolumeClaim] {
        json.at("spec", "volumeClaimTemplates").items.map { PersistentVolumeClaim($0) }
    }
    package var whenDeleted: Retention { retention("whenDeleted") }
    package var whenScaled: Retention { retention("whenScaled") }
    package var status: StatefulSetStatus {
        get { StatefulSetStatus(json["status"]) }
        set { json["status"] = newValue.json }
    }

    private func retention(_ key: String) -> Retention {
        json.at("spec", "persistentVolumeClaimRetentionPolicy", key).string.flatMap(Retention.init) ?? .retain
    }
}

extension StatefulSet {
    private var strategy: JSON { json.at("spec", "updateStrategy") }
    /// Pods take a new template only when somebody deletes them.
    package var updatesOnDelete: Bool { strategy["type"].string == "OnDelete" }
    /// Pods below this place in the order keep the old template; nil when the strategy does not say.
    package var partition: Int? {
        strategy["rollingUpdate"].object == nil ? nil : max(0, strategy["rollingUpdate"]["partition"].int ?? 0)
    }
    /// Pods that an update may take down at once; at least 1.
    package var maxUnavailable: Int {
        guard let bound = IntOrPercent(strategy["rollingUpdate"]["maxUnavailable"]) else { return 1 }
        return max(1, bound.of(replicas, rounding: .down))
    }
}

/// `status` of a StatefulSet. Counts that are zero are left out, but for `replicas` and `availableReplicas`.
package struct StatefulSetStatus: View {
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var observedGeneration: Int {
        get { json["observedGeneration"].int ?? 0 }
        set { setCount("observedGeneration", newValue) }
    }
    package var replicas: Int {
        get { json["replicas"].int ?? 0 }
        set { json["replicas"] = JSON(newValue) }
    }
    package var readyReplicas: Int {
        get { json["readyReplicas"].int ?? 0 }
        set { setCount("readyReplicas", newValue) }
    }
    package var availableReplicas: Int {
        get { json["availableReplicas"].int ?? 0 }
        set { json["availableReplicas"] = JSON(newValue) }
    }
    /// Pods of the revision that the set comes from.
    package var currentReplicas: Int {
        get { json["currentReplicas"].int ?? 0 }
        set { setCount("currentReplicas", newValue) }
    }
    /// Pods of the revision that the set goes to.
    package var updatedReplicas: Int {
        get { json["updatedReplicas"].int ?? 0 }
        set { setCount("updatedReplicas", newValue) }
    }
    package var currentRevision: String {
        get { text("currentRevision") }
        set { setText("currentRevision", newValue) }
    }
    package var updateRevision: String {
        get { text("updateRevision") }
        set { setText("updateRevision", newValue) }
    }
    /// How often a name of a new revision was taken; part of the hash that names it.
    package var collisionCount: Int {
        get { json["collisionCount"].int ?? 0 }
        set { json["collisionCount"] = JSON(newValue) }
    }
}
