import Shared

extension NodeEndpoint {
    /// `/portForward/NAMESPACE/POD`: SPDY, SPDY tunnelled in a WebSocket, or the channels of a WebSocket, whose ports
    /// are parameters of the request.
    func portForward(_ request: HTTPRequest, _ segments: [String], _ query: Query) async -> HTTPServerReply {
        let (namespace, pod) = (segments[1], segments[2])
        guard await source.isRunning(namespace, pod) else { return Self.text(404, "pod does not exist") }
        let source = source
        let dial: PortForward.Dial = { try await source.dial(namespace, pod, $0) }
        if WebSocketHandshake.isAsked(by: request.headers) { return sockets(request, query, dial) }
        switch SPDYHandshake(request.headers, [PortForward.name]) {
        case .refused(let status, let headers, let text):
            return .whole(status: status, headers: headers, pieces: [Array(text.utf8)])
        case .accepted(let headers, _):
            return .upgrade(headers: headers) { await PortForward(pod: pod, dial: dial).run($0) }
        }
    }

    private func sockets(_ request: HTTPRequest, _ query: Query, _ dial: @escaping PortForward.Dial) -> HTTPServerReply
    {
        let offered = WebSocketHandshake.offered(by: request.headers)
        let tunnel = "SPDY/3.1+" + PortForward.name
        if offered.contains(tunnel), let headers = WebSocketHandshake.answer(to: request.headers, choosing: tunnel) {
            return .upgrade(headers: headers) { channel in
                let socket = WebSocketChannel(channel, role: .server)
                await PortForward(pod: "", dial: dial).run(WebSocketBytes(socket))
            }
        }
        guard let kind = ChannelProtocol.choose(from: offered, upTo: 4),
            let headers = WebSocketHandshake.answer(to: request.headers, choosing: kind.name.isEmpty ? nil : kind.name)
        else { return Self.text(400, "unable to upgrade: none of the subprotocols \(offered) is spoken here") }
        var ports: [Int] = []
        for text in query.all("ports") + query.all("port") {
            for part in text.split(separator: ",") {
                guard let port = Int(part), (1...65_535).contains(port) else {
                    return Self.text(400, "port \"\(part)\" must be a number from 1 to 65535")
                }
                ports.append(port)
            }
        }
        guard !ports.isEmpty else { return Self.text(400, "query parameter \"port\" is required") }
        guard ports.count <= Limits.forwardedPortsMax else {
            return Self.text(400, "at most \(Limits.forwardedPortsMax) ports can be forwarded at once")
        }
        let wanted = ports
        return .upgrade(headers: headers) { channel in
            await PortForwardChannels(
                socket: WebSocketChannel(channel, role: .server), kind: kind, ports: wanted, dial: dial
            ).run()
        }
    }
}
