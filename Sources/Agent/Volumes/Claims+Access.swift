import Shared

/// Whether a pod of this node may use a claim now. Pure. Source: attach/detach controller (`Multi-Attach error`),
/// KEP-2485 (ReadWriteOncePod).
enum ClaimAccess: Equatable, Sendable {
    case granted(readOnly: Bool)
    /// The sentence says who has it.
    case refused(String)

    /// - Parameters:
    ///   - others: pods of the claim's namespace that have a node, but for the pod itself.
    ///   - wantsReadOnly: what the pod asks for.
    init(
        _ claim: PersistentVolumeClaim, _ volume: PersistentVolume, node: String, others: [Pod], wantsReadOnly: Bool
    ) {
        let modes = Set(claim.accessModes)
        let users = others.filter { !$0.isFinished && !$0.spec.nodeName.isEmpty && $0.claimNames.contains(claim.name) }
        if modes == ["ReadWriteOncePod"], let user = users.min(by: { $0.name < $1.name }) {
            self = .refused(
                "volume uses the ReadWriteOncePod access mode and is already in use by pod \(user.namespace)/\(user.name)"
            )
            return
        }
        let isShared = modes.contains("ReadWriteMany") || modes.contains("ReadOnlyMany")
        let elsewhere = users.filter { $0.spec.nodeName != node }.map(\.name).sorted()
        if !isShared, !elsewhere.isEmpty {
            self = .refused(
                "Multi-Attach error for volume \"\(volume.name)\" Volume is already used by pod(s) \(elsewhere.joined(separator: ", "))"
            )
            return
        }
        self = .granted(readOnly: wantsReadOnly || modes == ["ReadOnlyMany"])
    }

    /// Why a claim cannot be mounted whatever others do; nil when it can.
    static func problem(_ claim: PersistentVolumeClaim, _ volume: PersistentVolume?) -> String? {
        if claim.metadata.isDeleting { return "persistentvolumeclaim \"\(claim.name)\" is being deleted" }
        if claim.phase == "Lost" { return "persistentvolumeclaim \"\(claim.name)\" has lost its volume" }
        guard claim.phase == "Bound", let volume else {
            return "persistentvolumeclaim \"\(claim.name)\" is not bound to a volume yet"
        }
        guard volume.claim?.uid == claim.metadata.uid else {
            return "volume \"\(volume.name)\" belongs to another claim than \"\(claim.name)\""
        }
        if claim.volumeMode == "Block" {
            return "claim \"\(claim.name)\" is a block device; this agent mounts file systems only"
        }
        return nil
    }
}
