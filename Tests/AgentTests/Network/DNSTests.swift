import Shared
import Testing

@testable import Agent

struct DNSMessageTests {
    static func name(_ text: String) -> DNSName { DNSName(text) ?? DNSName(labels: []) }

    @Test func `a question reads as a real client sends it`() throws {
        // Header: id 0x1234, RD, one question; "www.Example.com" A IN.
        let bytes: [UInt8] =
            [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3] + Array("www".utf8) + [7] + Array("Example".utf8) + [3]
            + Array("com".utf8) + [0, 0, 1, 0, 1]
        let message = try DNSMessage(bytes)
        #expect(message.identifier == 0x1234 && message.wantsRecursion && !message.isResponse)
        #expect(message.questions == [.init(name: Self.name("www.example.com"), kind: 1)])
        // The case of the question comes back as it was sent.
        #expect(message.reply().encoded().contains(UInt8(ascii: "E")))
    }

    @Test func `every kind of record survives the wire`() throws {
        var message = DNSMessage(identifier: 7)
        message.isResponse = true
        let name = Self.name("_http._tcp.web.default.svc.cluster.local")
        let target = Self.name("web.default.svc.cluster.local")
        message.questions = [.init(name: name, kind: DNSMessage.Kind.service)]
        message.answers = [
            .init(name: name, seconds: 5, content: .service(priority: 0, weight: 100, port: 80, target: target)),
            .init(name: target, seconds: 5, content: .alias(name)),
            .init(name: target, seconds: 5, content: .text("x")),
            .init(name: target, seconds: 5, content: .pointer(target)),
            .init(name: target, seconds: 5, content: .other(kind: 99, [1, 2, 3])),
        ]
        message.additionals = [.init(name: target, seconds: 5, content: .address(IPv4Address(10, 96, 0, 1)))]
        message.options = .init(answerBytesMax: 1232, version: 0)
        let bytes = message.encoded()
        #expect(try DNSMessage(bytes) == message)
        // Names are written once.
        #expect(bytes.count < 240)
    }

    @Test func `an answer that does not fit is cut and says so`() throws {
        var message = DNSMessage(identifier: 7)
        message.isResponse = true
        let name = Self.name("web.default.svc.cluster.local")
        message.answers = (0..<100).map { .init(name: name, seconds: 5, content: .address(IPv4Address(10, 0, 0, $0))) }
        let bytes = message.encoded(most: 512)
        #expect(bytes.count <= 512)
        let read = try DNSMessage(bytes)
        #expect(read.isTruncated && !read.answers.isEmpty && read.answers.count < 100)
    }

    @Test(
        arguments: [
            // A name that points at itself, and one that points forward.
            [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xC0, 12, 0, 1, 0, 1],
            [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xC0, 14, 0xC0, 12, 0, 1, 0, 1],
            // A label longer than the message, and a reserved label type.
            [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 63, 1, 2], [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x80, 0, 1, 0, 1],
            [], [0, 1, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0],
        ] as [[UInt8]])
    func `malformed messages are refused`(bytes: [UInt8]) {
        #expect(throws: DNSMessage.Malformed.self) { try DNSMessage(bytes) }
    }

    @Test(arguments: 0..<300)
    func `a damaged message is read or refused`(seed: Int) {
        var random = SystemRandomNumberGenerator()
        var message = DNSMessage(identifier: 1)
        let name = Self.name("a.b.default.svc.cluster.local")
        message.questions = [.init(name: name, kind: 1)]
        message.answers = [.init(name: name, seconds: 5, content: .alias(name))]
        var bytes = message.encoded()
        for _ in 0...(seed % 6) {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        let cut = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
        for input in [bytes, cut] { if let read = try? DNSMessage(input) { _ = read.encoded() } }
    }
}

struct ZoneTests {
    static func entry(_ name: String, _ edit: (inout ServiceEntry) -> Void) -> ServiceEntry {
        var entry = ServiceEntry(name: ServiceName(namespace: "default", name: name))
        edit(&entry)
        return entry
    }
    static let zone: Zone = {
        var zone = Zone(networks: [
            IPv4Network(IPv4Address(10, 96, 0, 0), prefix: 16), IPv4Network(IPv4Address(10, 244, 0, 0), prefix: 16),
        ])
        var unready = Endpoint(address: IPv4Address(10, 244, 1, 4), hostname: "db-1")
        unready.isReady = false
        for entry in [
            entry("web") {
                $0.clusterIPs = [IPv4Address(10, 96, 0, 10)]
                $0.ports = [.init(name: "http", transport: .tcp, port: 80)]
            },
            entry("db") {
                $0.isHeadless = true
                $0.ports = [.init(name: "sql", transport: .tcp, port: 5432)]
                $0.groups = [
                    EndpointGroup(
                        ports: [.init(name: "sql", transport: .tcp, number: 5432)],
                        endpoints: [
                            Endpoint(address: IPv4Address(10, 244, 1, 3), hostname: "db-0"), unready,
                            Endpoint(address: IPv4Address(10, 244, 2, 9)),
                        ])
                ]
            },
            entry("old") { $0.externalName = "old.example.com" },
        ] { zone.set(entry.name, entry) }
        return zone
    }()

    static func ask(_ name: String, _ kind: UInt16 = DNSMessage.Kind.address) -> Zone.Answer {
        zone.answer(.init(name: DNSMessageTests.name(name), kind: kind))
    }
    static func contents(_ answer: Zone.Answer) -> [DNSMessage.Record.Content] {
        if case .records(.success, let answers, _) = answer { answers.map(\.content) } else { [] }
    }

    @Test func `a service has its address`() {
        #expect(Self.contents(Self.ask("Web.default.SVC.cluster.local")) == [.address(IPv4Address(10, 96, 0, 10))])
    }
    @Test func `a headless service has the addresses of its ready endpoints`() {
        #expect(
            Self.contents(Self.ask("db.default.svc.cluster.local")) == [
                .address(IPv4Address(10, 244, 1, 3)), .address(IPv4Address(10, 244, 2, 9)),
            ])
    }
    @Test(arguments: [("db-0", IPv4Address(10, 244, 1, 3)), ("10-244-2-9", IPv4Address(10, 244, 2, 9))])
    func `an endpoint has a name of its own`(label: String, address: IPv4Address) {
        #expect(Self.contents(Self.ask("\(label).db.default.svc.cluster.local")) == [.address(address)])
    }
    @Test func `a port has a service record with the address of its target`() {
        let answer = Self.ask("_http._tcp.web.default.svc.cluster.local", DNSMessage.Kind.service)
        guard case .records(.success, let answers, let additionals) = answer else {
            Issue.record("no records: \(answer)")
            return
        }
        let target = DNSMessageTests.name("web.default.svc.cluster.local")
        #expect(answers.map(\.content) == [.service(priority: 0, weight: 100, port: 80, target: target)])
        #expect(additionals.map(\.content) == [.address(IPv4Address(10, 96, 0, 10))])
        #expect(Self.ask("_nope._tcp.web.default.svc.cluster.local", DNSMessage.Kind.service) == .missing)
    }
    @Test func `a pod's name is its address`() {
        let answer = Self.ask("10-244-1-7.default.pod.cluster.local")
        #expect(Self.contents(answer) == [.address(IPv4Address(10, 244, 1, 7))])
    }
    @Test func `an address leads back to its name`() {
        let service = Self.ask("10.0.96.10.in-addr.arpa", DNSMessage.Kind.pointer)
        #expect(Self.contents(service) == [.pointer(DNSMessageTests.name("web.default.svc.cluster.local"))])
        let endpoint = Self.ask("3.1.244.10.in-addr.arpa", DNSMessage.Kind.pointer)
        #expect(Self.contents(endpoint) == [.pointer(DNSMessageTests.name("db-0.db.default.svc.cluster.local"))])
        #expect(Self.ask("99.1.244.10.in-addr.arpa", DNSMessage.Kind.pointer) == .missing)
        #expect(Self.ask("1.1.1.1.in-addr.arpa", DNSMessage.Kind.pointer) == .elsewhere)
    }
    @Test func `a name without records of a kind differs from no name`() {
        #expect(Self.ask("web.default.svc.cluster.local", DNSMessage.Kind.address6) == .empty)
        #expect(Self.ask("default.svc.cluster.local") == .empty && Self.ask("svc.cluster.local") == .empty)
        for name in ["nope.default.svc.cluster.local", "nope.svc.cluster.local", "www.example.com.cluster.local"] {
            #expect(Self.ask(name) == .missing)
        }
    }
    @Test func `other names are asked elsewhere, and an external name stands for another`() {
        #expect(Self.ask("www.example.com") == .elsewhere)
        guard case .alias(_, let target) = Self.ask("old.default.svc.cluster.local") else {
            Issue.record("no alias")
            return
        }
        #expect(target == DNSMessageTests.name("old.example.com"))
    }
    @Test func `a service that goes takes its names along`() {
        var zone = Self.zone
        for name in zone.services.keys { zone.set(name, nil) }
        let question = DNSMessage.Question(name: DNSMessageTests.name("default.svc.cluster.local"), kind: 1)
        #expect(zone.answer(question) == .missing)
    }
}

struct ResolversTests {
    @Test func `a stub on localhost is passed over for the file behind it`() {
        let found = Resolvers.upstream([
            "nameserver 127.0.0.53\noptions edns0", "# real\nnameserver 192.168.1.1\nnameserver ::1",
        ])
        #expect(found == [IPv4Endpoint(IPv4Address(192, 168, 1, 1), port: 53)])
    }
    @Test func `a pod asks the cluster first`() {
        let pod = Pod(name: "p", namespace: "shop")
        let text = Resolvers.configuration(
            for: pod, nameServer: LinuxPodNetwork.gateway, node: Resolvers.parse("search lan")
        ).text
        #expect(
            text == """
                nameserver 169.254.1.1
                search shop.svc.cluster.local svc.cluster.local cluster.local lan
                options ndots:5

                """)
    }
    @Test func `a pod's own settings are added`() {
        var pod = Pod(name: "p", namespace: "shop")
        pod.spec.json["dnsPolicy"] = "None"
        pod.spec.json["dnsConfig"] = [
            "nameservers": ["1.1.1.1"], "searches": ["x y"], "options": [["name": "ndots", "value": "2"]],
        ]
        let configuration = Resolvers.configuration(for: pod, nameServer: nil, node: Resolvers.parse(""))
        #expect(configuration.text == "nameserver 1.1.1.1\noptions ndots:2\n")
    }
}

struct NameServerTests {
    static let local = IPv4Endpoint(.loopback, port: 0)

    static func ask(_ port: UInt16, _ name: String) async throws -> DNSMessage {
        let socket = try DatagramSocket(connect: IPv4Endpoint(.loopback, port: port))
        var query = DNSMessage(identifier: 42)
        query.questions = [.init(name: DNSMessageTests.name(name), kind: DNSMessage.Kind.address)]
        try socket.send(query.encoded())
        return try DNSMessage(try await socket.receive(until: SystemClock().uptime() + .seconds(5)).bytes)
    }

    @Test func `own names are answered and others are passed on`() async throws {
        var outer = Zone(domain: "example.com", networks: [])
        var entry = ZoneTests.entry("www") { $0.clusterIPs = [IPv4Address(192, 0, 2, 1)] }
        entry.groups = []
        outer.set(entry.name, entry)
        let log = Log("dns", sink: { _ in })
        let upstream = try NameServer(
            on: Self.local, zone: outer, upstream: [], clock: SystemClock(), log: log, randomIdentifier: { 1 })
        var zone = ZoneTests.zone
        let alias = ZoneTests.entry("alias") { $0.externalName = "www.default.svc.example.com" }
        zone.set(alias.name, alias)
        let server = try NameServer(
            on: Self.local, zone: zone, upstream: [IPv4Endpoint(.loopback, port: upstream.port)],
            clock: SystemClock(), log: log, randomIdentifier: { 7 })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await upstream.run() }
            group.addTask { try await server.run() }
            let own = try await Self.ask(server.port, "web.default.svc.cluster.local")
            #expect(own.answers.map(\.content) == [.address(IPv4Address(10, 96, 0, 10))] && own.identifier == 42)
            let other = try await Self.ask(server.port, "www.default.svc.example.com")
            #expect(other.answers.map(\.content) == [.address(IPv4Address(192, 0, 2, 1))] && other.identifier == 42)
            let through = try await Self.ask(server.port, "alias.default.svc.cluster.local")
            #expect(through.answers.count == 2 && through.answers.last?.content == .address(IPv4Address(192, 0, 2, 1)))
            let missing = try await Self.ask(server.port, "nope.default.svc.cluster.local")
            #expect(missing.code == .nameError && missing.authorities.count == 1)
            let nowhere = try await Self.ask(upstream.port, "www.example.org")
            #expect(nowhere.code == .serverFailure)

            let connection = try await Dialer.connect(host: "127.0.0.1", port: Int(server.port))
            var query = DNSMessage(identifier: 9)
            query.questions = [.init(name: DNSMessageTests.name("web.default.svc.cluster.local"), kind: 1)]
            let bytes = query.encoded()
            try await connection.write([0, UInt8(bytes.count)] + bytes)
            var got: [UInt8] = []
            while got.count < 2 || got.count < 2 + Int(got[1]), let more = try await connection.read(most: 512) {
                got += more
            }
            #expect(try DNSMessage(Array(got.dropFirst(2))).answers.count == 1)
            connection.close()
            group.cancelAll()
            while let result = await group.nextResult() { _ = result }
        }
    }
}
