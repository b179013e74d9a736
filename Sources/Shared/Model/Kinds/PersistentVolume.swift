/// `core/v1 PersistentVolume`: a piece of storage. Writers: spec = user or provisioner, `claimRef` and status = volume
/// controller.
package struct PersistentVolume: Kind {
    package static let type = KindType(
        group: "", version: "v1", kind: "PersistentVolume", plural: "persistentvolumes", isNamespaced: false)
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var capacity: Quantity? { json.at("spec", "capacity", "storage").string.flatMap { Quantity($0) } }
    package var accessModes: [String] { json.at("spec", "accessModes").items.compactMap(\.string) }
    package var storageClass: String { json.at("spec", "storageClassName").string ?? "" }
    package var volumeMode: String { json.at("spec", "volumeMode").string ?? "Filesystem" }
    /// Empty for none.
    package var attributesClass: String { json.at("spec", "volumeAttributesClassName").string ?? "" }
    /// `Retain`, `Delete` or `Recycle`.
    package var reclaimPolicy: String { json.at("spec", "persistentVolumeReclaimPolicy").string ?? "Retain" }
    package var claim: ClaimReference? {
        get { json.at("spec", "claimRef").object == nil ? nil : ClaimReference(json.at("spec", "claimRef")) }
        set { json["spec"].set("claimRef", newValue?.json) }
    }
    /// `Pending`, `Available`, `Bound`, `Released` or `Failed`.
    package var phase: String { json.at("status", "phase").string ?? "" }
    package var message: String { json.at("status", "message").string ?? "" }
}

/// `spec.claimRef` of a volume: the claim that it belongs to.
package struct ClaimReference: View {
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package init(_ claim: PersistentVolumeClaim) {
        json = [
            "kind": "PersistentVolumeClaim", "namespace": .string(claim.namespace), "name": .string(claim.name),
            "uid": .string(claim.metadata.uid), "apiVersion": "v1",
            "resourceVersion": .string(claim.metadata.resourceVersion),
        ]
    }
    package var namespace: String { text("namespace") }
    package var name: String { text("name") }
    /// Empty while the volume only waits for a claim of that name.
    package var uid: String { text("uid") }
    package var key: ObjectKey { ObjectKey(PersistentVolumeClaim.type.resource, namespace: namespace, name: name) }

    /// Whether the claim is the one that is meant.
    package func names(_ claim: PersistentVolumeClaim) -> Bool {
        namespace == claim.namespace && name == claim.name && (uid.isEmpty || uid == claim.metadata.uid)
    }
}

/// `core/v1 PersistentVolumeClaim`: a wish for storage. Writers: spec = user, `volumeName` and status = volume
/// controller.
package struct PersistentVolumeClaim: Kind {
    package static let type = KindType(
        group: "", version: "v1", kind: "PersistentVolumeClaim", plural: "persistentvolumeclaims")
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var request: Quantity? {
        json.at("spec", "resources", "requests", "storage").string.flatMap { Quantity($0) }
    }
    package var accessModes: [String] { json.at("spec", "accessModes").items.compactMap(\.string) }
    /// Nil when the claim leaves it to the default class; empty wants a volume without a class.
    package var storageClass: String? {
        metadata.annotations["volume.beta.kubernetes.io/storage-class"] ?? json.at("spec", "storageClassName").string
    }
    package var volumeMode: String { json.at("spec", "volumeMode").string ?? "Filesystem" }
    package var volumeName: String {
        get { json.at("spec", "volumeName").string ?? "" }
        set { json["spec"].set("volumeName", newValue.isEmpty ? nil : .string(newValue)) }
    }
    /// Empty for none.
    package var attributesClass: String { json.at("spec", "volumeAttributesClassName").string ?? "" }
    /// Nil matches every volume.
    package var selector: LabelSelector? { LabelSelector(json.at("spec", "selector")) }
    /// `Pending`, `Bound` or `Lost`.
    package var phase: String { json.at("status", "phase").string ?? "" }
    package var capacity: Quantity? { json.at("status", "capacity", "storage").string.flatMap { Quantity($0) } }
    /// Nil when the claim waits for no node.
    package var selectedNode: String? { metadata.annotations["volume.kubernetes.io/selected-node"] }
    /// Its binding was completed once; it is never bound anew.
    package var isBindCompleted: Bool { metadata.annotations["pv.kubernetes.io/bind-completed"] != nil }
}

extension Pod {
    /// Names of the claims that the pod mounts, those of its ephemeral volumes among them.
    package var claimNames: [String] {
        spec.volumes.compactMap { volume in
            if let name = volume["persistentVolumeClaim"]["claimName"].string { return name }
            return volume["ephemeral"].object == nil ? nil : volume["name"].string.map { "\(name)-\($0)" }
        }
    }
}
