import Shared
import Synchronization

/// Answers DNS for the pods of this node: the cluster's own names from the zone, all others by asking the machine's
/// resolvers. A class: it owns the zone, which changes while it answers.
///
/// It listens on 169.254.1.1:53 in the node's namespace, which every pod of the node has as its gateway. UDP and TCP.
final class NameServer: Service {
    private let zone: Mutex<Zone>
    private let turn = Atomic<Int>(0)
    private let inFlight = Atomic<Int>(0)
    private let open = Atomic<Int>(0)
    private let upstream: [IPv4Endpoint]
    private let clock: any WallClock
    private let log: Log
    private let randomIdentifier: @Sendable () -> UInt16
    private let datagrams: DatagramSocket
    private let listener: Listener

    /// Opens the sockets in the calling thread's network namespace; port 0 lets the kernel choose.
    /// - Parameter upstream: the machine's resolvers, best first; never one of 127.0.0.0/8 (see `Resolvers`).
    init(
        on local: IPv4Endpoint, zone: Zone, upstream: [IPv4Endpoint], clock: any WallClock, log: Log,
        randomIdentifier: @escaping @Sendable () -> UInt16
    ) throws {
        datagrams = try DatagramSocket(bind: local)
        listener = try Listener.tcp(host: "\(local.address)", port: Int(datagrams.port))
        self.zone = Mutex(zone)
        self.upstream = upstream
        self.clock = clock
        self.log = log
        self.randomIdentifier = randomIdentifier
    }

    var port: UInt16 { datagrams.port }

    func apply(services: ServiceTable) { zone.withLock { $0.replace(with: services) } }
    func update(services: [ServiceName: ServiceEntry?]) {
        zone.withLock { zone in
            for (name, entry) in services { zone.set(name, entry) }
        }
    }

    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await self.serveDatagrams() }
            group.addTask { try await self.serveConnections() }
        }
    }

    /// The answer to one message; nil to what is no question.
    func answer(_ bytes: [UInt8], overTCP: Bool) async -> [UInt8]? {
        switch decide(bytes) {
        case .ignore: nil
        case .reply(let reply, let most): reply.encoded(most: overTCP ? 65_535 : most)
        case .forward(let query, let most, let prefix):
            await forward(query, overTCP: overTCP, most: most, prefix: prefix)
        }
    }

    private enum Decision {
        case ignore
        case reply(DNSMessage, most: Int)
        /// Ask elsewhere; the records found there follow those of `prefix`.
        case forward(DNSMessage, most: Int, prefix: [DNSMessage.Record])
    }

    private func decide(_ bytes: [UInt8]) -> Decision {
        guard let query = try? DNSMessage(bytes) else {
            // Too short to be answered, or an answer itself: answering could make two servers talk for ever.
            guard bytes.count >= 12, bytes[2] & 0x80 == 0 else { return .ignore }
            let identifier = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
            return .reply(DNSMessage(identifier: identifier).reply(.formatError), most: 512)
        }
        guard !query.isResponse else { return .ignore }
        let most = min(max(Int(query.options?.answerBytesMax ?? 512), 512), Limits.dnsDatagramBytesMax)
        guard query.operation == 0 else { return .reply(query.reply(.notImplemented), most: most) }
        guard query.questions.count == 1, let question = query.questions.first else {
            return .reply(query.reply(.formatError), most: most)
        }
        let turn = self.turn.wrappingAdd(1, ordering: .relaxed).oldValue
        let (found, authority) = zone.withLock { ($0.answer(question, turn: turn), $0.authority) }
        switch found {
        case .records(let code, let answers, let additionals):
            var reply = query.reply(code)
            reply.isAuthoritative = true
            reply.answers = answers
            reply.additionals = additionals
            if answers.isEmpty { reply.authorities = [authority] }
            return .reply(reply, most: most)
        case .alias(let record, let target):
            var reply = query.reply()
            reply.answers = [record]
            guard question.kind != DNSMessage.Kind.alias else { return .reply(reply, most: most) }
            let next = DNSMessage.Question(name: target, kind: question.kind)
            if case .records(_, let more, _) = zone.withLock({ $0.answer(next, turn: turn) }) {
                reply.answers += more
                return .reply(reply, most: most)
            }
            var further = query
            further.questions = [next]
            return .forward(further, most: most, prefix: [record])
        case .elsewhere: return .forward(query, most: most, prefix: [])
        }
    }

    // MARK: Forwarding

    private func forward(
        _ query: DNSMessage, overTCP: Bool, most: Int, prefix: [DNSMessage.Record]
    ) async -> [UInt8] {
        defer { inFlight.wrappingSubtract(1, ordering: .relaxed) }
        var question = query
        question.options = DNSMessage.Options(answerBytesMax: UInt16(Limits.dnsDatagramBytesMax), version: 0)
        if inFlight.wrappingAdd(1, ordering: .relaxed).newValue <= Limits.dnsQuestionsMax {
            for server in upstream {
                question.identifier = randomIdentifier()
                guard let bytes = try? await ask(server, question, overTCP: overTCP),
                    let answer = try? DNSMessage(bytes), answer.code != .serverFailure
                else { continue }
                var reply = query.reply(answer.code)
                if let first = prefix.first {
                    reply.questions = [DNSMessage.Question(name: first.name, kind: query.questions[0].kind)]
                }
                reply.isTruncated = answer.isTruncated
                reply.answers = prefix + answer.answers
                reply.authorities = answer.authorities
                // Records of unknown kinds may hold compressed names, which mean nothing in another message: such an
                // answer is passed on as it came.
                if prefix.isEmpty, bytes.count <= (overTCP ? 65_535 : most), answer.hasOpaqueNames {
                    return [UInt8(query.identifier >> 8), UInt8(query.identifier & 255)] + bytes.dropFirst(2)
                }
                return reply.encoded(most: overTCP ? 65_535 : most)
            }
        }
        var failure = query.reply(.serverFailure)
        if let first = prefix.first {
            failure.questions = [DNSMessage.Question(name: first.name, kind: query.questions[0].kind)]
        }
        return failure.encoded(most: most)
    }

    /// Asks one server, twice over UDP. Answers that do not belong to the question are dropped.
    private func ask(_ server: IPv4Endpoint, _ question: DNSMessage, overTCP: Bool) async throws -> [UInt8] {
        let bytes = question.encoded()
        func belongs(_ answer: [UInt8]) -> Bool {
            guard let answer = try? DNSMessage(answer) else { return false }
            return answer.isResponse && answer.identifier == question.identifier
                && answer.questions == question.questions
        }
        if overTCP {
            let limit = Duration.seconds(Limits.dnsUpstreamSeconds)
            let connection = try await Dialer.connect(
                host: "\(server.address)", port: Int(server.port), timeout: limit)
            defer { connection.close() }
            try await connection.write([UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes)
            guard let answer = try await NameServer.message(from: connection, within: limit), belongs(answer) else {
                throw NetError(.closed, "the resolver \(server) gave no answer")
            }
            return answer
        }
        let socket = try DatagramSocket(connect: server)
        var failure: any Error = NetError(.timedOut, "the resolver \(server) gave no answer")
        for _ in 0..<2 {
            try socket.send(bytes)
            let deadline = clock.uptime() + .seconds(Limits.dnsUpstreamSeconds)
            do {
                while true {
                    let answer = try await socket.receive(until: deadline).bytes
                    if belongs(answer) { return answer }
                }
            } catch let error as NetError { failure = error }
        }
        throw failure
    }

    // MARK: Serving

    private func serveDatagrams() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                let bytes: [UInt8], peer: IPv4Endpoint
                do {
                    (bytes, peer) = try await datagrams.receive(most: 4096)
                } catch let error as NetError {
                    // A lack of memory passes; the other pods' questions must not end with it.
                    log.warning("a DNS question could not be read", ("error", error))
                    try await clock.sleep(for: .milliseconds(100))
                    continue
                }
                switch decide(bytes) {
                case .ignore: continue
                case .reply(let reply, let most): try? datagrams.send(reply.encoded(most: most), to: peer)
                case .forward(let query, let most, let prefix):
                    group.addTask {
                        let reply = await self.forward(query, overTCP: false, most: most, prefix: prefix)
                        // A client that went away is none of our business.
                        try? self.datagrams.send(reply, to: peer)
                    }
                }
            }
        }
    }

    private func serveConnections() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                let connection = try await listener.accept()
                guard open.load(ordering: .relaxed) < Limits.dnsConnectionsMax else {
                    connection.close()
                    continue
                }
                self.open.wrappingAdd(1, ordering: .relaxed)
                group.addTask {
                    defer {
                        connection.close()
                        self.open.wrappingSubtract(1, ordering: .relaxed)
                    }
                    do { try await self.serve(connection) } catch { self.log.debug("a DNS connection ended: \(error)") }
                }
            }
        }
    }

    private func serve(_ connection: Connection) async throws {
        let idle = Duration.seconds(Limits.dnsIdleSeconds)
        while let question = try await NameServer.message(from: connection, within: idle) {
            guard let reply = await answer(question, overTCP: true) else { return }
            try await connection.write([UInt8(reply.count >> 8), UInt8(reply.count & 255)] + reply)
        }
    }

    /// One message with its length before it, as DNS over TCP has it; nil at the end. Source: RFC 1035 §4.2.2.
    private static func message(from connection: Connection, within limit: Duration) async throws -> [UInt8]? {
        var bytes: [UInt8] = []
        var wanted = 2
        while bytes.count < wanted {
            guard let more = try await connection.read(most: wanted - bytes.count, within: limit), !more.isEmpty else {
                return nil
            }
            bytes += more
            if bytes.count == 2, wanted == 2 { wanted += Int(bytes[0]) << 8 | Int(bytes[1]) }
        }
        return Array(bytes.dropFirst(2))
    }
}

extension DNSMessage {
    /// True when a record may hold names that this codec does not read.
    fileprivate var hasOpaqueNames: Bool {
        (answers + authorities).contains {
            if case .other(let kind, _) = $0.content { kind != Kind.address6 } else { false }
        }
    }
}
