import Shared

/// The verbs of the API on stored objects: what happens between an authorized request and the store.
///
/// One value serves every resource; what differs between resources is data of `Resource`. Each verb is a file.
struct Storage: Sendable {
    let store: Store
    let hub: Hub
    let live: LiveRegistry
    let admission: any AdmissionStage
    let addresses: ServiceAddresses
    let clock: any WallClock
    var random = RandomSource.system

    /// The resources that are served now.
    var registry: Registry { live.current }

    /// Where a request goes and who sends it.
    struct Access: Sendable {
        let resource: Resource
        let namespace: String
        /// Empty for a collection.
        let name: String
        let subresource: String
        let user: User

        var key: ObjectKey { ObjectKey(resource.groupResource, namespace: namespace, name: name) }
    }

    /// Parameters that all writes know.
    struct WriteOptions: Sendable {
        var isDryRun = false
        var fieldManager = ""
        var fieldValidation = FieldValidation.warn
        var ownership = Ownership.updated
        /// The subresource under which the writer is noted, where it is not the request's own.
        var notedSubresource: String?
        /// What a patch can not change it does not ask for: an answer of 422 instead of 409.
        var isPatch = false

        /// Who owns what the write changes.
        enum Ownership: Sendable {
            /// The writer.
            case updated
            /// Whom the new object's `managedFields` name.
            case given
        }

        /// `metav1.CreateOptions` and its kin, as webhooks are shown them.
        func json(kind: String) -> JSON {
            var json: JSON = ["kind": .string(kind), "apiVersion": "meta.k8s.io/v1"]
            if isDryRun { json["dryRun"] = ["All"] }
            guard kind != "DeleteOptions" else { return json }
            if !fieldManager.isEmpty { json["fieldManager"] = .string(fieldManager) }
            json["fieldValidation"] = .string(fieldValidation.rawValue)
            return json
        }
    }

    /// What a write left behind.
    struct Written: Sendable {
        enum Change: Sendable { case created, updated, unchanged, marked, removed }
        let stored: Stored
        let change: Change
        var warnings: [String] = []
    }

    /// The latest object.
    func get(_ access: Access) throws(Status) -> Stored {
        guard let stored = store.get(access.key) else {
            throw Status.notFound(access.resource.groupResource, access.name)
        }
        return try access.resource.custom?.read(stored, access.resource) ?? stored
    }

    /// Runs a change on the store, or only rehearses it.
    func commit<T: Sendable>(
        _ options: WriteOptions, _ body: @escaping @Sendable (inout Transaction) throws(Status) -> T
    ) async throws(Status) -> T {
        options.isDryRun ? try await store.rehearse(body) : try await store.write(body)
    }

    /// Checks that a body is of the resource's kind and lies where the request points, and brings it into the schema.
    func decode(
        _ body: JSON, _ access: Access, _ options: WriteOptions, duplicates: [String] = []
    ) throws(Status) -> (JSON, warnings: [String]) {
        let resource = access.resource
        // What a body leaves out about its type follows from the path; null is an object with nothing in it.
        var body = body.isNull ? [:] : body
        guard body.object != nil else { throw Status(.badRequest, "the body of the request must be an object") }
        let kind = body["kind"].string.flatMap { $0.isEmpty ? nil : $0 } ?? resource.kind
        let apiVersion = body["apiVersion"].string.flatMap { $0.isEmpty ? nil : $0 } ?? resource.apiVersion
        if kind != resource.kind || apiVersion != resource.apiVersion {
            if resource.custom != nil { throw customMismatch(Field(body), kind, apiVersion, access) }
            let package =
                resource.group.isEmpty ? "core" : resource.group.split(separator: ".").first.map(String.init) ?? ""
            throw mismatch(kind, apiVersion, as: resource.kind, of: resource.apiVersion, package: package)
        }
        body["kind"] = .string(kind)
        body["apiVersion"] = .string(apiVersion)
        let decoded = try resource.decode(body, options.fieldValidation, duplicates: duplicates)
        var object = decoded.object
        resource.merge(&object)
        Storage.keepReset(&object, sent: body)
        try place(&object, access)
        return (object, decoded.warnings)
    }

    /// A list of owners that is there and empty forgets all owners, so it has to survive decoding.
    static func keepReset(_ object: inout JSON, sent: JSON) {
        if let list = sent["metadata"].object?["managedFields"], list == [] { object["metadata"]["managedFields"] = [] }
    }

    /// Gives an object the namespace of the request's path.
    func place(_ object: inout JSON, _ access: Access) throws(Status) {
        let resource = access.resource
        let namespace = Object(object).namespace
        if resource.isNamespaced {
            if !namespace.isEmpty, namespace != access.namespace {
                throw Status(
                    .badRequest, "the namespace of the provided object does not match the namespace sent on the request"
                )
            }
            object["metadata"]["namespace"] = .string(access.namespace)
        } else if !namespace.isEmpty {
            object["metadata"].remove("namespace")
        }
    }

    /// The answer to a body of another kind or version than the path's. Source: apimachinery `runtime` errors.
    func mismatch(
        _ kind: String, _ apiVersion: String, as wanted: String, of wantedVersion: String, package: String
    ) -> Status {
        let parts = apiVersion.split(separator: "/").map(String.init)
        let group = parts.count == 2 ? parts[0] : ""
        let version = parts.last ?? ""
        let known = GroupVersionKind(group: group, version: version, kind: kind)
        guard Schema.of(known) != nil || registry.resource(group: group, version: version, kind: kind) != nil else {
            return Status(
                .badRequest,
                "\(kind) in version \"\(version)\" cannot be handled as a \(wanted): no kind \"\(kind)\" is registered for version \"\(apiVersion)\" in scheme \"k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30\""
            )
        }
        if kind == wanted {
            return Status(
                .badRequest,
                "the API version in the data (\(apiVersion)) does not match the expected API version (\(wantedVersion))"
            )
        }
        return Status(
            .badRequest,
            "\(kind) in version \"\(version)\" cannot be handled as a \(wanted): converting (\(version).\(kind)) to (\(package).\(wanted)): unknown conversion"
        )
    }

    /// The answer to a body whose kind or version is not the custom one of the path: any kind can be read, only one is
    /// right. Source: apiextensions `customResourceValidator.ValidateTypeMeta`.
    private func customMismatch(_ body: Field, _ kind: String, _ apiVersion: String, _ access: Access) -> Status {
        let resource = access.resource
        if apiVersion != resource.apiVersion {
            return Status(
                .badRequest,
                "the API version in the data (\(apiVersion)) does not match the expected API version (\(resource.apiVersion))"
            )
        }
        var errors: FieldErrors = []
        errors.invalid(body["kind"].with(.string(kind)), "must be \(resource.kind)")
        return FieldError.status(errors, group: resource.group, kind: resource.kind, name: Object(body.json).name)
    }

    /// The object with its members in the order in which Kubernetes writes them.
    static func canonical(_ object: JSON, _ resource: Resource) -> JSON {
        var members = JSON.Members()
        members.reserveCapacity(object.members.count + 2)
        members.append("kind", .string(resource.kind))
        members.append("apiVersion", .string(resource.apiVersion))
        for (key, value) in object.members where key != "kind" && key != "apiVersion" {
            members.append(key, key == "metadata" ? ordered(value) : value)
        }
        return .object(members)
    }

    /// Metadata in the order of its fields, with a place for the version that the store gives.
    private static func ordered(_ metadata: JSON) -> JSON {
        guard let type = Schema.type("meta.v1.ObjectMeta") else { return metadata }
        var places: [(place: Int, member: JSON.Members.Member)] = []
        places.reserveCapacity(metadata.members.count + 1)
        for member in metadata.members { places.append((type.index(of: member.key) ?? .max, member)) }
        if metadata.object?["resourceVersion"] == nil {
            places.append((type.index(of: "resourceVersion") ?? .max, ("resourceVersion", "")))
        }
        places.sort { $0.place < $1.place }
        var members = JSON.Members()
        members.reserveCapacity(places.count)
        for (_, member) in places { members.append(member.key, member.value) }
        return .object(members)
    }

    /// Answers 422 unless there is nothing to complain about.
    func require(_ errors: [FieldError], _ access: Access, _ name: String) throws(Status) {
        if !errors.isEmpty {
            // Events of both groups are one kind to Kubernetes's validation.
            let group = access.resource.group == "events.k8s.io" ? "" : access.resource.group
            throw FieldError.status(errors, group: group, kind: access.resource.kind, name: name)
        }
    }
}
