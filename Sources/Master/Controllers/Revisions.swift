import Shared

/// Keeps the recorded templates of one kind of workload: finds, makes, renumbers and forgets `ControllerRevision`s.
struct Revisions: Sendable {
    /// The label by which pods tell their revision, and daemon sets their records.
    static let podLabel = "controller-revision-hash"

    let client: Client
    let revisions: Informer<ControllerRevision>
    /// The label of a record that holds its hash.
    let label: String
    let fence = Fence()

    /// All records of a workload and the one of its present template.
    struct History: Sendable {
        var all: [ControllerRevision]
        var latest: ControllerRevision
        /// How often a name was taken, to be kept in the workload's status.
        var collisions: Int
    }

    /// Whether the cache shows what was written for `key`.
    func isCurrent(_ key: ObjectKey, _ uid: String) -> Bool {
        fence.isPassed(key, at: revisions.revision, present: revisions.list(index: OwnerIndex.controller, uid))
    }

    func forget(_ key: ObjectKey) { fence.forget(key) }

    /// Brings the records up to the owner's template. Adopts records that fit the owner's selector.
    func history<Owner: Kind>(
        of owner: Owner, selector: LabelSelector, template: PodTemplate, collisions: Int
    ) async throws -> History {
        let candidates =
            revisions.list(index: OwnerIndex.controller, owner.metadata.uid)
            + revisions.list(index: OwnerIndex.orphan, owner.namespace)
        let claim = Ownership(of: owner, selector: selector, among: candidates)
        var known = try await client.apply(claim, owner: owner)
        var collisions = collisions
        while true {
            let plan = RevisionPlan(
                for: owner, template: template, label: label, known: known, collisions: collisions)
            switch plan {
            case .keep(let latest): return History(all: known, latest: latest, collisions: collisions)
            case .renumber(let changed):
                let latest = try await client.update(changed)
                fence.wrote(latest, for: owner.key)
                known.removeAll { $0.name == latest.name }
                return History(all: known + [latest], latest: latest, collisions: collisions)
            case .create(let new):
                if let latest = try await create(new, for: owner) {
                    return History(all: known + [latest], latest: latest, collisions: collisions)
                }
                collisions += 1
            }
        }
    }

    /// Nil when the name is taken by a record of something else.
    private func create<Owner: Kind>(_ new: ControllerRevision, for owner: Owner) async throws -> ControllerRevision? {
        do {
            let made = try await client.create(new)
            fence.wrote(made, for: owner.key)
            return made
        } catch let status as Status where status.reason == .alreadyExists {
            let other = try await client.get(ControllerRevision.self, namespace: new.namespace, name: new.name)
            let isOwn = other.metadata.controller?.uid == owner.metadata.uid
            guard isOwn, other.data.canonical == new.data.canonical else { return nil }
            fence.wrote(other, for: owner.key)
            return other
        }
    }

    func delete(_ surplus: [ControllerRevision], for key: ObjectKey) async throws {
        for revision in surplus {
            do {
                try await client.delete(
                    ControllerRevision.self, namespace: revision.namespace, name: revision.name,
                    uid: revision.metadata.uid)
            } catch let status as Status where status.reason == .notFound {}
            fence.deleted(revision, for: key)
        }
    }
}
