import Shared

/// Passes requests for a running pod, a node or a service on to an agent: logs, exec, attach, port-forward, and the
/// `proxy` subresources.
///
/// The path on the agent is the kubelet's: `/containerLogs/NS/POD/CONTAINER`, `/exec/…`, `/attach/…`, `/portForward/NS/POD`.
/// What switches protocols is carried through unchanged in both directions.
struct NodeProxy: Sendable {
    let storage: Storage
    /// A transport to the agent at an address, with the master's client certificate.
    let dial: @Sendable (_ address: String) throws -> any Transport
    /// The same to an agent whose certificate is not looked at, for `insecureSkipTLSVerifyBackend`.
    var dialUnverified: (@Sendable (_ address: String) throws -> any Transport)?

    /// - Parameter subresource: `log`, `exec`, `attach` or `portforward`.
    func serve(_ call: Call, pod stored: Stored, subresource: String) async throws(Status) -> HTTPServerReply {
        let pod = Pod(try stored.json())
        var target = "/portForward/\(Self.place(pod))"
        var query = Query()
        for item in call.query.items where item.name != "container" { query.add(item.name, item.value) }
        switch subresource {
        case "portforward": break
        case "log":
            try LogQuery.check(call.query, pod: pod.name)
            target = "/containerLogs/\(Self.place(pod))/\(URLText.encode(try container(pod, call.query)))"
            // Nothing has run yet, so there is nothing to read.
            if pod.spec.nodeName.isEmpty { return Answer.bytes(200, [], type: "text/plain") }
        default: target = "/\(subresource)/\(Self.place(pod))/\(URLText.encode(try container(pod, call.query)))"
        }
        guard !pod.spec.nodeName.isEmpty else {
            throw Status(.badRequest, "pod \(pod.name) does not have a host assigned")
        }
        let node = try address(ofNode: pod.spec.nodeName)
        var request = HTTPRequest(
            call.request.method, query.isEmpty ? target : "\(target)?\(query.text)", body: call.request.body)
        for field in call.request.headers.fields where Self.carried.contains(field.name.lowercased()) {
            request.headers.add(field.name, field.value)
        }
        let isUnverified = subresource == "log" && call.query.bool("insecureSkipTLSVerifyBackend")
        return try await forward(
            request, to: "\(pod.spec.nodeName)\" at \(node)", by: isUnverified ? dialUnverified ?? dial : dial, node
        ) { answer in
            var headers: HTTPHeaders = ["Content-Type": answer.headers["Content-Type"] ?? "text/plain"]
            headers["Cache-Control"] = "no-cache, private"
            return headers
        }
    }

    private static func place(_ pod: Pod) -> String { "\(URLText.encode(pod.namespace))/\(URLText.encode(pod.name))" }

    private static let carried: Set<String> = [
        "upgrade", "connection", "sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol",
        "x-stream-protocol-version", "content-type", "accept",
    ]

    /// Sends the request on and hands the answer back as it comes.
    /// - Parameters:
    ///   - name: of the agent, for the failure's sentence.
    ///   - shape: the headers for the client.
    func forward(
        _ request: HTTPRequest, to name: String, by dial: @Sendable (String) throws -> any Transport,
        _ address: String, _ shape: (HTTPStream) -> HTTPHeaders
    ) async throws(Status) -> HTTPServerReply {
        do {
            let transport = try dial(address)
            if request.headers["Upgrade"] != nil { return try await upgrade(request, transport) }
            let answer = try await transport.stream(request)
            return .stream(status: answer.status, headers: shape(answer)) { writer in
                defer { answer.body.close() }
                while let piece = try await answer.body.next() { try await writer.write(piece) }
            }
        } catch let status as Status {
            throw status
        } catch {
            throw Status(
                .internalError,
                "the agent of node \"\(name) can not be reached: \(error); see whether the node is Ready")
        }
    }

    private func upgrade(_ request: HTTPRequest, _ transport: any Transport) async throws -> HTTPServerReply {
        let (response, channel) = try await transport.upgrade(request)
        guard let channel else {
            var headers = HTTPHeaders()
            for field in response.headers.fields where !Self.hops.contains(field.name.lowercased()) {
                headers.add(field.name, field.value)
            }
            return .whole(status: response.status, headers: headers, pieces: [response.body])
        }
        var headers = HTTPHeaders()
        for field in response.headers.fields where field.name.lowercased() != "connection" {
            headers.add(field.name, field.value)
        }
        return .upgrade(headers: headers) { client in await NodeProxy.join(client, channel) }
    }

    /// Headers that mean one connection, not the exchange. Source: RFC 9110 section 7.6.1.
    static let hops: Set<String> = [
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
        "content-length",
    ]

    /// Carries bytes both ways. When the agent ends, the client gets what is left and a moment to close by itself; when
    /// the client ends, the agent is told at once.
    private static func join(_ client: any ByteChannel, _ agent: any ByteChannel) async {
        enum Side: Sendable { case client, agent, timer }
        await withTaskGroup(of: Side.self) { group in
            group.addTask {
                while let bytes = try? await client.read(most: 65_536), (try? await agent.write(bytes)) != nil {}
                return .client
            }
            group.addTask {
                while let bytes = try? await agent.read(most: 65_536), (try? await client.write(bytes)) != nil {}
                return .agent
            }
            if await group.next() == .agent {
                // A connection that is closed with unread bytes is reset, and the reset could overtake the last words.
                client.closeWriting()
                group.addTask {
                    try? await SystemClock().sleep(for: .seconds(Limits.proxyLingerSeconds))
                    return .timer
                }
                _ = await group.next()
            }
            client.close()
            agent.close()
            group.cancelAll()
        }
    }

    // MARK: Whom to ask

    /// The figures of a node, from its agent.
    func summary(ofNode name: String) async throws -> JSON {
        let transport = try dial(try address(ofNode: name))
        return try await withThrowingTaskGroup(of: JSON.self) { group in
            group.addTask {
                let answer = try await transport.send(HTTPRequest("GET", "/stats/summary"))
                guard answer.status == 200 else { throw Status(.serviceUnavailable, "status \(answer.status)") }
                return try JSON(parsing: answer.body)
            }
            group.addTask {
                try await SystemClock().sleep(for: .seconds(Limits.metricsSeconds))
                throw Status(.timeout, "node \"\(name)\" gives no figures")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? .null
        }
    }

    /// `host:port` of a node's agent.
    /// - Parameter port: nil takes the one that the node names.
    func address(ofNode name: String, port: Int? = nil) throws(Status) -> String {
        let key = ObjectKey(Node.type.resource, name: name)
        guard let stored = storage.store.get(key) else { throw Status.notFound(Node.type.resource, name) }
        let node = Node(try stored.json())
        let own = node.json.at("status", "daemonEndpoints", "kubeletEndpoint", "Port").int ?? 10_250
        let host = node.address("InternalIP")
        guard !host.isEmpty else {
            throw Status(.serviceUnavailable, "node \"\(name)\" has no InternalIP yet; wait until it is Ready")
        }
        return "\(host):\(port ?? own)"
    }

    /// The container that is meant; a pod of several needs the name.
    /// Source: `registry/core/pod/strategy.go`, `validateContainer`.
    private func container(_ pod: Pod, _ query: Query) throws(Status) -> String {
        let mains = pod.spec.containers.map(\.name)
        let inits = pod.spec.initContainers.map(\.name)
        guard let name = query["container"], !name.isEmpty else {
            if mains.count == 1, let only = mains.first { return only }
            throw Status(
                .badRequest,
                "a container name must be specified for pod \(pod.name), choose one of: [\(mains.joined(separator: " "))]"
                    + (inits.isEmpty ? "" : " or one of the init containers: [\(inits.joined(separator: " "))]"))
        }
        let others = pod.spec.json["ephemeralContainers"].items.compactMap { $0["name"].string }
        guard (mains + inits + others).contains(name) else {
            throw Status(.badRequest, "container \(name) is not valid for pod \(pod.name)")
        }
        return name
    }
}

/// The parameters of a log request. Pure. Source: `ValidatePodLogOptions`, apimachinery `url.Values` conversion.
enum LogQuery {
    static func check(_ query: Query, pod: String) throws(Status) {
        var causes: [Status.Cause] = []
        func invalid(_ field: String, _ value: String, _ why: String) {
            causes.append(
                Status.Cause(reason: "FieldValueInvalid", message: "Invalid value: \(value): \(why)", field: field))
        }
        for (name, least) in [("tailLines", 0), ("limitBytes", 1), ("sinceSeconds", 1)] {
            guard let text = query[name], !text.isEmpty else { continue }
            guard let number = Int64(text) else {
                throw Status(.badRequest, "strconv.ParseInt: parsing \"\(text)\": invalid syntax")
            }
            if number < least {
                invalid(
                    name, text, least == 0 ? "must be greater than or equal to 0" : "must be greater than 0")
            }
        }
        if let text = query["sinceTime"], !text.isEmpty {
            guard Timestamp(rfc3339: text) != nil else {
                throw Status(
                    .badRequest,
                    "parsing time \"\(text)\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"\(text)\" as \"2006\"")
            }
            if !(query["sinceSeconds"] ?? "").isEmpty {
                causes.append(
                    Status.Cause(
                        reason: "FieldValueForbidden",
                        message: "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified", field: "[]"
                    ))
            }
        }
        guard !causes.isEmpty else { return }
        let sentences = causes.map { $0.field.isEmpty ? $0.message : "\($0.field): \($0.message)" }
        let list = sentences.count == 1 ? sentences[0] : "[\(sentences.joined(separator: ", "))]"
        var status = Status(.invalid, "PodLogOptions \"\(pod)\" is invalid: \(list)")
        status.name = pod
        status.kind = "PodLogOptions"
        status.causes = causes
        throw status
    }
}
