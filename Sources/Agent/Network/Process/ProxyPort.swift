import Shared
import Synchronization

/// One open door of the proxy: takes connections or datagrams and passes them to endpoints. A class: it owns the socket.
final class ProxyPort: Sendable {
    private enum Opening: Sendable {
        case stream(Listener)
        case datagrams(DatagramSocket)
    }
    private let opening: Opening
    private let balance: Mutex<Balance>
    private let clock: any WallClock
    private let clients = Mutex<[IPv4Endpoint: DatagramSocket]>([:])
    private let open = Atomic<Int>(0)

    /// Several agents open the same door; the kernel spreads the clients over them.
    /// - Throws: `NetError`.
    init(_ door: ProxyPlan.Door, balance: Balance, clock: any WallClock) throws {
        switch door.transport {
        case .udp:
            opening = .datagrams(
                try DatagramSocket(bind: IPv4Endpoint(door.address, port: door.port), reusePort: true))
        case .tcp, .sctp:
            opening = .stream(try Listener.tcp(host: "\(door.address)", port: Int(door.port), reusePort: true))
        }
        self.balance = Mutex(balance)
        self.clock = clock
    }

    var port: UInt16 {
        switch opening {
        case .stream(let listener): UInt16(clamping: listener.port)
        case .datagrams(let socket): socket.port
        }
    }

    func replace(_ backends: [ServiceRules.Backend]) { balance.withLock { $0.replace(backends) } }

    /// Takes no new clients; connections that exist go on.
    func close() {
        switch opening {
        case .stream(let listener): listener.close()
        case .datagrams(let socket): socket.close()
        }
    }

    /// Serves until `close`.
    func serve() async {
        await withDiscardingTaskGroup { group in
            do {
                switch opening {
                case .stream(let listener): try await accept(listener, &group)
                case .datagrams(let socket): try await pass(socket, &group)
                }
            } catch {
                // Closed or cancelled: the normal end of a door.
            }
            if Task.isCancelled { group.cancelAll() }
        }
    }

    private func order(for client: IPv4Address) -> [ServiceRules.Backend] {
        balance.withLock { $0.order(for: client, now: clock.uptime()) }
    }

    // MARK: TCP

    private func accept(_ listener: Listener, _ group: inout DiscardingTaskGroup) async throws {
        while true {
            let client = try await listener.accept()
            guard open.load(ordering: .relaxed) < Limits.proxyConnectionsMax else {
                client.close()
                continue
            }
            open.wrappingAdd(1, ordering: .relaxed)
            group.addTask {
                await self.join(client)
                self.open.wrappingSubtract(1, ordering: .relaxed)
            }
        }
    }

    /// Connects the client with the first endpoint that answers, and copies both ways until both ends are done.
    private func join(_ client: Connection) async {
        defer { client.close() }
        let address = IPv4Address(client.peer.host) ?? .any
        for backend in order(for: address).prefix(3) {
            let dialed = try? await Dialer.connect(
                host: "\(backend.address)", port: Int(backend.port), timeout: .seconds(2))
            guard let server = dialed else { continue }
            balance.withLock { $0.settle(address, on: backend, now: clock.uptime()) }
            defer { server.close() }
            await withDiscardingTaskGroup { group in
                group.addTask { await ProxyPort.copy(from: client, to: server) }
                group.addTask { await ProxyPort.copy(from: server, to: client) }
            }
            return
        }
    }

    /// The end of one direction is passed on; a failure ends both.
    private static func copy(from source: Connection, to target: Connection) async {
        do {
            while let bytes = try await source.read(most: Limits.readBytes, within: nil), !bytes.isEmpty {
                try await target.write(bytes)
            }
            target.closeWriting()
        } catch {
            source.close()
            target.close()
        }
    }

    // MARK: UDP

    private func pass(_ socket: DatagramSocket, _ group: inout DiscardingTaskGroup) async throws {
        while true {
            let (bytes, peer) = try await socket.receive()
            if let known = clients.withLock({ $0[peer] }) {
                try? known.send(bytes)
                continue
            }
            guard clients.withLock({ $0.count }) < Limits.proxyClientsMax, let backend = order(for: peer.address).first,
                let server = try? DatagramSocket(connect: IPv4Endpoint(backend.address, port: backend.port))
            else { continue }
            balance.withLock { $0.settle(peer.address, on: backend, now: clock.uptime()) }
            clients.withLock { $0[peer] = server }
            try? server.send(bytes)
            group.addTask {
                await self.passBack(from: server, to: peer, over: socket)
                self.clients.withLock { $0[peer] = nil }
            }
        }
    }

    /// Ends when the endpoint has been silent for a while or its port is closed.
    private func passBack(from server: DatagramSocket, to peer: IPv4Endpoint, over socket: DatagramSocket) async {
        do {
            while true {
                let deadline = clock.uptime() + .seconds(Limits.proxyClientSeconds)
                try socket.send(try await server.receive(until: deadline).bytes, to: peer)
            }
        } catch {
            // Silence, a closed port or the end of the program: the client starts anew with its next datagram.
        }
    }
}
