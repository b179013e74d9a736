/// `metav1.ObjectMeta`: what every object carries.
package struct ObjectMeta: View {
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var name: String {
        get { text("name") }
        set { setText("name", newValue) }
    }
    package var generateName: String {
        get { text("generateName") }
        set { setText("generateName", newValue) }
    }
    package var namespace: String {
        get { text("namespace") }
        set { setText("namespace", newValue) }
    }
    package var uid: String {
        get { text("uid") }
        set { setText("uid", newValue) }
    }
    package var resourceVersion: String {
        get { text("resourceVersion") }
        set { setText("resourceVersion", newValue) }
    }
    package var revision: Revision? { Revision(resourceVersion) }
    package var generation: Int {
        get { json["generation"].int ?? 0 }
        set { json["generation"] = JSON(newValue) }
    }
    package var creationTimestamp: Timestamp? {
        get { time("creationTimestamp") }
        set { setTime("creationTimestamp", newValue) }
    }
    package var deletionTimestamp: Timestamp? {
        get { time("deletionTimestamp") }
        set { setTime("deletionTimestamp", newValue) }
    }
    package var deletionGracePeriodSeconds: Int? {
        get { json["deletionGracePeriodSeconds"].int }
        set { json.set("deletionGracePeriodSeconds", newValue.map { JSON($0) }) }
    }
    package var isDeleting: Bool { !json["deletionTimestamp"].isNull }
    package var labels: [String: String] {
        get { json["labels"].strings }
        set { json.set("labels", newValue.isEmpty ? nil : JSON(newValue)) }
    }
    package var annotations: [String: String] {
        get { json["annotations"].strings }
        set { json.set("annotations", newValue.isEmpty ? nil : JSON(newValue)) }
    }
    package var finalizers: [String] {
        get { json["finalizers"].items.compactMap(\.string) }
        set { json.set("finalizers", newValue.isEmpty ? nil : JSON(newValue)) }
    }
    package var ownerReferences: [OwnerReference] {
        get { views("ownerReferences") }
        set { json.set("ownerReferences", newValue.isEmpty ? nil : .array(newValue.map(\.json))) }
    }
    /// The owner that manages this object, if there is one.
    package var controller: OwnerReference? { ownerReferences.first { $0.isController } }
}

/// `metav1.OwnerReference`.
package struct OwnerReference: View {
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var apiVersion: String { text("apiVersion") }
    package var kind: String { text("kind") }
    package var name: String { text("name") }
    package var uid: String { text("uid") }
    package var isController: Bool { json["controller"].bool ?? false }
    package var blocksOwnerDeletion: Bool { json["blockOwnerDeletion"].bool ?? false }

    /// The reference that a controller sets on what it creates for `owner`.
    package init<K: Kind>(controller owner: K) {
        json = [
            "apiVersion": .string(K.type.apiVersion), "kind": .string(K.type.kind), "name": .string(owner.name),
            "uid": .string(owner.metadata.uid), "controller": true, "blockOwnerDeletion": true,
        ]
    }
}
