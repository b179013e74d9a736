/// Typed calls to a Kubernetes API. A value: copy it freely.
///
/// Every call throws the server's `Status` when the answer is not 2xx, and the transport's error when there was none.
package struct Client: Sendable {
    package let transport: any Transport
    /// Sent as `User-Agent`; its first word names the field manager.
    package let agent: String

    package init(_ transport: any Transport, agent: String) {
        self.transport = transport
        self.agent = agent
    }

    package enum PatchFormat: String, Sendable {
        case json = "application/json-patch+json"
        case merge = "application/merge-patch+json"
        case strategic = "application/strategic-merge-patch+json"
        case apply = "application/apply-patch+yaml"
    }

    package enum Propagation: String, Sendable {
        case background = "Background"
        case foreground = "Foreground"
        case orphan = "Orphan"
    }

    /// A page of a collection; `next` is the token of the following page.
    package struct Page<K: Kind>: Sendable {
        package let items: [K]
        package let revision: Revision
        package let next: String?
    }

    package func get<K: Kind>(_ kind: K.Type, namespace: String = "", name: String) async throws -> K {
        K(try await call("GET", K.type.path(namespace: namespace, name: name)))
    }

    /// The whole collection, read in one page.
    package func list<K: Kind>(
        _ kind: K.Type, namespace: String = "", labels: LabelSelector = .everything, fields: FieldSelector = .everything
    ) async throws -> Page<K> {
        var query = Query()
        if !labels.isEmpty { query.add("labelSelector", labels.description) }
        if !fields.isEmpty { query.add("fieldSelector", fields.description) }
        return Page(try await call("GET", K.type.path(namespace: namespace), query: query))
    }

    package func create<K: Kind>(_ object: K) async throws -> K {
        K(try await call("POST", K.type.path(namespace: object.namespace), body: object.json))
    }

    /// Replaces the object; refused with 409 when its `resourceVersion` is not the latest.
    package func update<K: Kind>(_ object: K, subresource: String? = nil) async throws -> K {
        K(
            try await call(
                "PUT", K.type.path(namespace: object.namespace, name: object.name, subresource: subresource),
                body: object.json))
    }
    package func updateStatus<K: Kind>(_ object: K) async throws -> K {
        try await update(object, subresource: "status")
    }

    package func patch<K: Kind>(
        _ kind: K.Type, namespace: String = "", name: String, subresource: String? = nil, _ format: PatchFormat,
        _ patch: JSON,
        query: Query = [:]
    ) async throws -> K {
        let path = K.type.path(namespace: namespace, name: name, subresource: subresource)
        return K(try await call("PATCH", path, query: query, body: patch, contentType: format.rawValue))
    }

    /// Asks for deletion. Whether it is done at once depends on grace and finalizers.
    /// - Parameters:
    ///   - uid: refuses with 409 when the object is another one of that name.
    ///   - revision: refuses with 409 when the object has changed since.
    @discardableResult
    package func delete<K: Kind>(
        _ kind: K.Type, namespace: String = "", name: String, graceSeconds: Int? = nil, propagation: Propagation? = nil,
        uid: String? = nil, revision: Revision? = nil
    ) async throws -> JSON {
        var options: JSON = ["kind": "DeleteOptions", "apiVersion": "v1"]
        options.set("gracePeriodSeconds", graceSeconds.map { JSON($0) })
        options.set("propagationPolicy", propagation.map { .string($0.rawValue) })
        var preconditions: JSON = [:]
        preconditions.set("uid", uid.map(JSON.string))
        preconditions.set("resourceVersion", revision.map { .string($0.description) })
        if !preconditions.members.isEmpty { options["preconditions"] = preconditions }
        return try await call("DELETE", K.type.path(namespace: namespace, name: name), body: options)
    }

    /// Any exchange with a JSON answer.
    package func call(
        _ method: String, _ path: String, query: Query = [:], body: JSON? = nil,
        contentType: String = "application/json",
        accept: String = "application/json"
    ) async throws -> JSON {
        let request = request(method, path, query: query, body: body?.encoded, contentType: contentType, accept: accept)
        let response = try await transport.send(request)
        let answer = try? JSON(parsing: response.body)
        guard (200..<300).contains(response.status) else {
            throw Client.refusal(response.status, answer, response.body)
        }
        guard let answer else {
            throw Status(.internalError, "the server answered \(method) \(path) with something that is not JSON")
        }
        return answer
    }

    /// The request of one call, with this client's headers.
    package func request(
        _ method: String, _ path: String, query: Query = [:], body: [UInt8]? = nil,
        contentType: String = "application/json",
        accept: String = "application/json"
    ) -> HTTPRequest {
        var headers: HTTPHeaders = ["User-Agent": agent, "Accept": accept]
        if body != nil { headers["Content-Type"] = contentType }
        return HTTPRequest(method, query.isEmpty ? path : "\(path)?\(query.text)", headers: headers, body: body ?? [])
    }

    /// The error that an answer outside 2xx stands for.
    package static func refusal(_ status: Int, _ answer: JSON?, _ body: [UInt8]) -> Status {
        if let answer, let refusal = Status(answer) { return refusal }
        return Status(.unknown, String(decoding: body.prefix(1000), as: UTF8.self).trimmingSpaces, code: status)
    }
}

extension Client.Page {
    init(_ list: JSON) {
        let metadata = list["metadata"]
        revision = metadata["resourceVersion"].string.flatMap { Revision($0) } ?? .zero
        next = metadata["continue"].string.flatMap { $0.isEmpty ? nil : $0 }
        items = list["items"].items.map { item in
            var item = item
            if item["kind"].isNull {
                item["apiVersion"] = .string(K.type.apiVersion)
                item["kind"] = .string(K.type.kind)
            }
            return K(item)
        }
    }
}
