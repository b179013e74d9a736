import Shared

/// A network disk that a pod mounts itself, without a claim. Such disks can be written from one place only.
/// Source: plugin `VolumeRestrictions`.
struct DiskUse: Hashable, Sendable {
    private let kind: String
    private let name: String
    /// Where an RBD image is kept; two lists with a common place mean the same cluster.
    private let monitors: Set<String>
    private let isReadOnly: Bool

    /// Nil when the volume is no such disk.
    init?(_ volume: JSON) {
        func member(_ kind: String) -> JSON? { volume[kind].object == nil ? Optional.none : volume[kind] }
        var monitors: Set<String> = []
        if let disk = member("gcePersistentDisk") {
            (kind, name, isReadOnly) = ("gce", disk["pdName"].string ?? "", disk["readOnly"].bool ?? false)
        } else if let disk = member("awsElasticBlockStore") {
            // Not even readers share these.
            (kind, name, isReadOnly) = ("aws", disk["volumeID"].string ?? "", false)
        } else if let disk = member("iscsi") {
            (kind, name, isReadOnly) = ("iscsi", disk["iqn"].string ?? "", disk["readOnly"].bool ?? false)
        } else if let disk = member("rbd") {
            let image = "\(disk["pool"].string ?? "rbd")/\(disk["image"].string ?? "")"
            (kind, name, isReadOnly) = ("rbd", image, disk["readOnly"].bool ?? false)
            monitors = Set(disk["monitors"].items.compactMap(\.string))
        } else {
            return nil
        }
        self.monitors = monitors
    }

    /// Whether two pods with these can not be on one node.
    func conflicts(with other: DiskUse) -> Bool {
        kind == other.kind && name == other.name && !(isReadOnly && other.isReadOnly)
            && (kind != "rbd" || !monitors.isDisjoint(with: other.monitors))
    }
}

extension PodDemand {
    func sharesDisk(with other: PodDemand) -> Bool {
        disks.contains { mine in other.disks.contains { $0.conflicts(with: mine) } }
    }
}
