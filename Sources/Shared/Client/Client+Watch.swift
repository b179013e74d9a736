extension Client {
    /// A collection that changes: where it is, and which of its objects count.
    package struct Scope: Hashable, Sendable {
        package let path: String
        package var labels = LabelSelector.everything
        package var fields = FieldSelector.everything

        package init<K: Kind>(_ kind: K.Type, namespace: String = "") { path = K.type.path(namespace: namespace) }
        package init(path: String) { self.path = path }

        var query: Query {
            var query = Query()
            if !labels.isEmpty { query.add("labelSelector", labels.description) }
            if !fields.isEmpty { query.add("fieldSelector", fields.description) }
            return query
        }
    }

    /// All objects of the collection, page by page.
    /// - Returns: the objects and the revision that a watch continues from.
    package func listPages(_ scope: Scope) async throws -> (items: [JSON], revision: Revision) {
        var items: [JSON] = []
        var token: String?
        while true {
            var query = scope.query
            query.add("limit", String(Limits.listPageObjects))
            if let token { query.add("continue", token) }
            let page = try await call("GET", scope.path, query: query)
            // Items of a typed list carry no type of their own.
            let kind = page["kind"].string.map { $0.hasSuffix("List") ? String($0.dropLast(4)) : $0 }
            for var item in page["items"].items {
                if item["kind"].isNull, let kind { item["kind"] = .string(kind) }
                if item["apiVersion"].isNull { item["apiVersion"] = page["apiVersion"] }
                items.append(item)
            }
            let metadata = page["metadata"]
            token = metadata["continue"].string.flatMap { $0.isEmpty ? nil : $0 }
            if token == nil { return (items, metadata["resourceVersion"].string.flatMap { Revision($0) } ?? .zero) }
        }
    }

    /// Calls `receive` for every event after `revision`, in order, until the server ends the watch.
    package func watch(
        _ scope: Scope, after revision: Revision, timeoutSeconds: Int? = nil, receive: (WatchEvent) throws -> Void
    ) async throws {
        var query = scope.query
        query.add("watch", "true")
        query.add("allowWatchBookmarks", "true")
        query.add("resourceVersion", revision.description)
        if let timeoutSeconds { query.add("timeoutSeconds", String(timeoutSeconds)) }
        let answer = try await transport.stream(request("GET", scope.path, query: query))
        defer { answer.body.close() }
        guard answer.status == 200 else {
            var body: [UInt8] = []
            while let piece = try await answer.body.next(), body.count < Limits.bodyBytesMax { body += piece }
            throw Client.refusal(answer.status, try? JSON(parsing: body), body)
        }
        var cutter = LineCutter()
        while let piece = try await answer.body.next() {
            for line in try cutter.lines(adding: piece) { try receive(try WatchEvent(line: line)) }
        }
    }
}
