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
        let isTable = key.form == .table
        let answer = try await call(
            "GET", key.resource.type.path(namespace: key.namespace), query: query,
            accept: isTable ? Client.tableAccept : "application/json")
        let metadata = answer["metadata"]
        return ClusterSource.Page(
            items: Rows.items(answer, key), columns: Rows.columns(answer),
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

/// Reads the answers of lists and watches, with or without Table.
enum Rows {
    static func columns(_ answer: JSON) -> [TableColumn] {
        answer["columnDefinitions"].items.map {
            TableColumn(
                name: $0["name"].string ?? "", type: $0["type"].string ?? "string", priority: $0["priority"].int ?? 0)
        }
    }

    /// The items of a List or of a Table, whichever the server sent.
    static func items(_ answer: JSON, _ key: FeedKey) -> [Item] {
        if answer["kind"].string == "Table" {
            return answer["rows"].items.map { row in
                Item(metadata: ObjectMeta(row.at("object", "metadata")), .cells(row["cells"].items.map(cell)))
            }
        }
        return answer["items"].items.map { Item.project($0, key.resource.type, isWhole: key.form == .whole) }
    }

    static func event(_ line: [UInt8], _ key: FeedKey) -> ClusterSource.WatchEvent? {
        guard let json = try? JSON(parsing: line) else {
            return line.allSatisfy { $0 == 0x20 || $0 == 0x0D }
                ? nil : .failed(Status(.internalError, "the server sent a watch event that is not JSON"))
        }
        let object = json["object"]
        let revision = object.at("metadata", "resourceVersion").string ?? ""
        switch json["type"].string {
        case "BOOKMARK": return .bookmark(revision: revision)
        case "ERROR": return .failed(Status(object) ?? Status(.internalError, "the watch failed"))
        case let type:
            let found =
                object["kind"].string == "Table"
                ? items(object, key) : [Item.project(object, key.resource.type, isWhole: key.form == .whole)]
            guard let item = found.first else { return .bookmark(revision: revision) }
            let change: FeedNews.Change = type == "DELETED" ? .removed(item.key) : .put(item)
            return .change(change, revision: item.revision)
        }
    }

    private static func cell(_ json: JSON) -> String {
        switch json {
        case .string(let text): text
        case .null: ""
        default: json.text
        }
    }
}

/// Cuts a stream of bytes into lines; a line that grows past its bound is given out in pieces.
struct LineSplitter {
    private var rest: [UInt8] = []
    private let lineBytesMax: Int
    init(lineBytesMax: Int) { self.lineBytesMax = lineBytesMax }

    mutating func split(_ bytes: [UInt8]) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var start = bytes.startIndex
        while let end = bytes[start...].firstIndex(of: 0x0A) {
            lines.append(rest + bytes[start..<end])
            rest.removeAll()
            start = end + 1
        }
        rest += bytes[start...]
        if rest.count > lineBytesMax {
            lines.append(rest)
            rest.removeAll()
        }
        return lines.filter { !$0.isEmpty }
    }

    /// What stands after the last line break, at the end of the stream.
    mutating func flush() -> [UInt8]? {
        defer { rest.removeAll() }
        return rest.isEmpty ? nil : rest
    }
}
