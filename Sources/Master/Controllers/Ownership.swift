import Shared

/// Which objects belong to an owner, and what has to be done so that the references say so.
/// Source: `controller_ref_manager.go`: an object has at most one controller; a selector adopts what has none and
/// releases what it no longer matches.
struct Ownership<Dependent: Kind>: Sendable {
    /// Objects that belong to the owner, the ones to adopt among them.
    var owned: [Dependent] = []
    var adopt: [Dependent] = []
    var release: [Dependent] = []

    /// - Parameter isEligible: what may be adopted; pods that have finished are not.
    init<Owner: Kind>(
        of owner: Owner, selector: LabelSelector, among candidates: [Dependent],
        isEligible: (Dependent) -> Bool = { _ in true }
    ) {
        let uid = owner.metadata.uid
        let isLeaving = owner.metadata.isDeleting
        for candidate in candidates {
            let metadata = candidate.metadata
            let matches = selector.matches(metadata.labels)
            if let controller = metadata.controller {
                guard controller.uid == uid else { continue }
                if matches { owned.append(candidate) } else if !isLeaving { release.append(candidate) }
            } else if matches, !isLeaving, !metadata.isDeleting, isEligible(candidate) {
                owned.append(candidate)
                adopt.append(candidate)
            }
        }
    }
}

extension Client {
    /// Makes the references true. Objects that vanished meanwhile are left out of the result.
    /// - Throws: when the owner is no longer the one that the cache showed, or an object changed hands.
    func apply<Owner: Kind, Dependent: Kind>(
        _ plan: Ownership<Dependent>, owner: Owner, finalizer: String? = nil
    ) async throws -> [Dependent] {
        for released in plan.release {
            try await release(released, from: owner, finalizer: finalizer)
        }
        guard !plan.adopt.isEmpty else { return plan.owned }
        let live = try await get(Owner.self, namespace: owner.namespace, name: owner.name)
        guard live.metadata.uid == owner.metadata.uid, !live.metadata.isDeleting else {
            throw Status.conflict(Owner.type.resource, owner.name, "the owner was replaced or is being deleted")
        }
        var adopted: [String: Dependent?] = [:]
        for orphan in plan.adopt {
            adopted[orphan.metadata.uid] = .some(try await adopt(orphan, by: owner, finalizer: finalizer))
        }
        return plan.owned.compactMap { adopted[$0.metadata.uid] ?? $0 }
    }

    private func adopt<Owner: Kind, Dependent: Kind>(
        _ orphan: Dependent, by owner: Owner, finalizer: String?
    ) async throws -> Dependent? {
        var metadata: JSON = [
            "ownerReferences": [OwnerReference(controller: owner).json], "uid": .string(orphan.metadata.uid),
        ]
        if let finalizer { metadata["finalizers"] = [.string(finalizer)] }
        do {
            return try await patch(
                Dependent.self, namespace: orphan.namespace, name: orphan.name, .strategic, ["metadata": metadata])
        } catch let status as Status where status.reason == .notFound { return nil }
    }

    private func release<Owner: Kind, Dependent: Kind>(
        _ dependent: Dependent, from owner: Owner, finalizer: String?
    ) async throws {
        var metadata: JSON = [
            "ownerReferences": [["$patch": "delete", "uid": .string(owner.metadata.uid)]],
            "uid": .string(dependent.metadata.uid),
        ]
        if let finalizer { metadata["$deleteFromPrimitiveList/finalizers"] = [.string(finalizer)] }
        do {
            _ = try await patch(
                Dependent.self, namespace: dependent.namespace, name: dependent.name, .strategic,
                ["metadata": metadata])
        } catch let status as Status where status.reason == .notFound || status.reason == .invalid {
            // Gone, or replaced by another object of the same name: there is nothing left to release.
        }
    }
}
