import Shared

extension CustomResourceDefinition {
    /// The first request to delete a definition makes it wait until its objects are gone.
    mutating func prepareForDeletion(now: Timestamp) {
        guard !metadata.isDeleting, !metadata.finalizers.contains(CustomResourceDefinition.finalizer) else { return }
        metadata.finalizers.append(CustomResourceDefinition.finalizer)
        var conditions = conditions.filter { $0.type != "Terminating" }
        conditions.append(
            Condition(
                "Terminating", true, reason: "InstanceDeletionPending",
                message: "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
                since: now))
        json["status"]["conditions"] = .array(conditions.map(\.json))
    }
}
