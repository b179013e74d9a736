import Shared

/// Keeps claims that pods use, and volumes that claims have, from going away under them.
/// Source: the pvc-protection and pv-protection controllers.
struct VolumeProtection<Protected: Kind>: Reconciler {
    let client: Client
    let objects: Informer<Protected>
    let finalizer: String
    /// Whether somebody needs the object still.
    let isInUse: @Sendable (Protected) async throws -> Bool

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let object = objects.get(namespace: key.namespace, name: key.name) else { return .settled }
        let finalizers = object.metadata.finalizers
        var update = object
        if object.metadata.isDeleting {
            guard finalizers.contains(finalizer) else { return .settled }
            if try await isInUse(object) { return .settled }
            update.metadata.finalizers = finalizers.filter { $0 != finalizer }
        } else {
            guard !finalizers.contains(finalizer) else { return .settled }
            update.metadata.finalizers = finalizers + [finalizer]
        }
        do { _ = try await client.update(update) } catch let status as Status where status.reason == .notFound {}
        return .settled
    }
}

extension Pod {
    /// A pod that an agent may have started holds its claims until it is gone.
    func holds(claim: String) -> Bool { !spec.nodeName.isEmpty && claimNames.contains(claim) }
}
