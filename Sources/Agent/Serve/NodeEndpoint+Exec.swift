import Shared

extension NodeEndpoint {
    /// `/exec/NAMESPACE/POD/CONTAINER?command=…`, upgraded to a WebSocket of channels or to SPDY.
    func exec(_ request: HTTPRequest, _ segments: [String], _ query: Query) async -> HTTPServerReply {
        var wish = ExecRequest(argv: query.all("command"))
        guard !wish.argv.isEmpty else {
            return Self.failure(Status(.badRequest, "you must specify at least 1 command"))
        }
        return await session(request, segments, query) { place, streams in
            wish.stdin = streams.input
            wish.tty = streams.tty
            let (runtime, wish) = (runtime, wish)
            return { try await runtime.exec(wish, in: place.id) }
        }
    }

    /// `/attach/NAMESPACE/POD/CONTAINER`.
    func attach(_ request: HTTPRequest, _ segments: [String], _ query: Query) async -> HTTPServerReply {
        await session(request, segments, query) { place, streams in
            let runtime = runtime
            return { try await runtime.attach(place.id, endsInput: streams.input && place.readsInputOnce) }
        }
    }

    private typealias Opening = @Sendable () async throws -> ExecSession

    private func session(
        _ request: HTTPRequest, _ segments: [String], _ query: Query,
        _ open: (ContainerPlace, TerminalStreams) -> Opening
    ) async -> HTTPServerReply {
        let streams: TerminalStreams
        do throws(Status) { streams = try TerminalStreams(query) } catch { return Self.failure(error) }
        let place: ContainerPlace
        switch await find(segments) {
        case .success(let found): place = found
        case .failure(let status) where status.code == 404: return Self.text(404, status.message)
        case .failure: return Self.text(500, "container not found (\"\(segments[3])\")")
        }
        guard place.isRunning else { return Self.text(500, "container not found (\"\(segments[3])\")") }
        return upgrade(request, streams, open(place, streams))
    }

    private func upgrade(
        _ request: HTTPRequest, _ streams: TerminalStreams, _ open: @escaping Opening
    ) -> HTTPServerReply {
        if WebSocketHandshake.isAsked(by: request.headers) {
            let offered = WebSocketHandshake.offered(by: request.headers)
            guard let kind = ChannelProtocol.choose(from: offered),
                let headers = WebSocketHandshake.answer(
                    to: request.headers, choosing: kind.name.isEmpty ? nil : kind.name)
            else { return Self.text(400, "unable to upgrade: none of the subprotocols \(offered) is spoken here") }
            return .upgrade(headers: headers) { channel in
                let socket = WebSocketChannel(channel, role: .server)
                let client = WebSocketTerminal(socket: socket, streams: streams, kind: kind)
                await TerminalSession(client: client, open: open).run()
            }
        }
        switch SPDYHandshake(request.headers, SPDYTerminal.protocols) {
        case .refused(let status, let headers, let text):
            return .whole(status: status, headers: headers, pieces: [Array(text.utf8)])
        case .accepted(let headers, let kind):
            return .upgrade(headers: headers) { channel in
                guard let client = try? SPDYTerminal(channel, streams, kind: kind) else { return channel.close() }
                await TerminalSession(client: client, open: open).run()
            }
        }
    }
}

/// The request and answer that open a SPDY session. Source: apimachinery `httpstream.Handshake`.
enum SPDYHandshake {
    case accepted(HTTPHeaders, kind: String)
    case refused(status: Int, HTTPHeaders, text: String)

    /// - Parameter spoken: protocols, the best first; the client's first wish among them is taken.
    init(_ headers: HTTPHeaders, _ spoken: [String]) {
        let plain: HTTPHeaders = ["Content-Type": "text/plain; charset=utf-8"]
        guard headers.contains("Connection", token: "upgrade"), headers.contains("Upgrade", token: "SPDY/3.1") else {
            self = .refused(status: 400, plain, text: "unable to upgrade: missing upgrade headers in request\n")
            return
        }
        let offered = headers.all("X-Stream-Protocol-Version").flatMap {
            $0.split(separator: ",").map(\.trimmingSpaces)
        }
        guard !offered.isEmpty else {
            self = .refused(
                status: 400, plain, text: "unable to upgrade: X-Stream-Protocol-Version is required\n")
            return
        }
        guard let kind = offered.first(where: { spoken.contains($0) }) else {
            var answer = plain
            for name in spoken { answer.add("X-Accepted-Stream-Protocol-Versions", name) }
            let lists = "client supports [\(offered.joined(separator: " "))], server accepts"
            self = .refused(
                status: 403, answer,
                text: "unable to upgrade: unable to negotiate protocol: \(lists) [\(spoken.joined(separator: " "))]\n")
            return
        }
        self = .accepted(["Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": kind], kind: kind)
    }
}
