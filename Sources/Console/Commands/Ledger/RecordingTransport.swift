import Shared

/// Notes every change of an object in the ledger on its way to the server: reads the object before, and takes what the
/// server answers. Reads, dry runs and what is no object of the user pass as they are.
struct RecordingTransport: Transport {
    let inner: any Transport
    let ledger: Ledger
    let server: String
    let clock: any WallClock

    func stream(_ request: HTTPRequest) async throws -> HTTPStream { try await inner.stream(request) }
    func upgrade(_ request: HTTPRequest) async throws -> (HTTPResponse, (any ByteChannel)?) {
        try await inner.upgrade(request)
    }

    func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        guard ["POST", "PUT", "PATCH", "DELETE"].contains(request.method),
            let place = ObjectPath(target: request.target),
            place.isKept
        else { return try await inner.send(request) }
        let before = place.name == nil ? nil : try await read(place.path, like: request)
        let response = try await inner.send(request)
        guard (200..<300).contains(response.status) else { return response }
        let answer = try? JSON(parsing: response.body)
        var path = place.path
        var after: JSON?
        if request.method != "DELETE" {
            after = place.subresource == nil ? answer : try await read(place.path, like: request)
            if place.name == nil, let name = answer?.at("metadata", "name").string {
                path += "/\(URLText.encode(name))"
            }
        } else if place.name == nil {
            return response
        }
        ledger.add(
            Ledger.Entry(
                group: Ledger.currentGroup, time: clock.now(), server: server, path: path,
                before: before.map { RecordingTransport.kept($0, place) },
                after: after.map { RecordingTransport.kept($0, place) }))
        return response
    }

    private func read(_ path: String, like request: HTTPRequest) async throws -> JSON? {
        var headers = request.headers
        headers["Content-Type"] = nil
        headers["Accept"] = "application/json"
        let response = try await inner.send(HTTPRequest("GET", path, headers: headers, body: []))
        return response.status == 200 ? try? JSON(parsing: response.body) : nil
    }

    /// Without bookkeeping; of a Secret only that it was there.
    private static func kept(_ json: JSON, _ place: ObjectPath) -> JSON {
        if place.plural == "secrets" {
            let known: JSON = ["kind": "Secret", "metadata": json["metadata"]]
            return known.withoutManagedFields
        }
        return json.withoutManagedFields
    }
}

/// What a path of the API names. Pure.
struct ObjectPath: Equatable, Sendable {
    var group = ""
    var namespace = ""
    let plural: String
    var name: String?
    var subresource: String?
    var isDryRun = false
    /// Of the object, or of the collection when it has no name.
    let path: String

    init?(target: String) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        isDryRun = parts.count > 1 && parts[1].contains("dryRun=")
        var words = (parts.first ?? "").split(separator: "/").map(String.init)
        guard let root = words.first, root == "api" || root == "apis" else { return nil }
        let lead = root == "api" ? 2 : 3
        guard words.count > lead else { return nil }
        if root == "apis" { group = words[1] }
        let head = Array(words[..<lead])
        words.removeFirst(lead)
        var kept = head
        if words.count > 2, words[0] == "namespaces", words[2] != "status", words[2] != "finalize" {
            namespace = URLText.decode(words[1]) ?? words[1]
            kept += words[..<2]
            words.removeFirst(2)
        }
        plural = words[0]
        kept.append(words[0])
        if words.count > 1 {
            name = URLText.decode(words[1]) ?? words[1]
            kept.append(words[1])
        }
        if words.count > 2 { subresource = words[2] }
        path = "/" + kept.joined(separator: "/")
    }

    /// Whether a change of it is one that a user may want back.
    var isKept: Bool {
        guard !isDryRun, subresource == nil || subresource == "scale" else { return false }
        return !["authorization.k8s.io", "authentication.k8s.io", "coordination.k8s.io", "events.k8s.io"].contains(
            group)
            && plural != "events" && plural != "bindings"
    }

    /// Where new objects of its kind are made.
    var collection: String { name == nil ? path : String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]) }
}
