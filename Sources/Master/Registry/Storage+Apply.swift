import Shared

extension Storage {
    /// Server-side apply: lays a configuration over the object, or creates it.
    /// - Throws: 409 with one cause per field when others own what would change, 500 when the configuration does not fit
    ///   the type, as Kubernetes does.
    func apply(_ access: Access, _ patch: PatchBody, _ options: WriteOptions) async throws(Status) -> Written {
        var options = options
        options.ownership = .given
        // The configuration has been checked against the type.
        options.fieldValidation = .ignore
        for _ in 0..<Limits.conflictAttemptsMax {
            if store.get(access.key) == nil {
                guard access.subresource.isEmpty else {
                    throw Status.notFound(access.resource.groupResource, access.name)
                }
                do throws(Status) {
                    return try await createApplied(access, patch, options)
                } catch  where error.reason == .alreadyExists {
                    continue
                }
            }
            do throws(Status) {
                return try await modify(access, options) { old throws(Status) in
                    let applied = try Storage.applied(patch, to: old, access, options, at: clock.now())
                    try Storage.check(applied, access)
                    return try decode(applied, access, options).0
                }
            } catch  where error.reason == .notFound && access.subresource.isEmpty {
                continue
            }
        }
        throw Status.conflict(access.resource.groupResource, access.name, Storage.staleText)
    }

    private func createApplied(_ access: Access, _ patch: PatchBody, _ options: WriteOptions) async throws(Status)
        -> Written
    {
        var zero = access.resource.zero
        zero["apiVersion"] = .string(access.resource.apiVersion)
        zero["kind"] = .string(access.resource.kind)
        var object = try Storage.applied(patch, to: zero, access, options, at: clock.now())
        if let uid = object["metadata"]["uid"].string, !uid.isEmpty {
            throw Status.conflict(
                access.resource.groupResource, access.name,
                "uid mismatch: the provided object specified uid \(uid), and no existing object was found")
        }
        try Storage.check(object, access)
        object["metadata"].remove("resourceVersion")
        return try await create(access, object, options)
    }

    /// The object with the configuration in it and the new list of owners.
    private static func applied(
        _ patch: PatchBody, to live: JSON, _ access: Access, _ options: WriteOptions, at time: Timestamp
    ) throws(Status) -> JSON {
        let resource = access.resource
        let configuration = patch.json
        let sent = Object(configuration)
        guard sent.apiVersion == resource.apiVersion else {
            throw Status(
                .badRequest,
                "Incorrect version specified in apply patch. Specified patch version: \(sent.apiVersion), expected: \(resource.apiVersion)"
            )
        }
        guard configuration["metadata"].object?["managedFields"] == nil else {
            throw Status(.badRequest, "metadata.managedFields must be nil")
        }
        guard sent.kind == resource.kind else {
            throw Status(.badRequest, "invalid object type: \(groupVersionKind(configuration, resource))")
        }
        var managed = ManagedFields(stored: live["metadata"]["managedFields"])
        var bare = live
        bare["metadata"].remove("managedFields")
        let type = resource.mergeType
        if !Object(live).metadata.uid.isEmpty {
            managed.claimUntracked(
                bare, zero: resource.zero, type, apiVersion: resource.apiVersion, at: time)
        }
        let manager = ManagedFields.Manager(
            name: options.fieldManager, operation: .apply, apiVersion: resource.apiVersion,
            subresource: access.subresource)
        let how = ManagedFields.Application(
            type: type, manager: manager, isForced: patch.isForced, ignored: resource.unwritten(access.subresource),
            time: time)
        var object: JSON
        do throws(ApplyRefusal) {
            object = try LastApplied.apply(configuration, to: bare, how, &managed) ?? bare
        } catch {
            switch error {
            case .conflicts(let conflicts): throw Status.applyConflict(conflicts)
            case .invalid(let why):
                let place = "\(sent.namespace)/\(sent.name); \(groupVersionKind(configuration, resource))"
                throw Status(.unknown, "failed to create typed patch object (\(place)): \(why)")
            }
        }
        object["metadata"].set("managedFields", managed.json)
        return object
    }

    /// `apps/v1, Kind=Deployment`.
    private static func groupVersionKind(_ configuration: JSON, _ resource: Resource) -> String {
        let version = Object(configuration).apiVersion
        return "\(resource.group.isEmpty ? "/" : "")\(version), Kind=\(Object(configuration).kind)"
    }
}
