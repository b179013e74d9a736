/// `apps/v1 DaemonSet`: one pod on every node that fits. Writers: spec = user, status = daemon set controller.
package struct DaemonSet: Kind {
    package static let type = KindType(group: "apps", version: "v1", kind: "DaemonSet", plural: "daemonsets")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    /// Nil selects nothing.
    package var selector: LabelSelector? { LabelSelector(json.at("spec", "selector")) }
    package var template: PodTemplate {
        get { PodTemplate(json.at("spec", "template")) }
        set { json["spec"]["template"] = newValue.json }
    }
    package var minReadySeconds: Int { max(0, json.at("spec", "minReadySeconds").int ?? 0) }
    package var revisionHistoryLimit: Int { max(0, json.at("spec", "revisionHistoryLimit").int ?? 10) }
    /// How often the template has changed; an annotation that the API keeps. Nil when there is none.
    package var templateGeneration: String? {
        metadata.annotations["deprecated.daemonset.template.generation"].flatMap { Int($0) == nil ? nil : $0 }
    }
    /// Pods take a new template only when somebody deletes them.
    package var updatesOnDelete: Bool { json.at("spec", "updateStrategy", "type").string == "OnDelete" }
    package var status: DaemonSetStatus {
        get { DaemonSetStatus(json["status"]) }
        set { json["status"] = newValue.json }
    }

    /// Nodes that an update may have a second pod on, out of `nodes`. Rounded up.
    package func maxSurge(of nodes: Int) -> Int {
        guard !updatesOnDelete else { return 0 }
        let bound = IntOrPercent(json.at("spec", "updateStrategy", "rollingUpdate", "maxSurge"))
        return max(0, bound?.of(nodes, rounding: .up) ?? 0)
    }
    /// Nodes that an update may leave without a working pod, out of `nodes`. Rounded up; 1 when neither this nor
    /// `maxSurge` allows anything.
    package func maxUnavailable(of nodes: Int) -> Int {
        let bound = IntOrPercent(json.at("spec", "updateStrategy", "rollingUpdate", "maxUnavailable")) ?? .count(1)
        let count = max(0, bound.of(nodes, rounding: .up))
        return count == 0 && maxSurge(of: nodes) == 0 ? 1 : count
    }
    /// The new pod may start before the old one ends.
    package var allowsSurge: Bool { maxSurge(of: 100) > 0 }
}

/// `status` of a DaemonSet. Some counts are written even when they are zero, as in Kubernetes.
package struct DaemonSetStatus: View {
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var currentNumberScheduled: Int {
        get { json["currentNumberScheduled"].int ?? 0 }
        set { json["currentNumberScheduled"] = JSON(newValue) }
    }
    /// Nodes that have a pod of it but should not.
    package var numberMisscheduled: Int {
        get { json["numberMisscheduled"].int ?? 0 }
        set { json["numberMisscheduled"] = JSON(newValue) }
    }
    package var desiredNumberScheduled: Int {
        get { json["desiredNumberScheduled"].int ?? 0 }
        set { json["desiredNumberScheduled"] = JSON(newValue) }
    }
    package var numberReady: Int {
        get { json["numberReady"].int ?? 0 }
        set { json["numberReady"] = JSON(newValue) }
    }
    package var observedGeneration: Int {
        get { json["observedGeneration"].int ?? 0 }
        set { setCount("observedGeneration", newValue) }
    }
    package var updatedNumberScheduled: Int {
        get { json["updatedNumberScheduled"].int ?? 0 }
        set { setCount("updatedNumberScheduled", newValue) }
    }
    package var numberAvailable: Int {
        get { json["numberAvailable"].int ?? 0 }
        set { setCount("numberAvailable", newValue) }
    }
    package var numberUnavailable: Int {
        get { json["numberUnavailable"].int ?? 0 }
        set { setCount("numberUnavailable", newValue) }
    }
    /// How often a name of a new revision was taken.
    package var collisionCount: Int {
        get { json["collisionCount"].int ?? 0 }
        set { setCount("collisionCount", newValue) }
    }
}
