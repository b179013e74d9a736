import Shared

extension NodeEndpoint {
    /// `/podProxy/NAMESPACE/POD/SCHEME/PORT/…`: the request as it is, for the pod's port. Only a node knows the way to
    /// its pods. A certificate of the pod is not looked at, as in Kubernetes.
    func podProxy(_ request: HTTPRequest, _ segments: [String]) async -> HTTPServerReply {
        let (namespace, pod, scheme) = (segments[1], segments[2], segments[3])
        guard let port = Int(segments[4]), (1...65_535).contains(port), let host = await source.address(namespace, pod)
        else { return Self.text(404, "pod does not exist") }
        var onward = request
        onward.target = Self.rest(of: request.target, after: 5)
        for name in ["Host", "Content-Length", "Keep-Alive", "Transfer-Encoding"] { onward.headers[name] = nil }
        if onward.headers["Upgrade"] == nil { onward.headers["Connection"] = nil }
        do {
            let tls = scheme == "https" ? try TLSContext.client(insecure: true) : nil
            let transport = HTTPTransport(.host(host, port: port), tls: tls)
            if onward.headers["Upgrade"] != nil { return try await upgrade(onward, transport) }
            let answer = try await transport.stream(onward)
            var headers = HTTPHeaders()
            for field in answer.headers.fields where !Self.hops.contains(field.name.lowercased()) {
                headers.add(field.name, field.value)
            }
            return .stream(status: answer.status, headers: headers) { writer in
                defer {
                    answer.body.close()
                    transport.closeIdle()
                }
                while let piece = try await answer.body.next() { try await writer.write(piece) }
            }
        } catch {
            return Self.failure(
                Status(
                    .serviceUnavailable,
                    "error trying to reach service: \(error); see whether the program listens on port \(port)"))
        }
    }

    private static let hops: Set<String> = [
        "connection", "keep-alive", "proxy-authenticate", "te", "trailer", "transfer-encoding", "content-length",
    ]

    private func upgrade(_ request: HTTPRequest, _ transport: HTTPTransport) async throws -> HTTPServerReply {
        let (response, pod) = try await transport.upgrade(request)
        guard let pod else {
            return .whole(
                status: response.status, headers: ["Content-Type": response.headers["Content-Type"] ?? "text/plain"],
                pieces: [response.body])
        }
        var headers = response.headers
        headers["Connection"] = nil
        return .upgrade(headers: headers) { client in
            await withTaskGroup(of: Void.self) { group in
                for (from, to) in [(client, pod), (pod, client)] {
                    group.addTask {
                        while let bytes = try? await from.read(most: 65_536), (try? await to.write(bytes)) != nil {}
                        to.closeWriting()
                    }
                }
                await group.waitForAll()
                client.close()
                pod.close()
            }
        }
    }

    /// What follows the first segments of a target, with its slash and query.
    static func rest(of target: String, after count: Int) -> String {
        let mark = target.firstIndex(of: "?") ?? target.endIndex
        var end = target.startIndex
        for _ in 0..<count {
            let start = target[end..<mark].firstIndex { $0 != "/" } ?? mark
            end = target[start..<mark].firstIndex(of: "/") ?? mark
        }
        let rest = String(target[end...])
        return rest.hasPrefix("/") ? rest : "/" + rest
    }
}
