/// What keeps a number of equal pods: `ReplicaSet` and its elder `ReplicationController`.
/// Writers: spec = user or deployment controller, status = replica set controller.
package protocol Replicated: Kind {
    /// Nil selects nothing.
    var selector: LabelSelector? { get }
}

extension Replicated {
    package var replicas: Int {
        get { json.at("spec", "replicas").int ?? 1 }
        set { json["spec"]["replicas"] = JSON(newValue) }
    }
    package var template: PodTemplate {
        get { PodTemplate(json.at("spec", "template")) }
        set { json["spec"]["template"] = newValue.json }
    }
    package var minReadySeconds: Int {
        get { json.at("spec", "minReadySeconds").int ?? 0 }
        set { json["spec"].set("minReadySeconds", newValue == 0 ? nil : JSON(newValue)) }
    }
    package var status: ReplicaStatus {
        get { ReplicaStatus(json["status"]) }
        set { json["status"] = newValue.json }
    }
}

/// `apps/v1 ReplicaSet`.
package struct ReplicaSet: Replicated {
    package static let type = KindType(group: "apps", version: "v1", kind: "ReplicaSet", plural: "replicasets")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var selector: LabelSelector? { LabelSelector(json.at("spec", "selector")) }
}

/// `core/v1 ReplicationController`.
package struct ReplicationController: Replicated {
    package static let type = KindType(
        group: "", version: "v1", kind: "ReplicationController", plural: "replicationcontrollers")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var selector: LabelSelector? {
        let labels = json.at("spec", "selector").strings
        return labels.isEmpty ? nil : LabelSelector(equal: labels)
    }
}

/// `status` of a `Replicated` kind. Counts that are zero are left out, as Go's `omitempty` does, but for `replicas`.
package struct ReplicaStatus: View {
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var replicas: Int {
        get { json["replicas"].int ?? 0 }
        set { json["replicas"] = JSON(newValue) }
    }
    package var fullyLabeledReplicas: Int {
        get { json["fullyLabeledReplicas"].int ?? 0 }
        set { setCount("fullyLabeledReplicas", newValue) }
    }
    package var readyReplicas: Int {
        get { json["readyReplicas"].int ?? 0 }
        set { setCount("readyReplicas", newValue) }
    }
    package var availableReplicas: Int {
        get { json["availableReplicas"].int ?? 0 }
        set { setCount("availableReplicas", newValue) }
    }
    package var observedGeneration: Int {
        get { json["observedGeneration"].int ?? 0 }
        set { setCount("observedGeneration", newValue) }
    }
    package var conditions: [Condition] {
        get { views("conditions") }
        set { json.set("conditions", newValue.isEmpty ? nil : .array(newValue.map(\.json))) }
    }
}

extension View {
    /// Sets a number, or removes the member when it is zero.
    package mutating func setCount(_ key: String, _ value: Int) { json.set(key, value == 0 ? nil : JSON(value)) }
}
