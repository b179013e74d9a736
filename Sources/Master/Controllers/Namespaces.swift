import Shared

/// Empties a namespace that is being deleted and then lets it go. Pods go first, so that nothing runs on with its
/// configuration or its network policies already gone. Source: KEP-5080.
struct Namespaces: Reconciler {
    let client: Client
    let namespaces: Informer<Namespace>
    /// Every namespaced kind that is served and can be listed and deleted, one version each.
    let kinds: @Sendable () async -> [KindType]
    let clock: any WallClock

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let namespace = namespaces.get(name: key.name), namespace.metadata.isDeleting else { return .settled }
        let finalizers = namespace.json.at("spec", "finalizers").items.compactMap(\.string)
        guard finalizers.contains("kubernetes") else { return .settled }
        let content = await empty(key.name)
        var update = try await report(content, namespace)
        guard content.failures.isEmpty else { return .again(after: .seconds(1)) }
        // Whatever goes from it is told; the rest is in case that nothing does.
        guard content.isEmpty else { return .again(after: Limits.namespaceLookAgain) }
        update.json["spec"]["finalizers"] = JSON(finalizers.filter { $0 != "kubernetes" })
        do {
            _ = try await client.update(update, subresource: "finalize")
        } catch let status as Status where status.reason == .notFound {}
        return .settled
    }

    private func report(_ content: NamespaceContent, _ namespace: Namespace) async throws -> Namespace {
        var update = namespace
        let conditions = content.conditions(namespace.conditions, now: clock.now())
        guard conditions != namespace.conditions || namespace.json.at("status", "phase").string != "Terminating" else {
            return namespace
        }
        update.conditions = conditions
        update.json["status"]["phase"] = "Terminating"
        return try await client.updateStatus(update)
    }

    private func empty(_ namespace: String) async -> NamespaceContent {
        var content = NamespaceContent()
        let kinds = await kinds()
        let (pods, others) = (kinds.filter { $0 == Pod.type }, kinds.filter { $0 != Pod.type })
        await empty(pods, of: namespace, &content)
        guard content.isEmpty else { return content }
        await empty(others, of: namespace, &content)
        return content
    }

    /// Kinds that fail are tried again, so that among many kinds a request that is lost does not cost a whole round.
    private func empty(_ kinds: [KindType], of namespace: String, _ content: inout NamespaceContent) async {
        var open = kinds
        for attempt in 1...Limits.namespaceTries {
            var failed: [KindType] = []
            for kind in open {
                do {
                    try await empty(kind, of: namespace, &content)
                } catch {
                    failed.append(kind)
                    if attempt == Limits.namespaceTries { content.failures.append("\(kind.resource): \(error)") }
                }
            }
            open = failed
        }
    }

    private func empty(_ kind: KindType, of namespace: String, _ content: inout NamespaceContent) async throws {
        let path = kind.path(namespace: namespace)
        do {
            guard try await !left(at: path).isEmpty else { return }
            _ = try await client.call(
                "DELETE", path,
                body: ["kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"])
            content.add(try await left(at: path), of: kind.resource)
        } catch let status as Status where status.reason == .notFound || status.reason == .methodNotAllowed {}
    }

    private func left(at path: String) async throws -> [ObjectMeta] {
        var query = Query()
        query.add("limit", String(Limits.namespaceRoundMax))
        return try await client.call("GET", path, query: query)["items"].items.map { ObjectMeta($0["metadata"]) }
    }
}

extension Limits {
    /// After so long a namespace that is not empty is emptied again although nothing was seen to go from it.
    static let namespaceLookAgain = Duration.seconds(15)
    /// How often a kind is tried in one round.
    static let namespaceTries = 3
    /// What goes within this time is looked at together.
    static let namespaceGathering = Duration.milliseconds(200)
}
