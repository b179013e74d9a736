import Shared

/// Passes requests for a running pod on to the agent of its node: logs, exec, attach, port-forward.
///
/// The path on the agent is the kubelet's: `/containerLogs/NS/POD/CONTAINER`, `/exec/…`, `/attach/…`, `/portForward/NS/POD`.
/// What switches protocols is carried through unchanged in both directions.
struct NodeProxy: Sendable {
    let storage: Storage
    /// A transport to the agent at an address, with the master's client certificate.
    let dial: @Sendable (_ address: String) throws -> any Transport

    /// - Parameter subresource: `log`, `exec`, `attach` or `portforward`.
    func serve(_ call: Call, pod stored: Stored, subresource: String) async throws(Status) -> HTTPServerReply {
        let pod = Pod(try stored.json())
        let (target, node) = try target(pod, subresource, call.query)
        var request = HTTPRequest(call.request.method, target, body: call.request.body)
        for field in call.request.headers.fields where Self.carried.contains(field.name.lowercased()) {
            request.headers.add(field.name, field.value)
        }
        do {
            let transport = try dial(node)
            if request.headers["Upgrade"] != nil { return try await upgrade(request, transport) }
            let answer = try await transport.stream(request)
            var headers: HTTPHeaders = ["Content-Type": answer.headers["Content-Type"] ?? "text/plain"]
            headers["Cache-Control"] = "no-cache, private"
            return .stream(status: answer.status, headers: headers) { writer in
                defer { answer.body.close() }
                while let piece = try await answer.body.next() { try await writer.write(piece) }
            }
        } catch let status as Status {
            throw status
        } catch {
            throw Status(
                .internalError,
                "the agent of node \"\(pod.spec.nodeName)\" at \(node) can not be reached: \(error); see whether the node is Ready"
            )
        }
    }

    private static let carried: Set<String> = [
        "upgrade", "connection", "sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol",
        "x-stream-protocol-version", "content-type", "accept",
    ]

    private func upgrade(_ request: HTTPRequest, _ transport: any Transport) async throws -> HTTPServerReply {
        let (response, channel) = try await transport.upgrade(request)
        guard let channel else {
            return .whole(status: response.status, headers: response.headers, pieces: [response.body])
        }
        var headers = HTTPHeaders()
        for field in response.headers.fields where Self.returned.contains(field.name.lowercased()) {
            headers.add(field.name, field.value)
        }
        return .upgrade(headers: headers) { client in await NodeProxy.join(client, channel) }
    }

    private static let returned: Set<String> = [
        "upgrade", "connection", "sec-websocket-accept", "sec-websocket-protocol", "x-stream-protocol-version",
    ]

    /// Carries bytes both ways until one side ends.
    private static func join(_ left: any ByteChannel, _ right: any ByteChannel) async {
        await withTaskGroup(of: Void.self) { group in
            for (from, to) in [(left, right), (right, left)] {
                group.addTask {
                    while let bytes = try? await from.read(most: 65_536), (try? await to.write(bytes)) != nil {}
                }
            }
            await group.next()
            left.close()
            right.close()
        }
    }

    /// The path on the agent, and the address of the node.
    private func target(_ pod: Pod, _ subresource: String, _ query: Query) throws(Status) -> (
        target: String, node: String
    ) {
        guard !pod.spec.nodeName.isEmpty else {
            throw Status(.badRequest, "pod \(pod.name) does not have a host assigned")
        }
        let key = ObjectKey(Node.type.resource, name: pod.spec.nodeName)
        guard let stored = storage.store.get(key) else { throw Status.notFound(Node.type.resource, pod.spec.nodeName) }
        let node = Node(try stored.json())
        let address = node.address("InternalIP")
        let port = node.json.at("status", "daemonEndpoints", "kubeletEndpoint", "Port").int ?? 10_250
        let place = "\(URLText.encode(pod.namespace))/\(URLText.encode(pod.name))"
        var rest = Query()
        for item in query.items where item.name != "container" { rest.add(item.name, item.value) }
        let suffix = rest.isEmpty ? "" : "?\(rest.text)"
        if subresource == "portforward" { return ("/portForward/\(place)\(suffix)", "\(address):\(port)") }
        let container = try container(pod, query["container"] ?? "")
        let verb = subresource == "log" ? "containerLogs" : subresource
        return ("/\(verb)/\(place)/\(URLText.encode(container))\(suffix)", "\(address):\(port)")
    }

    /// The container that is meant; a pod of several needs the name, as in Kubernetes.
    private func container(_ pod: Pod, _ name: String) throws(Status) -> String {
        let mains = pod.spec.containers.map(\.name)
        let inits = pod.spec.initContainers.map(\.name)
        if name.isEmpty {
            if let marked = pod.metadata.annotations["kubectl.kubernetes.io/default-container"], mains.contains(marked)
            {
                return marked
            }
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
