import Shared

extension Storage {
    /// Creates an object. A name made from `generateName` that is taken is made again, a few times.
    func create(
        _ access: Access, _ body: JSON, _ options: WriteOptions, duplicates: [String] = []
    ) async throws(Status) -> Written {
        let (decoded, warnings) = try decode(body, access, options, duplicates: duplicates)
        var attempt = 1
        while true {
            let call = try await prepare(decoded, access, options)
            if !options.isDryRun, !["", "0"].contains(decoded["metadata"]["resourceVersion"].string ?? "") {
                // Kubernetes's store refuses it, which is why its answer is 500.
                throw Status(.unknown, "resourceVersion should not be set on objects to be created", code: 500)
            }
            let key = ObjectKey(
                access.resource.groupResource, namespace: access.namespace, name: Object(call.object).name)
            do throws(Status) {
                let stored = try await insert(call, key, access, options)
                return Written(stored: stored, change: .created, warnings: warnings + call.warnings)
            } catch {
                let isGenerated = Object(decoded).name.isEmpty
                guard error.reason == .alreadyExists, isGenerated, attempt < Limits.generatedNameAttemptsMax else {
                    throw error
                }
                attempt += 1
            }
        }
    }

    /// The object as it is to be stored, complete but for what only the transaction can know.
    private func prepare(_ decoded: JSON, _ access: Access, _ options: WriteOptions) async throws(Status)
        -> AdmissionCall
    {
        let resource = access.resource
        var object = decoded
        try stamp(&object, access)
        resource.prepareForCreate(&object)
        Defaults.apply(to: &object, resource)
        noteCreation(of: &object, sent: decoded, access, options)
        var call = AdmissionCall(
            operation: .create, resource: resource, subresource: access.subresource, namespace: access.namespace,
            name: Object(object).name, user: access.user, isDryRun: options.isDryRun, old: .null, object: object,
            options: options.json(kind: "CreateOptions"))
        try await admission.mutate(&call)
        // What admission has filled in may have defaults of its own.
        Defaults.apply(to: &call.object, resource)
        resource.prepareForCreate(&call.object)
        try require(Validation.create(call.object, resource), access, Object(call.object).name)
        try await admission.validate(&call)
        call.object = Storage.canonical(call.object, resource)
        return call
    }

    private func stamp(_ object: inout JSON, _ access: Access) throws(Status) {
        var metadata = Object(object).metadata
        if metadata.name.isEmpty, !metadata.generateName.isEmpty {
            metadata.name =
                metadata.generateName.prefix(Limits.generatedNamePrefixMax)
                + random.draw { RandomNames.suffix(using: &$0) }
        }
        if !access.name.isEmpty, metadata.name != access.name, access.subresource.isEmpty {
            throw Status(
                .badRequest,
                "the name of the object (\(metadata.name)) does not match the name on the URL (\(access.name))")
        }
        for key in ["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
            metadata.json.remove(key)
        }
        metadata.uid = random.draw { RandomNames.uid(using: &$0) }
        metadata.creationTimestamp = clock.now()
        metadata.json.remove("generation")
        object["metadata"] = metadata.json
    }

    private func insert(_ call: AdmissionCall, _ key: ObjectKey, _ access: Access, _ options: WriteOptions)
        async throws(Status) -> Stored
    {
        var object = call.object
        let checks = call.checks
        let isService = access.resource.groupResource == ServiceAddresses.resource
        if isService {
            // A name that is taken is told before an address that is.
            if store.get(key) != nil { throw Status.alreadyExists(key.resource, key.name) }
            try addresses.reserve(for: &object)
        }
        let final = object
        do throws(Status) {
            let stored = try await commit(options) { transaction throws(Status) in
                guard transaction.get(key) == nil else { throw Status.alreadyExists(key.resource, key.name) }
                for check in checks { try check.check(&transaction) }
                return try transaction.put(key, final)
            }
            if isService, options.isDryRun { addresses.release(Object(final).metadata.uid) }
            return stored
        } catch {
            if isService { addresses.release(Object(final).metadata.uid) }
            throw error
        }
    }
}
