import Shared
import Synchronization
import Testing

@testable import Agent

struct ProcessPodNetworkTests {
    static let node = NodeNetwork(
        name: "n1", address: IPv4Address(127, 112, 1, 1), podCIDR: IPv4Network(IPv4Address(127, 112, 1, 0), prefix: 24),
        clusterCIDR: IPv4Network(IPv4Address(127, 112, 0, 0), prefix: 16),
        serviceCIDR: IPv4Network(IPv4Address(127, 96, 0, 0), prefix: 16))

    static func service(port: UInt16, target: UInt16, transport: PortProtocol, _ backends: [IPv4Address])
        -> ServiceEntry
    {
        var entry = ServiceEntry(name: ServiceName(namespace: "default", name: "web"))
        entry.ports = [.init(name: "", transport: transport, port: port)]
        entry.clusterIPs = [IPv4Address(127, 96, 0, 10)]
        entry.groups = [
            EndpointGroup(
                ports: [.init(name: "", transport: transport, number: target)],
                endpoints: backends.map { Endpoint(address: $0) })
        ]
        return entry
    }

    /// A UDP port that the kernel chose there and that is free again on return.
    static func freePort(_ address: IPv4Address) throws -> UInt16 {
        try DatagramSocket(bind: IPv4Endpoint(address, port: 0)).port
    }

    @Test func `connections to a service reach all of its pods`() async throws {
        let network = ProcessPodNetwork(
            clock: SystemClock(), log: Log("network", sink: { _ in }), bindsLowPorts: false, remark: { _, _ in })
        _ = try await network.setUp(Self.node, running: [])
        let first = try await network.attach(.init(uid: "a", namespace: "default", name: "a"), to: .node).address
        let second = try await network.attach(.init(uid: "b", namespace: "default", name: "b"), to: .node).address
        #expect(first != second)
        let one = try Listener.tcp(host: "\(first)", port: 0)
        let two = try Listener.tcp(host: "\(second)", port: one.port)
        // A port that is free on the service's address, since the kernel chose it there.
        let probe = try Listener.tcp(host: "127.96.0.10", port: 0)
        let port = UInt16(probe.port)
        probe.close()
        let entry = Self.service(port: port, target: UInt16(one.port), transport: .tcp, [first, second])

        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await network.run() }
            for (listener, letter) in [(one, "a"), (two, "b")] {
                group.addTask {
                    while true {
                        let connection = try await listener.accept()
                        let question = try await connection.read(most: 100) ?? []
                        try await connection.write(Array(letter.utf8) + question)
                        connection.closeWriting()
                    }
                }
            }
            try await network.update(services: [entry.name: entry])
            var answers: [String] = []
            for _ in 0..<4 {
                let connection = try await Dialer.connect(host: "127.96.0.10", port: Int(port))
                try await connection.write(Array("?".utf8))
                connection.closeWriting()
                var text: [UInt8] = []
                while let more = try await connection.read(most: 100), !more.isEmpty { text += more }
                answers.append(String(decoding: text, as: UTF8.self))
                connection.close()
            }
            #expect(answers.sorted() == ["a?", "a?", "b?", "b?"])

            // Without endpoints the door is closed.
            var empty = entry
            empty.groups = []
            try await network.update(services: [entry.name: empty])
            await #expect(throws: NetError.self) {
                _ = try await Dialer.connect(host: "127.96.0.10", port: Int(port))
            }
            group.cancelAll()
            while let result = await group.nextResult() { _ = result }
        }
    }

    @Test func `datagrams go to an endpoint and come back`() async throws {
        let network = ProcessPodNetwork(
            clock: SystemClock(), log: Log("network", sink: { _ in }), bindsLowPorts: false, remark: { _, _ in })
        _ = try await network.setUp(Self.node, running: [])
        let pod = IPv4Address(127, 112, 1, 9)
        let echo = try DatagramSocket(bind: IPv4Endpoint(pod, port: 0))
        let port = try Self.freePort(IPv4Address(127, 96, 0, 11))
        var entry = Self.service(port: port, target: echo.port, transport: .udp, [pod])
        entry.clusterIPs = [IPv4Address(127, 96, 0, 11)]
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await network.run() }
            group.addTask {
                while true {
                    let (bytes, peer) = try await echo.receive()
                    try echo.send(bytes + [1], to: peer)
                }
            }
            try await network.update(services: [entry.name: entry])
            let client = try DatagramSocket(connect: IPv4Endpoint(IPv4Address(127, 96, 0, 11), port: port))
            for round in UInt8(0)..<3 {
                try client.send([round])
                #expect(try await client.receive(until: SystemClock().uptime() + .seconds(5)).bytes == [round, 1])
            }
            group.cancelAll()
            while let result = await group.nextResult() { _ = result }
        }
    }

    @Test func `a low port is offered higher with a sentence`() {
        let entry = Self.service(port: 80, target: 8080, transport: .tcp, [IPv4Address(127, 112, 1, 2)])
        let plan = ProxyPlan([entry], node: Self.node, bindsLowPorts: false)
        #expect(plan.doors.keys.map(\.port) == [30080] && plan.remarks[entry.name]?.contains("30080") == true)
        #expect(ProxyPlan([entry], node: Self.node, bindsLowPorts: true).doors.keys.map(\.port) == [80])
        let names = ServiceEnvironment.variables(namespace: "default", services: [entry]) {
            ProxyPlan.offered($0, bindsLowPorts: false)
        }
        #expect(names.first { $0.name == "WEB_SERVICE_HOST" }?.value == "127.96.0.10")
        #expect(names.first { $0.name == "WEB_PORT_80_TCP" }?.value == "tcp://127.96.0.10:30080")
    }

    @Test func `a client with affinity stays, others take turns`() {
        let backends = (2..<5).map { ServiceRules.Backend(address: IPv4Address(127, 0, 0, $0), port: 1) }
        var free = Balance(backends, affinitySeconds: nil)
        #expect(Set((0..<3).compactMap { _ in free.order(for: .loopback, now: .zero).first }) == Set(backends))
        var bound = Balance(backends, affinitySeconds: 10)
        bound.settle(.loopback, on: backends[2], now: .zero)
        #expect((0..<3).allSatisfy { _ in bound.order(for: .loopback, now: .seconds(9)).first == backends[2] })
        bound.replace([backends[0]])
        #expect(bound.order(for: .loopback, now: .seconds(9)) == [backends[0]])
    }

    @Test func `addresses outside of the loopback block are refused with a sentence`() async {
        let network = ProcessPodNetwork(
            clock: SystemClock(), log: Log("network", sink: { _ in }), bindsLowPorts: true, remark: { _, _ in })
        let node = NodeNetwork(
            name: "n1", address: .loopback, podCIDR: IPv4Network(IPv4Address(10, 244, 1, 0), prefix: 24),
            clusterCIDR: .all, serviceCIDR: Self.node.serviceCIDR)
        await #expect(throws: ProcessPodNetwork.Misplaced.self) { _ = try await network.setUp(node, running: []) }
    }
}
