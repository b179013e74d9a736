import Shared

extension NodeEndpoint {
    /// `/exec/NS/POD/CONTAINER` and `/attach/…` over a WebSocket with channels.
    func terminal(_ request: HTTPRequest, _ path: [String], _ query: Query) async -> HTTPServerReply {
        guard let state = loops.find(namespace: path[1], name: path[2]) else {
            return Self.refuse(404, "pod \"\(path[2])\" not found on this node")
        }
        guard let view = state.allViews.first(where: { $0.name == path[3] }) else {
            return Self.refuse(404, "container \"\(path[3])\" is not in pod \"\(path[2])\"")
        }
        guard let id = view.current?.id, view.isRunning else {
            return Self.refuse(400, "container \"\(path[3])\" of pod \"\(path[2])\" is not running")
        }
        guard WebSocketHandshake.isAsked(by: request.headers) else {
            return Self.refuse(
                400, "This agent speaks WebSocket only for exec and attach; use kubectl 1.31 or newer, or kconsole exec.")
        }
        let chosen = ChannelFrame.choose(from: WebSocketHandshake.offered(by: request.headers))
        guard let chosen, let headers = WebSocketHandshake.answer(to: request.headers, choosing: chosen) else {
            return Self.refuse(400, "The WebSocket must offer v5.channel.k8s.io or v4.channel.k8s.io.")
        }
        let isTerminal = query.bool("tty")
        let takesInput = query.bool("stdin")
        let session: ExecSession
        do {
            if path[0] == "exec" {
                let argv = query.all("command")
                guard !argv.isEmpty else { return Self.refuse(400, "There is no command to run.") }
                session = try await runtime.exec(ExecRequest(argv: argv, stdin: takesInput, tty: isTerminal), in: id)
            } else {
                session = try await runtime.attach(id)
            }
        } catch {
            let failure = ExecStatus.failed(error.message)
            return .upgrade(headers: headers) { channel in
                let socket = WebSocketChannel(channel, role: .server)
                try? await socket.send(ChannelFrame(.error, failure.encoded))
                try? await socket.close()
                socket.abort()
            }
        }
        return .upgrade(headers: headers) { channel in
            await ExecStream(socket: WebSocketChannel(channel, role: .server), session: session).run()
        }
    }
}

/// The last word on channel 3. Source: apimachinery `remotecommand`.
enum ExecStatus {
    static let success: JSON = ["metadata": [:], "status": "Success"]

    static func exited(_ code: Int32) -> JSON {
        guard code != 0 else { return success }
        return [
            "metadata": [:], "status": "Failure",
            "message": .string("command terminated with non-zero exit code: exit status \(code)"),
            "reason": "NonZeroExitCode",
            "details": ["causes": [["reason": "ExitCode", "message": .string(String(code))]]],
        ]
    }

    static func failed(_ message: String) -> JSON {
        [
            "metadata": [:], "status": "Failure", "message": .string(message), "reason": "InternalError", "code": 500,
        ]
    }
}

/// Carries a program's streams over a WebSocket until it ends or the client leaves.
struct ExecStream: Sendable {
    let socket: WebSocketChannel
    let session: ExecSession

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await receive() }
            await withTaskGroup(of: Void.self) { outputs in
                outputs.addTask { await copy(session.output, .standardOutput) }
                outputs.addTask { await copy(session.errors, .standardError) }
            }
            let code = await session.exitCode()
            let status = code.map(ExecStatus.exited) ?? ExecStatus.failed("the connection to the program was lost")
            try? await socket.send(ChannelFrame(.error, status.encoded))
            try? await socket.close()
            session.close()
            // The client's answer to the close ends the receiver; one that stays silent is not waited for.
            group.addTask {
                try? await SystemClock().sleep(for: .seconds(1))
                socket.abort()
            }
            await group.next()
            group.cancelAll()
            socket.abort()
        }
    }

    private func copy(_ stream: ByteStream, _ channel: ChannelFrame.Channel) async {
        do {
            while let bytes = try await stream.next() {
                if !bytes.isEmpty { try await socket.send(ChannelFrame(channel, bytes)) }
            }
        } catch {
            // The client left or the program's end of the stream broke: either way the session is over.
            session.close()
        }
    }

    private func receive() async {
        do {
            while let message = try await socket.receive() {
                let bytes: [UInt8]
                switch message {
                case .binary(let data): bytes = data
                case .text(let text): bytes = Array(text.utf8)
                default: continue
                }
                guard let frame = ChannelFrame(bytes) else { continue }
                switch frame.channel {
                case .standardInput: try? await session.write(frame.bytes)
                case .resize:
                    guard let size = try? JSON(parsing: frame.bytes), let width = size["Width"].int,
                        let height = size["Height"].int, (1...65_535).contains(width), (1...65_535).contains(height)
                    else { continue }
                    session.resize(rows: height, columns: width)
                case .close: if frame.closed == .standardInput { session.closeInput() }
                default: continue
                }
            }
        } catch {}
        session.close()
    }
}
