/// `storage.k8s.io/v1 StorageClass`: a way in which volumes are made. Writer: user.
package struct StorageClass: Kind {
    package static let type = KindType(
        group: "storage.k8s.io", version: "v1", kind: "StorageClass", plural: "storageclasses", isNamespaced: false)
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    /// `provisioner` of the classes whose volumes are directories on the nodes.
    package static let directories = "kotohajime.dev/directory"
    package static let defaultAnnotation = "storageclass.kubernetes.io/is-default-class"

    package var provisioner: String { text("provisioner") }
    package var reclaimPolicy: String { json["reclaimPolicy"].string ?? "Delete" }
    package var waitsForConsumer: Bool { json["volumeBindingMode"].string == "WaitForFirstConsumer" }
    package var allowsExpansion: Bool { json["allowVolumeExpansion"].bool ?? false }
    package var mountOptions: [String] { json["mountOptions"].items.compactMap(\.string) }
    package var isDefault: Bool {
        let annotations = metadata.annotations
        return annotations[StorageClass.defaultAnnotation] == "true"
            || annotations["storageclass.beta.kubernetes.io/is-default-class"] == "true"
    }
}
