import Shared

extension Storage {
    /// Deletes an object, or marks it so that its finalizers or its agent can finish first.
    func delete(_ access: Access, _ deletion: DeletionPlan.Options, _ options: WriteOptions) async throws(Status)
        -> Written
    {
        let resource = access.resource
        let key = access.key
        let current = try get(access)
        var call = AdmissionCall(
            operation: .delete, resource: resource, subresource: "", namespace: access.namespace, name: access.name,
            user: access.user, isDryRun: options.isDryRun, old: try current.json(), object: .null,
            options: options.json(kind: "DeleteOptions"))
        try await admission.mutate(&call)
        try await admission.validate(&call)
        let now = clock.now()
        var written = try await commit(options) { transaction throws(Status) in
            guard let stored = transaction.get(key) else { throw Status.notFound(key.resource, key.name) }
            var object = try stored.json()
            try deletion.check(object, resource)
            if key.resource == LiveRegistry.definitions {
                var definition = CustomResourceDefinition(object)
                definition.prepareForDeletion(now: now)
                object = definition.json
            }
            switch DeletionPlan.make(object, resource, deletion, now: now) {
            case .nothing: return Written(stored: stored, change: .unchanged)
            case .mark(let marked): return Written(stored: try transaction.put(key, marked), change: .marked)
            case .remove(let final): return Written(stored: try transaction.delete(key, final: final), change: .removed)
            }
        }
        written.warnings += call.warnings
        return written
    }

    /// Deletes every object of a collection that the selectors match.
    /// - Returns: the objects as they were last.
    func deleteCollection(
        _ access: Access, _ selection: Selection, _ deletion: DeletionPlan.Options, _ options: WriteOptions
    ) async throws(Status) -> [Stored] {
        var deleted: [Stored] = []
        for stored in store.list(
            access.resource.groupResource, namespace: access.namespace.isEmpty ? nil : access.namespace
        ).items
        where selection.matches(stored.projection, stored.key) {
            let one = Access(
                resource: access.resource, namespace: stored.key.namespace, name: stored.key.name, subresource: "",
                user: access.user)
            do throws(Status) {
                deleted.append(try await delete(one, deletion, options).stored)
            } catch  where error.reason == .notFound {
                continue
            }
        }
        return deleted
    }
}

/// How a deletion goes on: at once, after a grace period, or when the finalizers are done. Pure.
/// Source: apiserver `registry/rest.BeforeDelete`, `registry/generic/registry.Store.Delete`.
enum DeletionPlan: Equatable {
    case nothing
    case mark(JSON)
    case remove(final: JSON)

    /// `metav1.DeleteOptions`.
    struct Options: Sendable, Equatable {
        var graceSeconds: Int?
        var propagation: Client.Propagation?
        var uid: String?
        var resourceVersion: String?

        init() {}
        /// From a request's body (null when there is none) and parameters.
        /// - Throws: 400 for a number that is none, 422 for options that contradict each other.
        init(_ body: JSON, _ query: Query) throws(Status) {
            graceSeconds = body["gracePeriodSeconds"].int
            if graceSeconds == nil { graceSeconds = try query.number("gracePeriodSeconds") }
            let orphans = body["orphanDependents"].bool ?? query.flag("orphanDependents")
            let policy = body["propagationPolicy"].string ?? query["propagationPolicy"] ?? ""
            var errors: FieldErrors = []
            let field = Field(["propagationPolicy": .string(policy)])["propagationPolicy"]
            if orphans != nil, !policy.isEmpty {
                errors.invalid(field, "orphanDependents and deletionPropagation cannot be both set")
            }
            propagation = Client.Propagation(rawValue: policy)
            if !policy.isEmpty, propagation == nil {
                errors.notSupported(field, ["Foreground", "Background", "Orphan", "nil"])
            }
            if !errors.isEmpty {
                throw FieldError.status(errors, group: "meta.k8s.io", kind: "DeleteOptions", name: "")
            }
            if let orphans { propagation = orphans ? .orphan : .background }
            uid = body["preconditions"]["uid"].string.flatMap { $0.isEmpty ? nil : $0 }
            resourceVersion = body["preconditions"]["resourceVersion"].string
            if let graceSeconds {
                // Far beyond any pod's life, and safe to count with.
                self.graceSeconds = graceSeconds < 0 ? 1 : min(graceSeconds, Limits.graceSecondsMax)
            }
        }

        /// - Throws: 409 when the object is not the one that was meant. Source: apiserver `rest.BeforeDelete`.
        func check(_ object: JSON, _ resource: Resource) throws(Status) {
            let metadata = Object(object).metadata
            let kind = GroupResource(group: resource.group, resource.kind)
            if let uid, uid != metadata.uid {
                throw Status.conflict(
                    kind, metadata.name,
                    "the UID in the precondition (\(uid)) does not match the UID in record (\(metadata.uid)). The object might have been deleted and then recreated"
                )
            }
            if let resourceVersion, resourceVersion != metadata.resourceVersion {
                throw Status.conflict(
                    kind, metadata.name,
                    "the ResourceVersion in the precondition (\(resourceVersion)) does not match the ResourceVersion in record (\(metadata.resourceVersion)). The object might have been modified"
                )
            }
        }
    }

    static func make(_ object: JSON, _ resource: Resource, _ options: Options, now: Timestamp) -> DeletionPlan {
        var object = object
        var metadata = Object(object).metadata
        let grace = resource.strategy.isGracefullyDeleted ? graceSeconds(Pod(object), options) : 0
        setFinalizers(&metadata, options, resource)
        if resource.groupResource == GroupResource("namespaces"), object["spec"]["finalizers"].items.isEmpty == false {
            return markNamespace(object, metadata, now)
        }
        let mayGo = metadata.finalizers.isEmpty && grace == 0
        if mayGo {
            metadata.deletionGracePeriodSeconds =
                resource.strategy.isGracefullyDeleted ? 0 : metadata.deletionGracePeriodSeconds
            object["metadata"] = metadata.json
            return .remove(final: object)
        }
        if metadata.isDeleting {
            // A deletion that runs can be hastened, never delayed.
            let running = metadata.deletionGracePeriodSeconds ?? 0
            if resource.strategy.isGracefullyDeleted, grace < running {
                metadata.deletionTimestamp = (metadata.deletionTimestamp ?? now) - .seconds(running - grace)
                metadata.deletionGracePeriodSeconds = grace
            }
        } else {
            metadata.deletionTimestamp = now + .seconds(grace)
            metadata.deletionGracePeriodSeconds = grace
            if metadata.generation > 0 { metadata.generation += 1 }
        }
        if metadata == Object(object).metadata { return .nothing }
        object["metadata"] = metadata.json
        return .mark(object)
    }

    /// An object that is marked and waits for nothing any more.
    static func isFinished(_ object: JSON) -> Bool {
        let metadata = Object(object).metadata
        return metadata.isDeleting && metadata.finalizers.isEmpty && (metadata.deletionGracePeriodSeconds ?? 0) == 0
            && !(Object(object).kind == "Namespace" && !object["spec"]["finalizers"].items.isEmpty)
    }

    private static func graceSeconds(_ pod: Pod, _ options: Options) -> Int {
        if pod.spec.nodeName.isEmpty || pod.isFinished { return 0 }
        return options.graceSeconds ?? min(max(pod.spec.graceSeconds, 0), Limits.graceSecondsMax)
    }

    private static func setFinalizers(_ metadata: inout ObjectMeta, _ options: Options, _ resource: Resource) {
        let isDecided = metadata.finalizers.contains { $0 == "orphan" || $0 == "foregroundDeletion" }
        let fallback = resource.strategy.orphansDependents && !isDecided ? Client.Propagation.orphan : nil
        guard let propagation = options.propagation ?? fallback else { return }
        var finalizers = metadata.finalizers.filter { $0 != "orphan" && $0 != "foregroundDeletion" }
        if propagation == .orphan { finalizers.append("orphan") }
        if propagation == .foreground { finalizers.append("foregroundDeletion") }
        if finalizers != metadata.finalizers { metadata.finalizers = finalizers }
    }

    private static func markNamespace(_ object: JSON, _ metadata: ObjectMeta, _ now: Timestamp) -> DeletionPlan {
        var object = object
        var metadata = metadata
        if !metadata.isDeleting { metadata.deletionTimestamp = now }
        object["metadata"] = metadata.json
        object["status"]["phase"] = "Terminating"
        return .mark(object)
    }
}
