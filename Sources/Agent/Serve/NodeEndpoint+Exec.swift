import Shared

extension NodeEndpoint {
    /// `/exec/NAMESPACE/POD/CONTAINER?command=…`, upgraded to a WebSocket of the channel protocol.
    func exec(_ request: HTTPRequest, _ segments: [String], _ query: Query) async -> HTTPServerReply {
        var wish = ExecRequest(argv: query.all("command"))
        wish.stdin = query.bool("stdin") || query.bool("input")
        wish.tty = query.bool("tty")
        guard !wish.argv.isEmpty else {
            return Self.failure(Status(.badRequest, "you must specify at least 1 command"))
        }
        return await session(request, segments) { try await runtime.exec(wish, in: $0) }
    }

    /// `/attach/NAMESPACE/POD/CONTAINER`.
    func attach(_ request: HTTPRequest, _ segments: [String], _ query: Query) async -> HTTPServerReply {
        await session(request, segments) { try await runtime.attach($0) }
    }

    private func session(
        _ request: HTTPRequest, _ segments: [String], _ open: (ContainerID) async throws -> ExecSession
    ) async -> HTTPServerReply {
        let place: ContainerPlace
        switch await find(segments) {
        case .success(let found): place = found
        case .failure(let status): return Self.failure(status)
        }
        guard place.isRunning else {
            return Self.failure(
                Status(.badRequest, "container \"\(segments[3])\" in pod \"\(segments[2])\" does not run"))
        }
        guard WebSocketHandshake.isAsked(by: request.headers) else {
            return Self.failure(
                Status(
                    .badRequest,
                    "only WebSocket is spoken here: use kubectl 1.30 or later, or kconsole exec", code: 400))
        }
        guard let chosen = ChannelFrame.choose(from: WebSocketHandshake.offered(by: request.headers)),
            let headers = WebSocketHandshake.answer(to: request.headers, choosing: chosen)
        else {
            return Self.failure(
                Status(.badRequest, "the WebSocket must offer one of \(ChannelFrame.protocols.joined(separator: ", "))")
            )
        }
        do {
            let session = try await open(place.id)
            return .upgrade(headers: headers) { channel in
                await StreamSession(session: session, socket: WebSocketChannel(channel, role: .server)).run()
            }
        } catch {
            return Self.failure(Status(.internalError, "the command can not be run in \"\(segments[3])\": \(error)"))
        }
    }
}

/// Carries the streams of a program over the channels of a WebSocket until the program ends or the client leaves.
private struct StreamSession: Sendable {
    let session: ExecSession
    let socket: WebSocketChannel

    func run() async {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await self.sendOutput()
                return true
            }
            group.addTask {
                await self.receive()
                return false
            }
            let ended = await group.next() ?? false
            if ended { try? await socket.close(code: 1000) }
            session.close()
            group.cancelAll()
            socket.abort()
        }
    }

    private func sendOutput() async {
        await withTaskGroup(of: Void.self) { group in
            for (stream, channel) in [
                (session.output, ChannelFrame.Channel.standardOutput), (session.errors, .standardError),
            ] {
                group.addTask {
                    while let bytes = try? await stream.next(),
                        (try? await socket.send(ChannelFrame(channel, bytes))) != nil
                    {}
                }
            }
        }
        let code = await session.exitCode()
        try? await socket.send(ChannelFrame(.error, Self.status(code).encoded))
    }

    /// Input and terminal sizes from the client.
    private func receive() async {
        while let message = try? await socket.receive() {
            guard case .binary(let bytes) = message, let frame = ChannelFrame(bytes) else { continue }
            switch frame.channel {
            case .standardInput: if (try? await session.write(frame.bytes)) == nil { session.closeInput() }
            case .close: if frame.closed == .standardInput { session.closeInput() }
            case .resize:
                guard let size = try? JSON(parsing: frame.bytes), let rows = size["Height"].int,
                    let columns = size["Width"].int,
                    (1...10_000).contains(rows), (1...10_000).contains(columns)
                else { continue }
                session.resize(rows: rows, columns: columns)
            default: continue
            }
        }
        session.closeInput()
    }

    /// The `Status` that ends a session. Source: apimachinery `remotecommand`, reason `NonZeroExitCode`.
    private static func status(_ code: Int32?) -> JSON {
        switch code {
        case 0: return ["metadata": [:], "status": "Success"]
        case nil:
            return [
                "metadata": [:], "status": "Failure", "reason": "InternalError", "code": 500,
                "message": "the connection to the program was lost",
            ]
        case let code?:
            let cause: JSON = ["reason": "ExitCode", "message": .string(String(code))]
            return [
                "metadata": [:], "status": "Failure", "reason": "NonZeroExitCode", "details": ["causes": [cause]],
                "message": .string("command terminated with non-zero exit code: exit status \(code)"),
            ]
        }
    }
}
