import Shared

extension Storage {
    /// Replaces an object (PUT), or its status, or what else the subresource stands for.
    func update(
        _ access: Access, _ body: JSON, _ options: WriteOptions, duplicates: [String] = []
    ) async throws(Status) -> Written {
        let (decoded, warnings) = try decode(body, access, options, duplicates: duplicates)
        guard !Object(decoded).name.isEmpty else {
            throw Status(
                .badRequest,
                "the name of the object (\(access.name) based on URL) was undeterminable: name must be provided")
        }
        guard Object(decoded).name == access.name else {
            throw Status(
                .badRequest,
                "the name of the object (\(Object(decoded).name)) does not match the name on the URL (\(access.name))")
        }
        if store.get(access.key) == nil, access.resource.strategy.allowsCreateOnUpdate, access.subresource.isEmpty {
            return try await create(access, body, options)
        }
        var written = try await modify(access, options) { _ throws(Status) in decoded }
        written.warnings += warnings
        return written
    }

    /// Reads, changes and writes an object as one step. `change` gets the latest object and may be called again when
    /// somebody else was faster; an object that comes back with another `resourceVersion` is a conflict.
    func modify(
        _ access: Access, _ options: WriteOptions, _ change: (JSON) throws(Status) -> JSON
    ) async throws(Status) -> Written {
        for _ in 0..<Limits.conflictAttemptsMax {
            let current = try get(access)
            let old = try current.json()
            let call = try await merge(try change(old), into: old, access, options)
            if Storage.isUnchanged(call.object, from: old) {
                return Written(stored: current, change: .unchanged, warnings: call.warnings)
            }
            var written: Written?
            do throws(Status) {
                written = try await replace(current, with: call, access, options)
            } catch {
                settle(access, written: nil, call, old, options)
                throw error
            }
            settle(access, written: written, call, old, options)
            if var written {
                written.warnings += call.warnings
                return written
            }
        }
        throw Status.conflict(access.resource.groupResource, access.name, Storage.staleText)
    }

    /// Gives back the addresses that a service no longer has, or did not get to keep.
    private func settle(
        _ access: Access, written: Written?, _ call: AdmissionCall, _ old: JSON, _ options: WriteOptions
    ) {
        guard access.resource.groupResource == ServiceAddresses.resource else { return }
        if written != nil, !options.isDryRun {
            addresses.release(old, except: call.object)
        } else {
            addresses.release(call.object, except: old)
        }
    }

    static let staleText = "the object has been modified; please apply your changes to the latest version and try again"

    /// What the update makes of the old object: each part from the side that may write it.
    private func merge(_ wanted: JSON, into old: JSON, _ access: Access, _ options: WriteOptions)
        async throws(Status) -> AdmissionCall
    {
        let resource = access.resource
        var new = wanted
        let before = Object(old).metadata
        var after = Object(new).metadata
        if after.resourceVersion.isEmpty, !resource.strategy.allowsUnconditionalUpdate {
            let error = FieldError(
                reason: .invalid, field: "metadata.resourceVersion", value: "0x0",
                detail: "must be specified for an update")
            throw FieldError.status([error], group: resource.group, kind: resource.plural, name: access.name)
        }
        if !after.resourceVersion.isEmpty, after.resourceVersion != before.resourceVersion {
            throw Status.conflict(resource.groupResource, access.name, Storage.staleText)
        }
        if options.isPatch {
            try require(Storage.identityErrors(after, before), access, access.name)
        } else if !after.uid.isEmpty, after.uid != before.uid {
            let why =
                "StorageError: invalid object, Code: 4, Key: \(access.registryKey), ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: \(after.uid), UID in object meta: \(before.uid)"
            throw Status.conflict(resource.groupResource, access.name, why)
        }
        for key in [
            "uid", "creationTimestamp", "resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds",
            "generation", "selfLink",
        ] {
            after.json.set(key, before.json[key])
        }
        new["metadata"] = after.json
        prepare(&new, old, access)
        Defaults.apply(to: &new, resource)
        noteChange(of: &new, from: old, access, options)
        var call = AdmissionCall(
            operation: .update, resource: resource, subresource: access.subresource, namespace: access.namespace,
            name: access.name, user: access.user, isDryRun: options.isDryRun, old: old, object: new,
            options: options.json(kind: "UpdateOptions"))
        try await admission.mutate(&call)
        new = call.object
        prepare(&new, old, access)
        Defaults.apply(to: &new, resource)
        new = Storage.canonical(new, resource)
        if access.subresource.isEmpty, resource.groupResource == ServiceAddresses.resource {
            try addresses.keep(&new, old: old)
        }
        call.object = new
        do throws(Status) {
            let errors =
                switch access.subresource {
                case "status": Validation.status(new, old, resource)
                case "finalize": Validation.finalization(new, old, resource)
                case "approval": Validation.approval(new, old, resource)
                case "ephemeralcontainers": Validation.ephemeralContainers(new, old)
                case "resize": Validation.resize(new, old)
                default: Validation.update(new, old, resource)
                }
            try require(errors, access, access.name)
            try await admission.validate(&call)
        } catch {
            settle(access, written: nil, call, old, options)
            throw error
        }
        return call
    }

    /// What nobody can change about an object. Every one is complained about twice, by the rules of all objects and by
    /// those of the kind, as in Kubernetes.
    private static func identityErrors(_ after: ObjectMeta, _ before: ObjectMeta) -> [FieldError] {
        var errors: [FieldError] = []
        func complain(_ key: String, _ value: String) {
            errors.append(
                FieldError(reason: .invalid, field: "metadata.\(key)", value: value, detail: "field is immutable"))
        }
        if !after.uid.isEmpty, after.uid != before.uid { complain("uid", after.uid.goQuoted) }
        if !before.isDeleting, let time = after.deletionTimestamp {
            complain("deletionTimestamp", time.rfc3339.replacing("T", with: " ").replacing("Z", with: " +0000 UTC"))
        }
        if let seconds = after.deletionGracePeriodSeconds, before.deletionGracePeriodSeconds == nil {
            complain("deletionGracePeriodSeconds", String(seconds))
        }
        return errors + errors
    }

    /// Takes each part from the side that the subresource may write.
    private func prepare(_ new: inout JSON, _ old: JSON, _ access: Access) {
        switch access.subresource {
        case "": access.resource.prepareForUpdate(&new, from: old)
        case "status": access.resource.prepareForStatusUpdate(&new, from: old)
        case "finalize":
            let finalizers = new["spec"]["finalizers"]
            new = old
            new["spec"]["finalizers"] = finalizers
        case "approval":
            let conditions = new["status"]["conditions"]
            new = old
            new["status"]["conditions"] = conditions
        case "ephemeralcontainers", "resize": new = Storage.part(access.subresource, of: new, into: old)
        default: new = old
        }
    }

    /// Writes unless the object has changed since it was read; nil when it has.
    private func replace(
        _ current: Stored, with call: AdmissionCall, _ access: Access, _ options: WriteOptions
    ) async throws(Status) -> Written? {
        let key = access.key
        let new = call.object
        let checks = call.checks
        let goes = DeletionPlan.isFinished(new)
        return try await commit(options) { transaction throws(Status) -> Written? in
            guard let latest = transaction.get(key) else { throw Status.notFound(key.resource, key.name) }
            guard latest.revision == current.revision else { return nil }
            for check in checks { try check.check(&transaction) }
            if goes {
                // Watchers see the object as it was last; the writer sees what he asked for.
                _ = try transaction.delete(key, final: try latest.json())
                let asked = Stored(
                    key: key, revision: latest.revision, bytes: new.encoded, projection: latest.projection)
                return Written(stored: asked, change: .removed)
            }
            return Written(stored: try transaction.put(key, new), change: .updated)
        }
    }
}

extension Storage.Access {
    /// What Kubernetes calls the object's place in its store, in texts of conflicts.
    var registryKey: String {
        let isOwn = resource.group.contains(".") && !resource.group.hasSuffix(".k8s.io")
        let renamed = [
            "services": "services/specs", "endpoints": "services/endpoints", "nodes": "minions",
            "replicationcontrollers": "controllers", "ingresses": "ingress",
            "customresourcedefinitions": "apiextensions.k8s.io/customresourcedefinitions",
            "apiservices": "apiregistration.k8s.io/apiservices",
        ]
        let folder = isOwn ? "\(resource.group)/\(resource.plural)" : renamed[resource.plural] ?? resource.plural
        return "/registry/\(folder)/\(namespace.isEmpty ? "" : namespace + "/")\(name)"
    }
}
