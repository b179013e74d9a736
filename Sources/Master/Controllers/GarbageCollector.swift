import Shared

/// Deletes what has lost its owners, and lets owners go in the way that was asked for: background, foreground, orphan.
struct GarbageCollector: Reconciler {
    let client: Client
    let graph: OwnerGraph
    let queue: WorkQueue
    let log: Log

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let item = try await graph.find(key) else { return .settled }
        let needsDependents = item.metadata.isDeleting || !item.metadata.ownerReferences.isEmpty
        let dependents =
            needsDependents ? try await graph.dependents(item.metadata.uid, Limits.dependentsRoundMax) : []
        let owners = item.metadata.isDeleting ? [:] : try await states(of: item)
        let step = CollectionStep.make(item.metadata, owners: owners, dependents: dependents)
        return try await perform(step, item, dependents)
    }

    /// Wakes what a change concerns: the dependents of what is gone, and objects whose owners or finalizers ask for it.
    func receive(_ change: OwnerGraph.Change) async throws {
        switch change {
        case .put(let item):
            if CollectionStep.concerns(item.metadata) { queue.add(item.key) }
        case .removed(let item):
            for dependent in try await graph.dependents(item.metadata.uid, .max) { queue.add(dependent.key) }
            await wake(item.metadata.ownerReferences, in: item.metadata.namespace)
        case .released(let item, let owners): await wake(owners, in: item.metadata.namespace)
        }
    }

    /// Owners may wait in the foreground for an object that is gone, or is theirs no more.
    private func wake(_ owners: [OwnerReference], in namespace: String) async {
        for owner in owners { if let key = await key(of: owner, in: namespace)?.key { queue.add(key) } }
    }

    private func key(of owner: OwnerReference, in namespace: String) async -> (key: ObjectKey, type: KindType)? {
        guard let type = await graph.type(owner.apiVersion, owner.kind) else { return nil }
        return (ObjectKey(type.resource, namespace: type.isNamespaced ? namespace : "", name: owner.name), type)
    }

    private func states(of item: OwnerGraph.Item) async throws -> [String: OwnerState] {
        var states: [String: OwnerState] = [:]
        for reference in item.metadata.ownerReferences {
            guard let (key, type) = await key(of: reference, in: item.metadata.namespace) else {
                // A kind that is not served now may be served again: its dependents are kept.
                states[reference.uid] = .alive
                continue
            }
            if type.isNamespaced, item.metadata.namespace.isEmpty {
                log.warning(
                    "an object of the cluster can not be owned by one of a namespace; it is kept",
                    ("object", item.key.description), ("owner", reference.name))
                states[reference.uid] = .alive
                continue
            }
            guard let owner = try await graph.find(key), owner.metadata.uid == reference.uid else {
                states[reference.uid] = .gone
                continue
            }
            let isWaiting =
                owner.metadata.isDeleting && owner.metadata.finalizers.contains(CollectionStep.foregroundFinalizer)
            states[reference.uid] = isWaiting ? .waiting : .alive
        }
        return states
    }

    private func perform(
        _ step: CollectionStep, _ item: OwnerGraph.Item, _ dependents: [OwnerGraph.Item]
    ) async throws -> Outcome {
        switch step {
        case .keep: break
        case .dropOwners(let uids): try await drop(uids, from: item)
        case .delete(let propagation): try await delete(item, propagation)
        case .wait(let keys):
            for key in keys { queue.add(key) }
            return .again(after: Limits.foregroundLookAgain)
        case .unblock:
            let references = item.metadata.ownerReferences.map { reference in
                var json = reference.json
                if reference.blocksOwnerDeletion { json["blockOwnerDeletion"] = false }
                return json
            }
            try await patch(item, ["ownerReferences": .array(references)])
        case .finishForeground: try await remove(finalizer: CollectionStep.foregroundFinalizer, from: item)
        case .orphan:
            try await Batches.each(dependents) { try await drop([item.metadata.uid], from: $0) }
            if dependents.count >= Limits.dependentsRoundMax { return .again(after: .zero) }
            try await remove(finalizer: CollectionStep.orphanFinalizer, from: item)
        }
        return .settled
    }

    private func drop(_ uids: [String], from item: OwnerGraph.Item) async throws {
        let left = item.metadata.ownerReferences.filter { !uids.contains($0.uid) }.map(\.json)
        try await patch(item, ["ownerReferences": left.isEmpty ? nil : .array(left)])
    }

    private func remove(finalizer: String, from item: OwnerGraph.Item) async throws {
        let left = item.metadata.finalizers.filter { $0 != finalizer }
        try await patch(item, ["finalizers": left.isEmpty ? nil : JSON(left)])
    }

    /// Changes the metadata on condition that the object is still the one that was looked at.
    private func patch(_ item: OwnerGraph.Item, _ members: JSON) async throws {
        var metadata = members
        metadata["uid"] = .string(item.metadata.uid)
        metadata["resourceVersion"] = .string(item.metadata.resourceVersion)
        do {
            _ = try await client.call(
                "PATCH", item.path, body: ["metadata": metadata],
                contentType: Client.PatchFormat.merge.rawValue)
        } catch let status as Status where status.reason == .notFound {}
    }

    private func delete(_ item: OwnerGraph.Item, _ propagation: Client.Propagation) async throws {
        let options: JSON = [
            "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": .string(propagation.rawValue),
            "preconditions": [
                "uid": .string(item.metadata.uid), "resourceVersion": .string(item.metadata.resourceVersion),
            ],
        ]
        do {
            _ = try await client.call("DELETE", item.path, body: options)
        } catch let status as Status where status.reason == .notFound {}
    }
}

extension Limits {
    /// After so long an owner that waits for its dependents looks at them again although none is seen to go: they may
    /// have ceased to block it.
    static let foregroundLookAgain = Duration.seconds(30)
}

extension OwnerGraph.Item {
    fileprivate var path: String { type.path(namespace: metadata.namespace, name: metadata.name) }
}

extension CollectionStep {
    /// True when there may be something to do about the object.
    static func concerns(_ metadata: ObjectMeta) -> Bool {
        if !metadata.json["ownerReferences"].items.isEmpty { return true }
        guard metadata.isDeleting else { return false }
        return metadata.finalizers.contains { $0 == foregroundFinalizer || $0 == orphanFinalizer }
    }
}

/// Feeds the collector's queue from the graph.
struct OwnerChanges: Service {
    let collector: GarbageCollector
    /// Told of every object that is gone.
    let removals: [@Sendable (ObjectMeta) -> Void]
    let log: Log

    func run() async throws {
        // Handlers must not block, and waking dependents reads the store: a stream stands in between.
        let (changes, input) = AsyncStream.makeStream(of: OwnerGraph.Change.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await collector.graph.follow { change in
                    if case .put(let item) = change, !CollectionStep.concerns(item.metadata) { return }
                    if case .removed(let item) = change { for tell in removals { tell(item.metadata) } }
                    input.yield(change)
                }
            }
            group.addTask {
                for await change in changes {
                    do { try await collector.receive(change) } catch {
                        log.warning("a change could not be followed to its dependents", ("error", "\(error)"))
                    }
                }
                throw CancellationError()
            }
            try await group.next()
            group.cancelAll()
        }
    }
}
