import Shared
import Synchronization

extension ClusterSource {
    /// The source of a real cluster.
    init(_ client: Client, name: String, server: String) {
        self.name = name
        self.server = server
        discover = { try await client.discover() }
        version = {
            let version = try await client.call("GET", "/version")
            return version["gitVersion"].string ?? ""
        }
        list = { try await client.page($0, token: $1) }
        watch = { try await client.watch($0, from: $1) }
        logs = { key in
            let path = Pod.type.path(namespace: key.namespace, name: URLText.encode(key.pod), subresource: "log")
            var query: Query = ["container": key.container, "timestamps": "true"]
            query.add(key.isPrevious ? "previous" : "follow", "true")
            if let since = key.since { query.add("sinceTime", since) } else { query.add("tailLines", String(key.tail)) }
            let stream = try await client.transport.stream(client.request("GET", path, query: query, accept: "*/*"))
            guard stream.status == 200 else { throw try await Client.refusal(stream) }
            return stream.body
        }
        call = { call in
            var query = Query()
            for item in call.query {
                let parts = item.split(separator: "=", maxSplits: 1).map(String.init)
                query.add(parts[0], parts.count > 1 ? parts[1] : "")
            }
            return try await client.call(
                call.method, call.path, query: query, body: call.body, contentType: call.contentType)
        }
    }
}

extension Client {
    /// Every resource with its preferred version, out of classic discovery, which all servers speak.
    fileprivate func discover() async throws -> [Resource] {
        var found = try await resources(of: "", "v1", at: "/api/v1")
        let groups = try await call("GET", "/apis")
        for group in groups["groups"].items.prefix(500) {
            guard let name = group["name"].string, let version = group.at("preferredVersion", "version").string else {
                continue
            }
            // A group whose server is away must not hide the others.
            let listed = (try? await resources(of: name, version, at: "/apis/\(name)/\(version)")) ?? []
            found += listed
        }
        return found
    }

    private func resources(of group: String, _ version: String, at path: String) async throws -> [Resource] {
        try await call("GET", path)["resources"].items.compactMap { entry in
            guard let plural = entry["name"].string, !plural.contains("/"), let kind = entry["kind"].string else {
                return nil
            }
            let type = KindType(
                group: group, version: version, kind: kind, plural: plural,
                isNamespaced: entry["namespaced"].bool ?? false)
            return Resource(
                type, singular: entry["singularName"].string ?? "",
                shortNames: entry["shortNames"].items.compactMap(\.string),
                verbs: Set(entry["verbs"].items.compactMap(\.string)))
        }
    }

    private static let tableAccept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"

    private func query(_ key: FeedKey) -> Query {
        var query = Query()
        if !key.labels.isEmpty { query.add("labelSelector", key.labels) }
        if !key.fields.isEmpty { query.add("fieldSelector", key.fields) }
        return query
    }

    fileprivate func page(_ key: FeedKey, token: String?) async throws -> ClusterSource.Page {
        var query = query(key)
        query.add("limit", String(Limits.pageItems))
        if let token { query.add("continue", token) }
        let request = request(
            "GET", key.resource.type.path(namespace: key.namespace), query: query,
            accept: key.form == .table ? Client.tableAccept : "application/json")
        let response = try await transport.send(request)
        let body = response.body
        guard response.status == 200 else { throw Client.refusal(response.status, try? JSON(parsing: body), body) }
        // The next page is on its way while the items of this one are read.
        guard let metadata = try? JSON(member: "metadata", parsing: body), !metadata.isNull else {
            throw Status(.internalError, "the server answered a list of \(key.resource.plural) with something else")
        }
        return ClusterSource.Page(
            read: {
                let answer = try JSON(parsing: body)
                return (Rows.items(answer, key), Rows.columns(answer))
            },
            revision: metadata["resourceVersion"].string ?? "",
            next: metadata["continue"].string.flatMap { $0.isEmpty ? nil : $0 },
            remaining: metadata["remainingItemCount"].int)
    }

    fileprivate func watch(_ key: FeedKey, from revision: String) async throws -> ClusterSource.Watch {
        var query = query(key)
        query.add("watch", "true")
        query.add("allowWatchBookmarks", "true")
        query.add("resourceVersion", revision)
        let request = request(
            "GET", key.resource.type.path(namespace: key.namespace), query: query,
            accept: key.form == .table ? Client.tableAccept : "application/json")
        let stream = try await transport.stream(request)
        guard stream.status == 200 else { throw try await Client.refusal(stream) }
        let lines = Mutex(LineSplitter(lineBytesMax: Limits.objectBytesMax * 2))
        return ClusterSource.Watch(
            next: {
                while let bytes = try await stream.body.next() {
                    let events = lines.withLock { $0.split(bytes) }.compactMap { Rows.event($0, key) }
                    if !events.isEmpty { return events }
                }
                return nil
            },
            close: { stream.body.close() })
    }

    /// Reads a refused stream's body, which is short, and makes the error of it.
    fileprivate static func refusal(_ stream: HTTPStream) async throws -> Status {
        var body: [UInt8] = []
        while body.count < 65_536, let piece = try await stream.body.next() { body += piece }
        stream.body.close()
        return refusal(stream.status, try? JSON(parsing: body), body)
    }
}
