import Shared
import Synchronization
import TestKit
import Testing

@testable import Agent

struct IngressTests {
    private static func ingress(_ name: String, _ spec: JSON, created: Int64 = 0) -> Ingress {
        var ingress = Ingress(name: name, namespace: "shop")
        ingress.metadata.creationTimestamp = Timestamp(seconds: created)
        ingress.json["spec"] = spec
        ingress.json["spec"]["ingressClassName"] = "kotohajime"
        return ingress
    }
    private static func path(_ path: String, _ type: String, _ service: String) -> JSON {
        [
            "path": .string(path), "pathType": .string(type),
            "backend": ["service": ["name": .string(service), "port": ["number": 80]]],
        ]
    }
    private static let classes: [IngressClass] = {
        var own = IngressClass(name: "kotohajime")
        own.json["spec"] = ["controller": .string(IngressClass.controller)]
        own.metadata.annotations = ["ingressclass.kubernetes.io/is-default-class": "true"]
        return [own, IngressClass(name: "nginx")]
    }()
    private static let table = IngressTable(
        [
            ingress(
                "main",
                [
                    "defaultBackend": ["service": ["name": "fallback", "port": ["name": "http"]]],
                    "tls": [["hosts": ["shop.example.com"], "secretName": "shop-tls"]],
                    "rules": [
                        [
                            "host": "shop.example.com",
                            "http": [
                                "paths": [
                                    path("/", "Prefix", "web"), path("/api", "Prefix", "api"),
                                    path("/api/v2", "ImplementationSpecific", "api2"), path("/api", "Exact", "exact"),
                                ]
                            ],
                        ],
                        ["host": "*.example.com", "http": ["paths": [path("/x", "Prefix", "wild")]]],
                        ["http": ["paths": [path("/any", "Prefix", "any")]]],
                    ],
                ])
        ], classes: classes)

    @Test(arguments: [
        ("shop.example.com", "/", "web"), ("SHOP.example.com:8080", "/index.html", "web"),
        ("shop.example.com", "/api", "exact"), ("shop.example.com", "/api/", "api"),
        ("shop.example.com", "/api/x", "api"), ("shop.example.com", "/apix", "web"),
        ("shop.example.com", "/api/v2/y", "api2"), ("other.example.com", "/x/1", "wild"),
        ("a.b.example.com", "/x", "fallback"), ("10.0.0.1", "/any/thing", "any"), ("nobody", "/", "fallback"),
        ("", "/any", "any"),
    ]) func `host and path choose the service`(host: String, path: String, service: String) {
        #expect(IngressTests.table.backend(host: host, path: path)?.service.name == service)
    }

    @Test func `an ingress of another class is not served`() {
        var foreign = IngressTests.ingress(
            "foreign", ["rules": [["http": ["paths": [IngressTests.path("/", "Prefix", "f")]]]]])
        foreign.json["spec"]["ingressClassName"] = "nginx"
        #expect(IngressTable([foreign], classes: IngressTests.classes).isEmpty)
        foreign.json["spec"].remove("ingressClassName")
        #expect(!IngressTable([foreign], classes: IngressTests.classes).isEmpty)
    }

    @Test func `the older ingress keeps a rule that a newer one claims too`() {
        let rule: (String) -> JSON = {
            ["rules": [["host": "a.b", "http": ["paths": [IngressTests.path("/", "Prefix", $0)]]]]]
        }
        let table = IngressTable(
            [
                IngressTests.ingress("a-new", rule("new"), created: 9),
                IngressTests.ingress("z-old", rule("old"), created: 1),
            ],
            classes: IngressTests.classes)
        #expect(table.backend(host: "a.b", path: "/")?.service.name == "old")
    }

    @Test func `fields of one connection are not passed on`() {
        let request = HTTPRequest(
            "GET", "/x?y",
            headers: [
                "Host": "a.b", "Connection": "close, X-Secret", "X-Secret": "1", "Keep-Alive": "5", "Accept": "*/*",
                "X-Forwarded-For": "1.2.3.4",
            ])
        let passed = ForwardedRequest.request(request, peer: "5.6.7.8", scheme: "https", port: 443, isUpgrade: false)
        #expect(passed.headers["Connection"] == nil)
        #expect(passed.headers["X-Secret"] == nil)
        #expect(passed.headers["Keep-Alive"] == nil)
        #expect(passed.headers["Accept"] == "*/*")
        #expect(passed.headers["X-Forwarded-For"] == "1.2.3.4, 5.6.7.8")
        #expect(passed.headers["X-Forwarded-Proto"] == "https")
        #expect(ForwardedRequest.path("/x?y") == "/x")
    }

    /// Whatever paths are asked for, the answer is that of a plain search over all rules.
    @Test(arguments: 0..<300) func `matching is the longest prefix`(seed: UInt64) {
        var random = Seed(seed)
        func randomPath() -> String {
            (0..<Int.random(in: 0...3, using: &random)).map { _ in
                "/" + (["a", "b", "ab"].randomElement(using: &random) ?? "")
            }.joined()
        }
        let prefixes = Set((0..<5).map { _ in randomPath() }.filter { !$0.isEmpty }).sorted()
        let paths = prefixes.map { IngressTests.path($0, "Prefix", "s" + $0.replacing("/", with: "-")) }
        let table = IngressTable(
            [IngressTests.ingress("i", ["rules": [["http": ["paths": .array(paths)]]]])], classes: IngressTests.classes)
        for _ in 0..<20 {
            let path = randomPath() + "/"
            let best = prefixes.filter { path.hasPrefix($0 + "/") }.max { $0.count < $1.count }
            let found = table.backend(host: "h", path: path)?.service.name
            #expect(found == best.map { "s" + $0.replacing("/", with: "-") }, "seed \(seed)")
        }
    }
}

/// Refuses everything: nobody is asked in these tests.
private struct NoServer: Transport {
    func send(_ request: HTTPRequest) async throws -> HTTPResponse { HTTPResponse(503) }
    func stream(_ request: HTTPRequest) async throws -> HTTPStream {
        throw Status(.serviceUnavailable, "there is no server")
    }
    func upgrade(_ request: HTTPRequest) async throws -> (HTTPResponse, (any ByteChannel)?) { (HTTPResponse(503), nil) }
}

struct IngressProxyTests {
    private static let table: IngressTable = {
        var ingress = Ingress(name: "i", namespace: "shop")
        ingress.json["spec"] = [
            "rules": [
                [
                    "http": [
                        "paths": [
                            [
                                "path": "/web", "pathType": "Prefix",
                                "backend": ["service": ["name": "web", "port": ["number": 80]]],
                            ],
                            [
                                "path": "/empty", "pathType": "Prefix",
                                "backend": ["service": ["name": "empty", "port": ["number": 80]]],
                            ],
                        ]
                    ]
                ]
            ]
        ]
        var own = IngressClass(name: "kotohajime")
        own.json["spec"] = ["controller": .string(IngressClass.controller)]
        own.metadata.annotations = ["ingressclass.kubernetes.io/is-default-class": "true"]
        return IngressTable([ingress], classes: [own])
    }()

    /// A proxy before one backend that repeats what it got; the first address of the service is dead.
    private static func with(_ body: @Sendable (IngressProxy) async throws -> Void) async throws {
        let log = Log("test", sink: { _ in })
        let backend = try Listener.tcp(host: "127.0.0.1", port: 0)
        let dead = try Listener.tcp(host: "127.0.0.1", port: 0)
        dead.close()
        let server = HTTPServer([.init(backend)], log: log) { call in
            let fields = call.request.headers
            let large = call.request.target == "/web/large"
            let text = "\(call.request.target) \(fields["Host"] ?? "") \(fields["X-Forwarded-For"] ?? "")"
            return .whole(
                status: 200, headers: ["X-Backend": "yes"],
                pieces: [large ? [UInt8](repeating: 7, count: 1 << 20) : Array(text.utf8)])
        }
        let ports = [dead.port, backend.port].compactMap { UInt16(exactly: $0) }
        let service: @Sendable (ServiceName) -> ServiceEntry? = { name in
            var entry = ServiceEntry(name: name)
            entry.ports = [.init(name: "", transport: .tcp, port: 80)]
            if name.name == "empty" { return entry }
            entry.groups = ports.map { port in
                EndpointGroup(
                    ports: [.init(name: "", transport: .tcp, number: port)], endpoints: [Endpoint(address: .loopback)])
            }
            return entry
        }
        let client = Client(NoServer(), agent: "test")
        let clock = ManualClock()
        let proxy = IngressProxy(
            ingresses: Informer(client, clock: clock, log: log), classes: Informer(client, clock: clock, log: log),
            service: service, certificates: try IngressCertificates(client: client, clock: SystemClock(), log: log),
            address: "127.0.0.1", ports: (80, 443),
            recorder: Recorder(client, component: "test", clock: clock, log: log), clock: clock, log: log)
        proxy.use(table)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await server.run() }
            defer { group.cancelAll() }
            try await body(proxy)
        }
    }

    private static func ask(_ proxy: IngressProxy, _ target: String) async -> HTTPServerReply {
        await proxy.answer(
            HTTPServerRequest(
                request: HTTPRequest("GET", target, headers: ["Host": "shop.test"]),
                peer: .ip("10.0.0.9", port: 4000)), isSecure: false)
    }

    @Test func `a request reaches the service though one of its addresses is dead`() async throws {
        try await IngressProxyTests.with { proxy in
            for _ in 0..<4 {
                guard
                    case .whole(let status, let headers, let pieces) = await IngressProxyTests.ask(proxy, "/web/x?q=1")
                else {
                    Issue.record("no whole answer")
                    return
                }
                #expect(status == 200)
                #expect(headers["X-Backend"] == "yes")
                #expect(String(decoding: pieces.joined(), as: UTF8.self) == "/web/x?q=1 shop.test 10.0.0.9")
            }
        }
    }

    @Test func `a large answer is passed on as it comes`() async throws {
        try await IngressProxyTests.with { proxy in
            guard case .stream(let status, _, let body) = await IngressProxyTests.ask(proxy, "/web/large") else {
                Issue.record("no stream")
                return
            }
            #expect(status == 200)
            let count = Mutex(0)
            try await body(BodyWriter { pieces in count.withLock { $0 += pieces.reduce(0) { $0 + $1.count } } })
            #expect(count.withLock { $0 } == 1 << 20)
        }
    }

    @Test(arguments: [("/nothing", 404), ("/empty", 503)])
    func `what can not be served is said`(target: String, code: Int) async throws {
        try await IngressProxyTests.with { proxy in
            guard case .whole(let status, _, _) = await IngressProxyTests.ask(proxy, target) else {
                Issue.record("no whole answer")
                return
            }
            #expect(status == code)
        }
    }
}
