import Shared

/// The `proxy` subresources of nodes, pods and services.
///
/// Pods are reached through the agents of their nodes, so the master needs no route to the pod network.
/// Source: `registry/core/{node,pod,service}` `ResourceLocation`, apimachinery `proxy.UpgradeAwareHandler`.
extension NodeProxy {
    func proxy(_ call: Call, _ access: Storage.Access) async throws(Status) -> HTTPServerReply {
        let path = ProxyPath(target: call.request.target, isNamespaced: access.resource.isNamespaced)
        if path.rest.isEmpty, ["GET", "HEAD"].contains(call.request.method), call.request.headers["Upgrade"] == nil {
            return .whole(
                status: 301, headers: ["Location": path.prefix + "/" + path.query], pieces: [])
        }
        guard let place = ProxyPlace(access.name) else {
            throw Status(.badRequest, "invalid \(access.resource.singular) request \"\(access.name)\"")
        }
        switch access.resource.plural {
        case "nodes": return try await node(call, place, path)
        case "pods": return try await pod(call, place, namespace: access.namespace, path)
        default: return try await service(call, place, namespace: access.namespace, path)
        }
    }

    private func node(_ call: Call, _ place: ProxyPlace, _ path: ProxyPath) async throws(Status) -> HTTPServerReply {
        var port: Int?
        if !place.port.isEmpty {
            guard let number = Int(place.port), (1...65_535).contains(number) else {
                throw Status(.badRequest, "invalid node request \"\(place.text)\"")
            }
            port = number
        }
        let address = try address(ofNode: place.name, port: port)
        return try await pass(call, path, target: path.rest + path.query, node: place.name, address)
    }

    private func pod(
        _ call: Call, _ place: ProxyPlace, namespace: String, _ path: ProxyPath
    ) async throws(Status) -> HTTPServerReply {
        let key = ObjectKey(Pod.type.resource, namespace: namespace, name: place.name)
        guard let stored = storage.store.get(key) else { throw Status.notFound(Pod.type.resource, place.name) }
        let pod = Pod(try stored.json())
        var port = place.port
        if port.isEmpty {
            port =
                pod.spec.containers.lazy.compactMap { $0.ports.first?["containerPort"].int }.first.map(String.init)
                ?? ""
        }
        guard !pod.spec.nodeName.isEmpty, !pod.status.podIP.isEmpty else {
            throw Status(.badRequest, "address not allowed: pod \(pod.name) has no address yet")
        }
        return try await pass(call, path, pod, place.scheme, port.isEmpty ? "80" : port)
    }

    private func pass(
        _ call: Call, _ path: ProxyPath, _ pod: Pod, _ scheme: String, _ port: String
    ) async throws(Status) -> HTTPServerReply {
        guard let number = Int(port), (1...65_535).contains(number) else {
            throw Status(.badRequest, "the port \"\(port)\" of pod \(pod.name) is not a number from 1 to 65535")
        }
        let scheme = scheme.isEmpty ? "http" : scheme
        let place = "\(URLText.encode(pod.namespace))/\(URLText.encode(pod.name))/\(scheme)/\(number)"
        let address = try address(ofNode: pod.spec.nodeName)
        return try await pass(
            call, path, target: "/podProxy/\(place)\(path.rest)\(path.query)", node: pod.spec.nodeName, address)
    }

    private func service(
        _ call: Call, _ place: ProxyPlace, namespace: String, _ path: ProxyPath
    ) async throws(Status) -> HTTPServerReply {
        let key = ObjectKey(ClusterService.type.resource, namespace: namespace, name: place.name)
        guard let stored = storage.store.get(key) else {
            throw Status.notFound(ClusterService.type.resource, place.name)
        }
        let service = try stored.json()
        let ports = service["spec"]["ports"].items
        let chosen =
            place.port.isEmpty && ports.count == 1
            ? ports.first
            : ports.first { $0["name"].string == place.port || $0["port"].int.map(String.init) == place.port }
        guard let chosen else {
            throw Status(.serviceUnavailable, "no service port \"\(place.port)\" found for service \"\(place.name)\"")
        }
        let name = chosen["name"].string ?? ""
        let endpoints = ObjectKey(Endpoints.type.resource, namespace: namespace, name: place.name)
        var ready: [(address: JSON, port: Int)] = []
        for subset in try storage.store.get(endpoints)?.json()["subsets"].items ?? [] {
            guard let port = subset["ports"].items.first(where: { ($0["name"].string ?? "") == name })?["port"].int
            else {
                continue
            }
            ready += subset["addresses"].items.map { ($0, port) }
        }
        guard let end = ready.randomElement() else {
            throw Status(.serviceUnavailable, "no endpoints available for service \"\(place.name)\"")
        }
        let target = end.address["targetRef"]
        if target["kind"].string == "Pod", let podName = target["name"].string,
            let pod = storage.store.get(ObjectKey(Pod.type.resource, namespace: namespace, name: podName))
        {
            return try await pass(call, path, Pod(try pod.json()), place.scheme, String(end.port))
        }
        // An address that is no pod's is reached from here.
        let host = end.address["ip"].string ?? ""
        let isSecure = place.scheme == "https"
        let open: @Sendable (String) throws -> any Transport = { _ in
            HTTPTransport(.host(host, port: end.port), tls: isSecure ? try TLSContext.client(insecure: true) : nil)
        }
        let request = outgoing(call, target: path.rest + path.query)
        return try await forward(request, to: "\(place.name)\" (service) at \(host)", by: open, host) {
            path.headers(of: $0)
        }
    }

    private func pass(
        _ call: Call, _ path: ProxyPath, target: String, node: String, _ address: String
    ) async throws(Status) -> HTTPServerReply {
        try await forward(outgoing(call, target: target), to: "\(node)\" at \(address)", by: dial, address) {
            path.headers(of: $0)
        }
    }

    /// The client's request without what was meant for the master.
    private func outgoing(_ call: Call, target: String) -> HTTPRequest {
        var request = HTTPRequest(call.request.method, target.hasPrefix("/") ? target : "/" + target)
        request.body = call.request.body
        let isUpgrade = call.request.headers["Upgrade"] != nil
        for field in call.request.headers.fields {
            let name = field.name.lowercased()
            if name == "authorization" || name == "host" || name == "accept-encoding" || name == "expect" { continue }
            if name.hasPrefix("impersonate-") { continue }
            if Self.hops.contains(name), !(isUpgrade && name == "connection") { continue }
            request.headers.add(field.name, field.value)
        }
        return request
    }
}

/// `[SCHEME:]NAME[:PORT]`. Source: apimachinery `net.SplitSchemeNamePort`.
struct ProxyPlace: Equatable {
    let text: String
    var scheme = ""
    var name = ""
    var port = ""

    init?(_ text: String) {
        self.text = text
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        switch parts.count {
        case 1: name = parts[0]
        case 2: (name, port) = (parts[0], parts[1])
        case 3: (scheme, name, port) = (parts[0], parts[1], parts[2])
        default: return nil
        }
        guard !name.isEmpty, ["", "http", "https"].contains(scheme) else { return nil }
    }
}

/// The parts of a target `/api/v1/nodes/NAME/proxy/REST?QUERY`, as they were written.
struct ProxyPath: Equatable {
    /// Up to and with `proxy`.
    let prefix: String
    /// What follows, with its slash; empty when nothing does.
    let rest: String
    /// With `?`; empty when there is none.
    let query: String

    init(target: String, isNamespaced: Bool) {
        let mark = target.firstIndex(of: "?") ?? target.endIndex
        query = String(target[mark...])
        let path = target[..<mark]
        var left = isNamespaced ? 7 : 5
        var end = path.startIndex
        while left > 0, end < path.endIndex {
            let start = path[end...].firstIndex { $0 != "/" } ?? path.endIndex
            end = path[start...].firstIndex(of: "/") ?? path.endIndex
            left -= 1
        }
        prefix = String(path[..<end])
        rest = String(path[end...])
    }

    /// The headers of an answer for the client: without those of the connection, and with a `Location` that leads
    /// through the proxy again. Source: apimachinery `util/proxy/transport.go`.
    func headers(of answer: HTTPStream) -> HTTPHeaders {
        var headers = HTTPHeaders()
        for field in answer.headers.fields where !NodeProxy.hops.contains(field.name.lowercased()) {
            let isLocation = field.name.lowercased() == "location"
            headers.add(field.name, isLocation ? location(field.value) : field.value)
        }
        return headers
    }

    func location(_ value: String) -> String {
        guard value.hasPrefix("/"), !value.hasPrefix("//"), !value.hasPrefix(prefix) else { return value }
        return prefix + value
    }
}
