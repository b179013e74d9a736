import Shared
import Synchronization

/// The reverse proxy of a node: takes requests on ports 80 and 443 and passes them on by the cluster's ingresses.
/// It begins to listen with the first ingress. A class: it keeps connections to services.
final class IngressProxy: Service {
    private struct State {
        var table = IngressTable()
        var transports: [String: HTTPTransport] = [:]
        var turn = 0
    }
    private let state = Mutex(State())
    private let ingresses: Informer<Ingress>
    private let classes: Informer<IngressClass>
    /// The services and endpoints as the node's network knows them.
    private let service: @Sendable (ServiceName) -> ServiceEntry?
    private let certificates: IngressCertificates
    private let address: String
    private let ports: (plain: Int, secure: Int)
    private let recorder: Recorder
    private let clock: any WallClock
    private let log: Log
    private let changes: AsyncStream<Void>
    private let change: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - address: of the node, where it listens.
    ///   - ports: 80 and 443, or what is offered in their place.
    init(
        ingresses: Informer<Ingress>, classes: Informer<IngressClass>,
        service: @escaping @Sendable (ServiceName) -> ServiceEntry?, certificates: IngressCertificates,
        address: String, ports: (plain: Int, secure: Int), recorder: Recorder, clock: any WallClock, log: Log
    ) {
        self.ingresses = ingresses
        self.classes = classes
        self.service = service
        self.certificates = certificates
        self.address = address
        self.ports = ports
        self.recorder = recorder
        self.clock = clock
        self.log = log
        (changes, change) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func run() async throws {
        await ingresses.waitUntilSynced()
        await classes.waitUntilSynced()
        ingresses.add { [self] _ in rebuild() }
        classes.add { [self] _ in rebuild() }
        for await _ in changes where !state.withLock({ $0.table.isEmpty }) { break }
        try Task.checkCancellation()
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { [self] in try await certificates.run { [self] in state.withLock { $0.table.secrets } } }
            for isSecure in [false, true] { group.addTask { [self] in try await listen(isSecure: isSecure) } }
        }
    }

    private func rebuild() { use(IngressTable(ingresses.list(), classes: classes.list())) }

    /// Serves by these rules from now on.
    func use(_ table: IngressTable) {
        let hasChanged = state.withLock { state in
            if state.table == table { return false }
            state.table = table
            return true
        }
        if hasChanged {
            change.yield()
            certificates.wake()
        }
    }

    /// Serves one of the two ports; tries again while somebody else has it.
    private func listen(isSecure: Bool) async throws {
        let port = isSecure ? ports.secure : ports.plain
        while true {
            do {
                let listener = try Listener.tcp(host: address, port: port)
                log.info("ingresses are served", ("address", "\(address):\(listener.port)"))
                let server = HTTPServer(
                    [.init(listener, tls: isSecure ? certificates.context : nil)], log: log,
                    handler: { [self] in await answer($0, isSecure: isSecure) })
                try await server.run()
            } catch let error as NetError {
                tell("Ingresses are not served on node \(address): \(error)")
                try await clock.sleep(for: .seconds(Limits.ingressRetrySeconds))
            }
        }
    }

    private func tell(_ sentence: String) {
        log.warning("\(sentence)")
        for ingress in ingresses.list().prefix(10) { recorder.event(ingress, .warning, "PortUnavailable", sentence) }
    }

    // MARK: Requests

    func answer(_ call: HTTPServerRequest, isSecure: Bool) async -> HTTPServerReply {
        let request = call.request
        let path = ForwardedRequest.path(request.target)
        guard request.target.hasPrefix("/") else { return IngressProxy.problem(400, "the request names no path") }
        guard let backend = state.withLock({ $0.table.backend(host: request.headers["Host"] ?? "", path: path) }) else {
            return IngressProxy.problem(404, "no ingress has a rule for this host and path")
        }
        guard let entry = service(backend.service), let port = entry.port(backend.port) else {
            return IngressProxy.problem(503, "service \(backend.service) has no such port")
        }
        let targets = targets(entry, port)
        guard !targets.isEmpty else {
            return IngressProxy.problem(503, "service \(backend.service) has no endpoint that is ready")
        }
        let isUpgrade = ForwardedRequest.isUpgrade(request)
        let forwarded = ForwardedRequest.request(
            request, peer: call.peer.host, scheme: isSecure ? "https" : "http",
            port: isSecure ? ports.secure : ports.plain, isUpgrade: isUpgrade)
        for (index, target) in targets.prefix(Limits.proxyAttemptsMax).enumerated() {
            do {
                return try await isUpgrade ? upgrade(forwarded, target) : pass(forwarded, target)
            } catch let error as NetError {
                // Nobody was there: nothing of the request has arrived anywhere.
                let isUnheard = error.reason == .refused || error.reason == .unreachable
                if isUnheard, index + 1 < min(targets.count, Limits.proxyAttemptsMax) { continue }
                let code = error.reason == .timedOut ? 504 : 502
                return IngressProxy.problem(code, "service \(backend.service) did not answer: \(error)")
            } catch {
                return IngressProxy.problem(502, "service \(backend.service) did not answer: \(error)")
            }
        }
        return IngressProxy.problem(502, "service \(backend.service) did not answer")
    }

    /// The addresses behind a service's port, each request beginning with another one.
    private func targets(_ entry: ServiceEntry, _ port: ServiceEntry.Port) -> [HTTPTransport.Target] {
        if !entry.externalName.isEmpty { return [.host(entry.externalName, port: Int(port.port))] }
        let backends = entry.backends(of: port)
        guard !backends.isEmpty else { return [] }
        let turn = state.withLock { state in
            state.turn &+= 1
            return Int(UInt(bitPattern: state.turn) % UInt(backends.count))
        }
        return (backends[turn...] + backends[..<turn]).map { .host("\($0.address)", port: Int($0.port)) }
    }

    private func transport(_ target: HTTPTransport.Target) -> HTTPTransport {
        let key = "\(target)"
        let (found, dropped) = state.withLock { state -> (HTTPTransport, [HTTPTransport]) in
            if let known = state.transports[key] { return (known, []) }
            var dropped: [HTTPTransport] = []
            if state.transports.count >= Limits.proxiedBackendsMax {
                dropped = Array(state.transports.values)
                state.transports = [:]
            }
            let new = HTTPTransport(target)
            state.transports[key] = new
            return (new, dropped)
        }
        for transport in dropped { transport.closeIdle() }
        return found
    }

    private func pass(_ request: HTTPRequest, _ target: HTTPTransport.Target) async throws -> HTTPServerReply {
        let answer = try await transport(target).stream(request)
        let headers = ForwardedRequest.answer(answer.headers)
        let length = answer.headers["Content-Length"].flatMap { Int($0) }
        let isBodiless = request.method == "HEAD" || answer.status == 204 || answer.status == 304
        if isBodiless || length.map({ $0 <= Limits.proxyWholeAnswerMax }) ?? false {
            var pieces: [[UInt8]] = []
            while !isBodiless, let piece = try await answer.body.next() { pieces.append(piece) }
            if isBodiless { answer.body.close() }
            return .whole(status: answer.status, headers: headers, pieces: pieces)
        }
        return .stream(status: answer.status, headers: headers) { writer in
            defer { answer.body.close() }
            while let piece = try await answer.body.next() { try await writer.write(piece) }
        }
    }

    /// A WebSocket or another protocol: bytes go both ways until one side ends.
    private func upgrade(_ request: HTTPRequest, _ target: HTTPTransport.Target) async throws -> HTTPServerReply {
        let (answer, channel) = try await transport(target).upgrade(request)
        var headers = ForwardedRequest.answer(answer.headers)
        guard let channel else { return .whole(status: answer.status, headers: headers, pieces: [answer.body]) }
        if let name = answer.headers["Upgrade"] { headers["Upgrade"] = name }
        return .upgrade(headers: headers) { client in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await IngressProxy.copy(from: client, to: channel) }
                group.addTask { await IngressProxy.copy(from: channel, to: client) }
                _ = await group.next()
                client.close()
                channel.close()
            }
        }
    }

    private static func copy(from source: any ByteChannel, to target: any ByteChannel) async {
        do {
            while let bytes = try await source.read(most: Limits.readBytes) { try await target.write(bytes) }
        } catch {
            // One side is gone; the caller closes the other.
        }
    }

    static func problem(_ status: Int, _ sentence: String) -> HTTPServerReply {
        .whole(
            status: status, headers: ["Content-Type": "text/plain; charset=utf-8"],
            pieces: [Array("\(sentence)\n".utf8)])
    }
}
