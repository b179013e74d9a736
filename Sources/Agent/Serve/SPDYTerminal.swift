import Shared
import Synchronization

/// Exec and attach over the streams of a SPDY session: `error`, `stdin`, `stdout`, `stderr`, `resize`, which the client
/// opens. A class: it collects them. Source: kubelet `remotecommand`, `createSPDYHTTPStreams`.
final class SPDYTerminal: TerminalClient {
    /// The versions that are spoken, the best first.
    static let protocols = [
        "v5.channel.k8s.io", "v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io",
    ]
    private let session: SPDYSession
    private let streams: TerminalStreams
    private let version: Int
    private let wanted: Set<String>
    private let open = Mutex<[String: SPDYStream]>([:])
    private let arrivals: AsyncStream<Void>
    private let arrived: AsyncStream<Void>.Continuation

    init(_ channel: any ByteChannel, _ streams: TerminalStreams, kind: String) throws {
        session = try SPDYSession(channel, role: .server)
        self.streams = streams
        version = 5 - (SPDYTerminal.protocols.firstIndex(of: kind) ?? 1)
        var wanted: Set<String> = ["error"]
        if streams.input { wanted.insert("stdin") }
        if streams.output { wanted.insert("stdout") }
        if streams.errors { wanted.insert("stderr") }
        if streams.tty, version >= 3 { wanted.insert("resize") }
        self.wanted = wanted
        (arrivals, arrived) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    func ready() async throws {
        let isComplete = await withTaskGroup(of: Bool.self) { group in
            group.addTask { [self] in
                for await _ in arrivals where Set(open.withLock({ $0.keys })).isSuperset(of: wanted) { return true }
                return false
            }
            group.addTask {
                try? await SystemClock().sleep(for: .seconds(Limits.streamCreationSeconds))
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
        guard isComplete else { throw NetError(.timedOut, "the client did not open its streams") }
    }

    func receive(_ take: @escaping @Sendable (TerminalInput) async throws -> Void) async {
        let session = session
        await withTaskGroup(of: Void.self) { group in
            let (input, sizes) = (BytePipeSource(), BytePipeSource())
            group.addTask {
                try? await session.run { stream in
                    guard let type = stream.headers["streamtype"], self.wanted.contains(type),
                        self.open.withLock({ $0.updateValue(stream, forKey: type) }) == nil
                    else { return false }
                    if type == "stdin" { input.give(stream) } else if type == "resize" { sizes.give(stream) }
                    if !["stdin", "resize"].contains(type) { stream.discard() }
                    self.arrived.yield()
                    return true
                }
                input.give(nil)
                sizes.give(nil)
                self.arrived.finish()
            }
            group.addTask {
                guard let stream = await input.stream() else { return }
                while let bytes = try? await stream.read() {
                    if (try? await take(.bytes(bytes))) == nil { return }
                }
                try? await take(.end)
            }
            group.addTask {
                guard let stream = await sizes.stream() else { return }
                await SPDYTerminal.sizes(stream, take)
            }
            await group.waitForAll()
        }
    }

    /// Sizes come as lines of JSON.
    private static func sizes(_ stream: SPDYStream, _ take: @Sendable (TerminalInput) async throws -> Void) async {
        var line: [UInt8] = []
        while let bytes = try? await stream.read() {
            for byte in bytes {
                line.append(byte)
                guard byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "}") else { continue }
                if let size = TerminalInput(size: line) { try? await take(size) }
                line = []
            }
            if line.count > Limits.terminalSizeBytesMax { return await stream.reset(.protocolError) }
        }
    }

    func send(_ bytes: [UInt8], isError: Bool) async throws {
        try await open.withLock { $0[isError ? "stderr" : "stdout"] }?.write(bytes)
    }

    func finish(_ end: ProgramEnd) async {
        let streams = open.withLock { $0 }
        let message = end.message(version: version)
        if !message.isEmpty { try? await streams["error"]?.write(message) }
        for name in ["stdout", "stderr", "error", "stdin", "resize"] { try? await streams[name]?.finish() }
        await session.sayGoodbye()
    }

    func abort() {
        arrived.finish()
        session.close()
    }
}

/// Hands one stream from the session's task to the task that reads it.
private struct BytePipeSource: Sendable {
    private let values: AsyncStream<SPDYStream?>
    private let giver: AsyncStream<SPDYStream?>.Continuation
    init() { (values, giver) = AsyncStream.makeStream(of: SPDYStream?.self) }

    /// The first counts.
    func give(_ stream: SPDYStream?) {
        giver.yield(stream)
        giver.finish()
    }
    func stream() async -> SPDYStream? {
        for await stream in values { return stream }
        return nil
    }
}
