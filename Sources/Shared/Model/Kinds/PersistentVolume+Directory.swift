/// Volumes that are folders of a node: the master makes them for claims, the node's agent makes and removes the folder.
extension PersistentVolume {
    /// `spec.csi.driver` of such volumes.
    package static let directoryDriver = "directory.kotohajime.dev"
    /// Held by such a volume until its folder is removed.
    package static let directoryFinalizer = "kotohajime.dev/directory"

    package var isDirectory: Bool { json.at("spec", "csi", "driver").string == PersistentVolume.directoryDriver }
    /// The node whose folder it is.
    package var directoryNode: String? { json.at("spec", "csi", "volumeAttributes", "node").string }
    /// Nobody has a right to what is in it any more: its folder is to be removed.
    package var isGivenUp: Bool {
        reclaimPolicy == "Delete" && (phase == "Released" || metadata.isDeleting && phase != "Bound")
    }
    package func isGivenUp(on node: String) -> Bool { isDirectory && directoryNode == node && isGivenUp }
}
