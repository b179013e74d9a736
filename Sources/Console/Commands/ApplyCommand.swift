import Shared

/// `kconsole apply`: makes the cluster's objects what the manifests say.
enum ApplyCommand {
    static let verb = Verb(
        "apply", "Create or change the objects of manifests.", operands: "",
        flags: Manifests.flags + [
            .init(
                "dry-run", .one("server"), choices: ["server", "none"], help: "server: check everything, change nothing"
            ),
            .init("server-side", help: "let the server merge and keep the owners of fields"),
            .init("force-conflicts", help: "with --server-side: take fields that others own"),
            .init("field-manager", .one("NAME"), help: "name under which the fields are owned"),
            GetCommand.outputFlag,
        ],
        notes:
            "Fields that others have set stay; fields that a former apply set and the manifest has no more are removed.\n"
            + "Example: kconsole apply -f assets/demo",
        run: run)

    private static func run(_ call: Invocation) async throws -> Int32 {
        guard call.arguments.isGiven("filename") else { throw call.usage("apply needs -f FILE") }
        let mode = call.arguments["dry-run"] ?? "none"
        guard ["none", "server"].contains(mode) else {
            throw call.usage("--dry-run takes server or none, not \"\(mode)\"")
        }
        let output = try Output(call.arguments["output"])
        let objects = try Manifests.read(call.arguments)
        guard !objects.isEmpty else { throw Failure("The manifests hold no objects; nothing was applied.") }
        let session = try await call.session()
        let applier = Applier(session, isDryRun: mode == "server", isStrict: true)
        var code: Int32 = 0
        var results: [JSON] = []
        for object in objects {
            do {
                let result =
                    call.arguments.has("server-side")
                    ? try await applier.applyOnServer(
                        object, manager: call.arguments["field-manager"] ?? "kubectl",
                        isForced: call.arguments.has("force-conflicts"))
                    : try await applier.apply(
                        object, manager: call.arguments["field-manager"] ?? "kubectl-client-side-apply")
                results.append(result.object)
                if output.isTable {
                    call.out("\(result.title) \(result.what)\(mode == "server" ? " (server dry run)" : "")")
                }
            } catch let status as Status {
                call.remark("\(Manifests.failure(status, object))")
                code = 1
            } catch let failure as Failure {
                call.remark("\(failure)")
                code = 1
            }
        }
        if !output.isTable {
            call.write(output.text(results, isSingle: results.count == 1, resources: try await session.resources()))
        }
        return code
    }
}

/// Sends the objects of manifests.
struct Applier: Sendable {
    struct Result: Sendable {
        /// `deployment.apps/web`.
        let title: String
        /// `created`, `configured`, `unchanged`, `serverside-applied`.
        let what: String
        let object: JSON
    }
    private let session: Session
    private let isDryRun: Bool
    private let isStrict: Bool
    private let schemas: SchemaSource

    init(_ session: Session, isDryRun: Bool, isStrict: Bool) {
        self.session = session
        self.isDryRun = isDryRun
        self.isStrict = isStrict
        schemas = SchemaSource(session.client)
    }

    /// Where an object belongs. A kind that a manifest has just defined is looked for again.
    func place(_ object: ManifestObject) async throws -> (resource: ServedResource, namespace: String, name: String) {
        let type = Object(object.json)
        var known = try await session.resources()
        if known.find(kind: type.kind, apiVersion: type.apiVersion) == nil {
            known = try await ServedResources.load(session.client)
        }
        guard let resource = known.find(kind: type.kind, apiVersion: type.apiVersion) else {
            let near = NearMatches.of(type.kind, among: known.all.map(\.type.kind))
            let versions = known.all.filter { $0.type.kind == type.kind }.map(\.type.apiVersion)
            let hint =
                !versions.isEmpty
                ? "it is served as \(versions.joined(separator: " and "))"
                : near.isEmpty ? "install what defines it first" : "did you mean \(near.joined(separator: " or "))?"
            let field = versions.isEmpty ? "kind" : "apiVersion"
            let line = object.source?.line(of: [.key(field)]) ?? object.line
            throw Failure(
                "\(object.file), document \(object.document), line \(line), field \(field): the server has no \(type.kind) of \(type.apiVersion); \(hint)"
            )
        }
        let own = type.namespace
        return (resource, resource.type.isNamespaced ? (own.isEmpty ? session.namespace : own) : "", type.name)
    }

    private func query(_ manager: String) -> Query {
        var query: Query = ["fieldManager": manager]
        if isStrict { query.add("fieldValidation", "Strict") }
        if isDryRun { query.add("dryRun", "All") }
        return query
    }

    /// Merges on this side: three ways between what was applied last, the manifest and what is there.
    func apply(_ object: ManifestObject, manager: String) async throws -> Result {
        let (resource, namespace, name) = try await place(object)
        guard !name.isEmpty else {
            throw Failure("\(object.place), field metadata.name: it is missing; apply needs it to find the object.")
        }
        let title = "\(resource.title)/\(name)"
        let modified = Applier.annotated(object.json, namespace: namespace)
        let path = resource.path(namespace, name)
        for attempt in 0...5 {
            let current: JSON
            do { current = try await session.client.call("GET", path) } catch let status as Status
                where status.reason == .notFound
            {
                let made = try await session.client.call(
                    "POST", resource.path(namespace), query: query(manager), body: modified)
                return Result(title: title, what: "created", object: made)
            }
            let (patch, format) = try await patch(modified, current, resource.type)
            if patch.members.isEmpty { return Result(title: title, what: "unchanged", object: current) }
            do {
                let changed = try await session.client.call(
                    "PATCH", path, query: query(manager), body: patch, contentType: format.rawValue)
                let isSame = changed["metadata"]["resourceVersion"] == current["metadata"]["resourceVersion"]
                return Result(title: title, what: isSame ? "unchanged" : "configured", object: changed)
            } catch let status as Status where status.reason == .conflict && attempt < 5 { continue }
        }
        throw Failure("\(title) changes all the time; nothing was applied, try again.")
    }

    func patch(_ modified: JSON, _ current: JSON, _ type: KindType) async throws -> (JSON, Client.PatchFormat) {
        let last = Object(current).metadata.annotations[LastApplied.annotation]
        let original = last.flatMap { try? JSON(parsing: $0) } ?? [:]
        if let schema = try await schemas.schema(type), !type.group.contains(".") || type.group.hasSuffix(".k8s.io") {
            let patch = StrategicMergePatch.create(
                original: original, modified: modified, current: current, schema: schema)
            return (patch, .strategic)
        }
        return (MergePatch.create(original: original, modified: modified, current: current), .merge)
    }

    /// The object with its namespace and with itself in the annotation, as kubectl writes it.
    static func annotated(_ json: JSON, namespace: String) -> JSON {
        var object = json
        if !namespace.isEmpty { object["metadata"]["namespace"] = .string(namespace) }
        var annotations = object["metadata"]["annotations"]
        if annotations.object == nil { annotations = [:] }
        annotations.remove(LastApplied.annotation)
        object["metadata"]["annotations"] = annotations
        let own = object.sorted.text + "\n"
        annotations[LastApplied.annotation] = .string(own)
        object["metadata"]["annotations"] = annotations
        return object
    }

    /// Lets the server merge.
    func applyOnServer(_ object: ManifestObject, manager: String, isForced: Bool) async throws -> Result {
        let (resource, namespace, name) = try await place(object)
        guard !name.isEmpty else {
            throw Failure("\(object.place), field metadata.name: it is missing; apply needs it to find the object.")
        }
        var json = object.json
        if !namespace.isEmpty { json["metadata"]["namespace"] = .string(namespace) }
        var query = query(manager)
        query.add("force", isForced ? "true" : "false")
        let result = try await session.client.call(
            "PATCH", resource.path(namespace, name), query: query, body: json,
            contentType: Client.PatchFormat.apply.rawValue)
        return Result(title: "\(resource.title)/\(name)", what: "serverside-applied", object: result)
    }

    func create(_ object: ManifestObject, manager: String) async throws -> Result {
        let (resource, namespace, _) = try await place(object)
        var json = object.json
        if !namespace.isEmpty { json["metadata"]["namespace"] = .string(namespace) }
        let made = try await session.client.call("POST", resource.path(namespace), query: query(manager), body: json)
        return Result(title: "\(resource.title)/\(Object(made).name)", what: "created", object: made)
    }
}
