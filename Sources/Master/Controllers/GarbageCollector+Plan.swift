import Shared

/// What the garbage collector does with one object. Source: `garbagecollector.go`, `attemptToDeleteItem`.
enum CollectionStep: Equatable {
    case keep
    /// Some owners live: the references to the others go.
    case dropOwners(uids: [String])
    case delete(Client.Propagation)
    /// The object waits for its dependents; none is left, or none that blocks.
    case finishForeground
    /// The object waits for these dependents, which are looked at next.
    case wait(on: [ObjectKey])
    /// The object leaves its dependents behind without owner, then goes.
    case orphan
    /// The object and what depends on it wait for each other: its owners no longer wait for it.
    case unblock

    static let foregroundFinalizer = "foregroundDeletion"
    static let orphanFinalizer = "orphan"
}

/// How an owner reference stands.
enum OwnerState: Equatable {
    case alive
    /// Not there, or another object of that name.
    case gone
    /// Deleted in the foreground: it waits for its dependents.
    case waiting
}

extension CollectionStep {
    /// - Parameters:
    ///   - owners: the state of each owner reference, by uid.
    ///   - dependents: the objects that name this one as an owner.
    static func make(
        _ metadata: ObjectMeta, owners: [String: OwnerState], dependents: [OwnerGraph.Item]
    ) -> CollectionStep {
        let finalizers = metadata.finalizers
        if metadata.isDeleting {
            if finalizers.contains(orphanFinalizer) { return .orphan }
            guard finalizers.contains(foregroundFinalizer) else { return .keep }
            let blocking = dependents.filter { $0.blocks(metadata.uid) }
            return blocking.isEmpty ? .finishForeground : .wait(on: dependents.map(\.key))
        }
        let references = metadata.ownerReferences
        guard !references.isEmpty else { return .keep }
        let lost = references.filter { owners[$0.uid, default: .alive] != .alive }
        if lost.isEmpty { return .keep }
        if lost.count < references.count { return .dropOwners(uids: lost.map(\.uid)) }
        // An owner that waits expects to see its dependents go, and theirs before them.
        if owners.values.contains(.waiting), !dependents.isEmpty {
            let isCircle = references.contains(where: \.blocksOwnerDeletion) && dependents.contains(where: \.isWaiting)
            return isCircle ? .unblock : .delete(.foreground)
        }
        if finalizers.contains(orphanFinalizer) { return .delete(.orphan) }
        if finalizers.contains(foregroundFinalizer) { return .delete(.foreground) }
        return .delete(.background)
    }
}

extension OwnerGraph.Item {
    /// True when the deletion of the owner `uid` waits for this object.
    fileprivate func blocks(_ uid: String) -> Bool {
        metadata.ownerReferences.contains { $0.uid == uid && $0.blocksOwnerDeletion }
    }
    /// It is deleted in the foreground and waits for its own dependents.
    fileprivate var isWaiting: Bool {
        metadata.isDeleting && metadata.finalizers.contains(CollectionStep.foregroundFinalizer)
    }
}
