import Glibc
import Shared

/// `kconsole exec`: runs a program in a container.
enum ExecCommand {
    static let verb = Verb(
        "exec", "Run a program in a container.", operands: "POD | KIND/NAME -- PROGRAM [ARGUMENT…]",
        flags: [
            .init("stdin", short: "i", help: "pass standard input on"),
            .init("tty", short: "t", help: "give the program a terminal"),
            .init("container", short: "c", .one("NAME"), help: "which container (default: the first)"),
            .init("quiet", short: "q", help: "say nothing besides the program"),
        ],
        notes: "Example: kconsole exec -it deploy/web -- sh\nThe exit code is the program's.", completes: .pods,
        run: run)

    private static func run(_ call: Invocation) async throws -> Int32 {
        guard let operand = call.operands.first else { throw call.usage("exec needs a pod") }
        let program = call.arguments.rest.isEmpty ? Array(call.operands.dropFirst()) : call.arguments.rest
        guard !program.isEmpty else { throw call.usage("exec needs a program after --, such as -- sh") }
        let session = try await call.session()
        guard let pod = try await PodChoice.pods(operand, session).first else {
            throw Failure("\(operand) has no pods.")
        }
        let container = try PodChoice.container(pod, call.arguments["container"])
        let all = pod.at("spec", "containers").items.compactMap { $0["name"].string }
        if call.arguments["container"] == nil, all.count > 1, !call.arguments.has("quiet") {
            call.remark("Defaulted container \"\(container)\" out of: \(all.joined(separator: ", "))")
        }
        let wantsTTY = call.arguments.has("tty")
        let hasTTY = wantsTTY && isatty(STDIN_FILENO) == 1
        if wantsTTY, !hasTTY { call.remark("Standard input is no terminal, so the program gets none.") }
        return try await ExecSession(
            session, pod: Object(pod).name, container: container, program: program,
            hasInput: call.arguments.has("stdin"),
            isTTY: hasTTY
        ).run()
    }
}

/// One program in a container, joined to this terminal over a WebSocket.
struct ExecSession: Sendable {
    private let session: Session
    private let request: HTTPRequest
    private let hasInput: Bool
    private let isTTY: Bool

    init(_ session: Session, pod: String, container: String, program: [String], hasInput: Bool, isTTY: Bool) {
        self.session = session
        self.hasInput = hasInput
        self.isTTY = isTTY
        var query = Query()
        for word in program { query.add("command", word) }
        query.add("container", container)
        query.add("stdin", hasInput ? "true" : "false")
        query.add("stdout", "true")
        query.add("stderr", isTTY ? "false" : "true")
        query.add("tty", isTTY ? "true" : "false")
        let path = Pod.type.path(namespace: session.namespace, name: URLText.encode(pod), subresource: "exec")
        request = session.client.request("GET", path, query: query, accept: "*/*")
    }

    /// - Parameters:
    ///   - input: a file to pass to the program in place of standard input.
    ///   - output: takes what the program writes in place of standard output.
    /// - Returns: the program's exit code.
    func run(input: Int32? = nil, output: (@Sendable ([UInt8]) -> Void)? = nil) async throws -> Int32 {
        let (channel, version) = try await WebSocketChannel.open(
            request, over: session.client.transport, protocols: ChannelFrame.protocols)
        let terminal = isTTY ? RawTerminal() : nil
        defer { terminal?.restore() }
        let closesInput = version == ChannelFrame.protocols.first
        return try await withThrowingTaskGroup(of: Int32?.self) { group in
            if let input {
                group.addTask { try await pass(file: input, channel, closesInput: closesInput) }
            } else if hasInput {
                group.addTask { try await passInput(channel, closesInput: closesInput) }
            }
            if isTTY { group.addTask { try await passSizes(channel) } }
            group.addTask { try await receive(channel, output) }
            defer {
                group.cancelAll()
                channel.abort()
            }
            while let result = try await group.next() { if let result { return result } }
            return 1
        }
    }

    private func passInput(_ channel: WebSocketChannel, closesInput: Bool) async throws -> Int32? {
        for await bytes in RawTerminal.input() { try await channel.send(ChannelFrame(.standardInput, bytes)) }
        if closesInput, !Task.isCancelled { try await channel.send(ChannelFrame.closing(.standardInput)) }
        return nil
    }

    private func pass(file: Int32, _ channel: WebSocketChannel, closesInput: Bool) async throws -> Int32? {
        var room = [UInt8](repeating: 0, count: 32_768)
        while true {
            let count = read(file, &room, room.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            try await channel.send(ChannelFrame(.standardInput, Array(room[..<count])))
        }
        if closesInput { try await channel.send(ChannelFrame.closing(.standardInput)) }
        return nil
    }

    private func passSizes(_ channel: WebSocketChannel) async throws -> Int32? {
        try await sendSize(channel)
        try await RawTerminal.onResize { try await sendSize(channel) }
        return nil
    }
    private func sendSize(_ channel: WebSocketChannel) async throws {
        guard let size = RawTerminal.size() else { return }
        let json: JSON = ["Width": JSON(size.width), "Height": JSON(size.height)]
        try await channel.send(ChannelFrame(.resize, json.encoded))
    }

    private func receive(_ channel: WebSocketChannel, _ output: (@Sendable ([UInt8]) -> Void)?) async throws -> Int32? {
        while let message = try await channel.receive() {
            guard case .binary(let bytes) = message, let frame = ChannelFrame(bytes) else { continue }
            switch frame.channel {
            case .standardOutput:
                if let output { output(frame.bytes) } else { StandardBytes.write(frame.bytes, to: STDOUT_FILENO) }
            case .standardError: StandardBytes.write(frame.bytes, to: STDERR_FILENO)
            case .error: return try ExecSession.exitCode(frame.bytes)
            default: continue
            }
        }
        throw Failure("The connection to the program was lost before it ended; the pod may be gone.")
    }

    /// The program's exit code out of the closing status. Source: k8s.io/client-go `remotecommand.errorDecoderV4`.
    /// - Throws: a sentence when the program could not be started.
    static func exitCode(_ bytes: [UInt8]) throws -> Int32 {
        guard let status = try? JSON(parsing: bytes) else {
            throw Failure(String(decoding: bytes.prefix(1000), as: UTF8.self))
        }
        if status["status"].string == "Success" { return 0 }
        if status["reason"].string == "NonZeroExitCode" {
            let code = status.at("details", "causes").items.first { $0["reason"].string == "ExitCode" }?["message"]
                .string
            if let code = code.flatMap({ Int32($0) }) { return code }
        }
        throw Failure("error: \(SafeLine.clean(status["message"].string ?? "the program could not be run"))")
    }
}
