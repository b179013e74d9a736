import CLinux
import Glibc
import Shared

extension ShimRuntime {
    func startContainer(_ config: ContainerConfig, in uid: String) async throws(RuntimeFailure) -> ContainerState {
        guard let record = record(uid) else { throw RuntimeFailure(.notFound, "The pod \(uid) has no sandbox.") }
        guard ShimRuntime.isSafeName(config.name), config.attempt >= 0, !config.argv.isEmpty else {
            throw RuntimeFailure(
                .createContainer, "The container \(config.name) has no command and its image has none.")
        }
        var message = try planner.prepareContainer(config, in: record)
        message.add("name", config.name)
        message.add("attempt", config.attempt)
        message.add("image", config.image.reference)
        message.add("imageID", config.image.id)
        message.add(
            "stop", config.stopSignal != 0 ? config.stopSignal : Signals.number(config.image.stopSignal) ?? SIGTERM)
        message.add("stdin", flag: config.stdin)
        message.add("tty", flag: config.tty)
        message.add("log", config.logPath)
        message.add("logbytes", Limits.logFileBytesMax)
        message.add("logfiles", Limits.logFilesMax)
        message.add("files", Limits.containerFilesMax)
        do {
            if let slash = config.logPath.lastIndex(of: "/") { try Files.makeFolder(String(config.logPath[..<slash])) }
        } catch {
            throw RuntimeFailure(.createContainer, "The folder of the log \(config.logPath) can not be made: \(error).")
        }
        do {
            return container(try await request(message, uid).message, uid)
        } catch {
            throw RuntimeFailure(
                error.reason == .runtime || error.reason == .notFound ? .start : error.reason, error.message)
        }
    }

    func setLimits(_ limits: ResourceLimits, of id: ContainerID) async throws(RuntimeFailure) {
        guard let record = record(id.sandbox) else { throw RuntimeFailure(.notFound, "The pod's sandbox is gone.") }
        try planner.setLimits(limits, of: id, in: record)
    }

    func signalContainer(_ id: ContainerID, _ signal: Int32) async throws(RuntimeFailure) {
        var message = about("signal", id)
        message.add("signal", signal)
        _ = try await request(message, id.sandbox)
    }

    func stopContainer(_ id: ContainerID, grace: Duration) async throws(RuntimeFailure) {
        var message = about("stop", id)
        message.add("grace", max(0, grace.nanoseconds / 1_000_000))
        do { _ = try await request(message, id.sandbox) } catch  where error.reason == .notFound { return }
    }

    func removeContainer(_ id: ContainerID) async throws(RuntimeFailure) {
        guard let record = record(id.sandbox) else { return }
        do {
            try await stopContainer(id, grace: .zero)
            _ = try await request(about("remove", id), id.sandbox)
        } catch  where error.reason == .notFound {}
        planner.cleanContainer(id, in: record)
    }

    private func about(_ verb: String, _ id: ContainerID) -> ShimMessage {
        var message = ShimMessage(verb)
        message.add("name", id.name)
        message.add("attempt", id.attempt)
        return message
    }

    private func request(_ message: ShimMessage, _ uid: String) async throws(RuntimeFailure) -> ShimClient.Answer {
        let client = try connect(uid)
        defer { client.close() }
        return try await client.request(message)
    }

    private func connect(_ uid: String) throws(RuntimeFailure) -> ShimClient {
        do { return try ShimClient(path: folders.socket(uid)) } catch {
            throw RuntimeFailure(.notFound, "The pod's shim is gone: \(error).")
        }
    }

    // MARK: Exec and attach

    func exec(_ request: ExecRequest, in id: ContainerID) async throws(RuntimeFailure) -> ExecSession {
        guard !request.argv.isEmpty else { throw RuntimeFailure(.exec, "There is no command to run.") }
        let client = try connect(id.sandbox)
        var lines = ShimClient.Lines()
        var message = about("exec", id)
        message.add("arg", request.argv)
        message.add("env", request.environment)
        message.add("tty", flag: request.tty)
        if request.tty {
            let answer = try await ask(client, message, [], &lines)
            guard let master = answer.descriptors.first else {
                throw RuntimeFailure(.exec, "The shim gave no terminal.")
            }
            let terminal = AsyncDescriptor(owning: master)
            return session(client, lines, input: request.stdin ? terminal : nil, output: terminal, errors: nil)
        }
        var streams = try Streams(hasInput: request.stdin)
        do {
            _ = try await ask(client, message, streams.theirs, &lines)
        } catch {
            streams.closeAll()
            throw error
        }
        streams.closeTheirs()
        return session(
            client, lines, input: streams.input >= 0 ? AsyncDescriptor(owning: streams.input) : nil,
            output: AsyncDescriptor(owning: streams.output), errors: AsyncDescriptor(owning: streams.errors))
    }

    func attach(_ id: ContainerID, endsInput: Bool) async throws(RuntimeFailure) -> ExecSession {
        let client = try connect(id.sandbox)
        var lines = ShimClient.Lines()
        var streams = try Streams(hasInput: false)
        let answer: ShimClient.Answer
        do {
            answer = try await ask(client, about("attach", id), Array(streams.theirs[1...]), &lines)
        } catch {
            streams.closeAll()
            throw error
        }
        streams.closeTheirs()
        // The shim holds the container's input open until it is told otherwise; the message is small, and a shim that
        // does not take it has ended.
        let end = endsInput ? about("eof", id).line : nil
        return session(
            client, lines, input: answer.descriptors.first.map { AsyncDescriptor(owning: $0) },
            output: AsyncDescriptor(owning: streams.output), errors: AsyncDescriptor(owning: streams.errors), end: end)
    }

    func execProbe(_ argv: [String], in id: ContainerID, timeout: Duration) async throws(RuntimeFailure) -> ProbeResult
    {
        let session = try await exec(ExecRequest(argv: argv), in: id)
        defer { session.close() }
        return await withTaskGroup(of: ProbeResult?.self) { group in
            group.addTask { await ShimRuntime.collect(session) }
            group.addTask {
                try? await SystemClock().sleep(for: timeout)
                return nil
            }
            let first = await group.next() ?? nil
            // Closing ends the program and with it the reader.
            session.close()
            group.cancelAll()
            return first ?? ProbeResult(exitCode: nil, output: [])
        }
    }

    private static func collect(_ session: ExecSession) async -> ProbeResult {
        async let errors = read(session.errors)
        var output = await read(session.output)
        output += await errors
        let code = await session.exitCode()
        return ProbeResult(exitCode: code, output: Array(output.prefix(Limits.probeOutputBytesMax)))
    }

    private static func read(_ stream: ByteStream) async -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try? await stream.next() {
            if bytes.count < Limits.probeOutputBytesMax { bytes += piece }
        }
        return bytes
    }

    private func ask(
        _ client: ShimClient, _ message: ShimMessage, _ descriptors: [Int32], _ lines: inout ShimClient.Lines
    )
        async throws(RuntimeFailure) -> ShimClient.Answer
    {
        do {
            return try await client.request(message, descriptors: descriptors, lines: &lines, rows: { _ in })
        } catch {
            client.close()
            throw RuntimeFailure(error.reason == .notFound ? .notFound : .exec, error.message)
        }
    }

    private func session(
        _ client: ShimClient, _ rest: ShimClient.Lines, input: AsyncDescriptor?, output: AsyncDescriptor,
        errors: AsyncDescriptor?, end inputEnd: [UInt8]? = nil
    ) -> ExecSession {
        let endInput: @Sendable () -> Void = {
            if input !== output { input?.close() }
            if let inputEnd { client.descriptor.withNumber { _ = clinux_send($0, inputEnd, inputEnd.count, nil, 0) } }
        }
        let end: @Sendable () -> Void = {
            if inputEnd != nil { endInput() }
            client.close()
            input?.close()
            output.close()
            errors?.close()
        }
        return ExecSession(
            output: ByteStream(pull: { try await output.read(most: 32_768) }, stop: { output.close() }),
            errors: ByteStream(pull: { try await errors?.read(most: 32_768) }, stop: { errors?.close() }),
            input: { bytes in try await input?.write(bytes) },
            inputEnd: endInput,
            size: { rows, columns in
                let terminal = errors == nil ? output : input
                terminal?.withNumber { _ = clinux_window($0, UInt16(clamping: rows), UInt16(clamping: columns)) }
            },
            code: {
                // The end may have arrived together with the answer.
                var lines = rest
                while let line = try? await client.next(&lines) {
                    if line.verb == "exited" { return line.number("code") }
                }
                return nil
            }, stop: end)
    }
}

/// Three pipes: the agent's ends and those that the program gets.
private struct Streams {
    private(set) var input: Int32 = -1
    private(set) var output: Int32 = -1
    private(set) var errors: Int32 = -1
    private(set) var theirs: [Int32] = []

    init(hasInput: Bool) throws(RuntimeFailure) {
        var pairs: [[Int32]] = []
        for _ in 0..<2 {
            var pair: [Int32] = [-1, -1]
            guard clinux_pipe(&pair) == 0 else { throw RuntimeFailure(.exec, "No pipe could be made: \(Errno.last).") }
            pairs.append(pair)
        }
        var source: [Int32] = [clinux_open("/dev/null", O_RDONLY | O_CLOEXEC, 0), -1]
        if hasInput {
            close(source[0])
            guard clinux_pipe(&source) == 0 else {
                throw RuntimeFailure(.exec, "No pipe could be made: \(Errno.last).")
            }
        }
        (input, output, errors) = (source[1], pairs[0][0], pairs[1][0])
        theirs = [source[0], pairs[0][1], pairs[1][1]]
    }

    mutating func closeTheirs() {
        for descriptor in theirs where descriptor >= 0 { close(descriptor) }
        theirs = []
    }
    mutating func closeAll() {
        closeTheirs()
        for descriptor in [input, output, errors] where descriptor >= 0 { close(descriptor) }
    }
}

/// Names of signals as images and `lifecycle.stopSignal` write them.
enum Signals {
    private static let names: [String: Int32] = [
        "HUP": 1, "INT": 2, "QUIT": 3, "ABRT": 6, "KILL": 9, "USR1": 10, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15,
        "CHLD": 17, "CONT": 18, "STOP": 19, "TSTP": 20, "TTIN": 21, "TTOU": 22, "WINCH": 28, "PWR": 30, "SYS": 31,
        "RTMIN": 34, "RTMIN+3": 37,
    ]
    /// `SIGQUIT`, `QUIT` or `3`; nil for anything else.
    static func number(_ text: String) -> Int32? {
        if let number = Int32(text) { return (1...64).contains(number) ? number : nil }
        let name = text.uppercased()
        return names[name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name]
    }
}
