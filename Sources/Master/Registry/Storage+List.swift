import Shared

/// One page of a collection.
struct Listing: Sendable {
    let items: [Stored]
    let revision: Revision
    /// Token of the next page; empty when this is the last.
    var next = ""
    /// Objects after this page, when that is known.
    var remaining: Int?

    /// The page as a custom resource's version shows it.
    func read(_ resource: Resource) throws(Status) -> Listing {
        guard let custom = resource.custom, custom.needsReading else { return self }
        var read: [Stored] = []
        read.reserveCapacity(items.count)
        for item in items { read.append(try custom.read(item, resource)) }
        return Listing(items: read, revision: revision, next: next, remaining: remaining)
    }
}

extension Storage {
    /// Lists a collection: the latest state, or a past one, page by page.
    ///
    /// Parameters as Kubernetes has them: `limit`, `continue`, `resourceVersion`, `resourceVersionMatch`. Pages of one
    /// list all show the revision of the first.
    /// - Throws: 400 for parameters that contradict each other, 410 when the revision is no longer kept.
    func list(_ access: Access, _ selection: Selection, _ query: Query) async throws(Status) -> Listing {
        let limit = query["limit"].flatMap { Int($0) } ?? 0
        let namespace = access.namespace.isEmpty ? nil : access.namespace
        let resource = access.resource.groupResource
        if let text = query["continue"], !text.isEmpty {
            guard let token = ContinueToken(text) else {
                throw Status(.badRequest, "continue key is not valid: start the list anew without it")
            }
            let items = try await items(resource, namespace, at: token.revision)
            let rest = items.drop { $0.key <= ObjectKey(resource, namespace: token.namespace, name: token.name) }
            return page(rest.filter { selection.matches($0.projection, $0.key) }, token.revision, limit, selection)
        }
        let wanted = try revision(query)
        if let wanted, query["resourceVersionMatch"] == "Exact" {
            let items = try await items(resource, namespace, at: wanted)
            return page(items.filter { selection.matches($0.projection, $0.key) }, wanted, limit, selection)
        }
        if let wanted, wanted > store.head { throw Storage.tooLarge(wanted, store.head) }
        let (items, revision) = store.list(resource, namespace: namespace)
        let matching = selection.isEverything ? items : items.filter { selection.matches($0.projection, $0.key) }
        return page(matching, revision, limit, selection)
    }

    /// The state at `revision`; from memory when nothing has changed since.
    private func items(_ resource: GroupResource, _ namespace: String?, at revision: Revision) async throws(Status)
        -> [Stored]
    {
        if store.lastChange(of: resource).map({ $0 <= revision }) ?? false, revision <= store.head {
            return store.list(resource, namespace: namespace).items
        }
        return try await store.list(resource, namespace: namespace, at: revision)
    }

    private func revision(_ query: Query) throws(Status) -> Revision? {
        guard let text = query["resourceVersion"], !text.isEmpty, text != "0" else {
            if let match = query["resourceVersionMatch"], !match.isEmpty, query["resourceVersion"]?.isEmpty ?? true,
                query["sendInitialEvents"] == nil
            {
                throw Status(
                    .badRequest, "resourceVersionMatch \(match) is forbidden unless resourceVersion is provided")
            }
            return nil
        }
        guard let revision = Revision(text) else {
            throw Status(
                .badRequest,
                "Invalid value: \"\(text)\": resourceVersion must be a number that a list or an object showed")
        }
        return revision
    }

    static func tooLarge(_ wanted: Revision, _ head: Revision) -> Status {
        var status = Status(.timeout, "Too large resource version: \(wanted), current: \(head)")
        status.causes = [
            Status.Cause(reason: "ResourceVersionTooLarge", message: "Too large resource version", field: "")
        ]
        status.retryAfterSeconds = 1
        return status
    }

    private func page(_ items: [Stored], _ revision: Revision, _ limit: Int, _ selection: Selection) -> Listing {
        guard limit > 0, items.count > limit, let last = items.prefix(limit).last else {
            return Listing(items: items, revision: revision)
        }
        let token = ContinueToken(revision: revision, namespace: last.key.namespace, name: last.key.name)
        return Listing(
            items: Array(items.prefix(limit)), revision: revision, next: token.text,
            remaining: selection.isEverything ? items.count - limit : nil)
    }
}

/// Where the next page of a list begins. Opaque to clients.
struct ContinueToken: Equatable {
    let revision: Revision
    let namespace: String
    let name: String

    init(revision: Revision, namespace: String, name: String) {
        self.revision = revision
        self.namespace = namespace
        self.name = name
    }

    init?(_ text: String) {
        guard let bytes = Base64.decodeURL(text), let json = try? JSON(parsing: bytes),
            let revision = json["rv"].int, let namespace = json["ns"].string, let name = json["name"].string
        else { return nil }
        self.init(revision: Revision(Int64(revision)), namespace: namespace, name: name)
    }

    var text: String {
        let json: JSON = ["v": "koto/v1", "rv": .int(revision.number), "ns": .string(namespace), "name": .string(name)]
        return Base64.encodeURL(json.encoded)
    }
}
