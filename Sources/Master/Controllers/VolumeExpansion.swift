import Shared

/// Says on claims that ask for more than they have that somebody outside has to see to it: nothing here makes the
/// volumes of others grow. Source: the expand controller.
struct VolumeExpansion: Reconciler {
    let claims: Informer<PersistentVolumeClaim>
    let volumes: Informer<PersistentVolume>
    let recorder: Recorder

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        if let claim = claims.get(namespace: key.namespace, name: key.name),
            VolumeExpansion.isAwaited(claim, volumes.get(name: claim.volumeName))
        {
            recorder.event(
                claim, .normal, "ExternalExpanding", "waiting for an external controller to expand this PVC")
        }
        return .settled
    }

    /// Whether the claim waits for more room of a volume that is not one of this system's folders.
    static func isAwaited(_ claim: PersistentVolumeClaim, _ volume: PersistentVolume?) -> Bool {
        guard claim.phase == "Bound", let volume, volume.claim?.uid == claim.metadata.uid, !volume.isDirectory,
            let wanted = claim.request
        else { return false }
        return wanted > claim.capacity ?? Quantity(0)
    }

    /// Whether the claim asks for more than before.
    static func isGrowth(_ old: PersistentVolumeClaim, _ new: PersistentVolumeClaim) -> Bool {
        new.request ?? Quantity(0) > old.request ?? Quantity(0)
    }
}
