import Shared
import Synchronization

/// A webhook over HTTPS in this process: answers reviews by a function and remembers them. A class: it owns the server.
final class WebhookServer: Sendable {
    typealias Answer = @Sendable (_ path: String, _ request: JSON) async -> JSON

    let port: Int
    /// For `clientConfig.caBundle`.
    let authority: String
    private let task: Task<Void, any Error>
    private let log: Seen

    /// - Parameter answer: `response` without its uid, from the path and `request` of a review.
    init(_ answer: @escaping Answer) throws {
        let now = SystemClock().now()
        let authority = try CertificateAuthority.make(
            commonName: "webhooks", from: now - .seconds(60), for: .seconds(3600))
        let key = try PrivateKey.generate()
        let certificate = try authority.issue(
            .server, to: DistinguishedName(commonName: "webhook"),
            names: SubjectAltNames(dns: ["localhost", "hook.team.svc"], addresses: ["127.0.0.1"]),
            key: key.publicKey, from: now - .seconds(60), for: .seconds(3600))
        let listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        port = listener.port
        self.authority = Base64.encode(authority.certificate.pem)
        let seen = Seen()
        log = seen
        let server = HTTPServer(
            [.init(listener, tls: try TLSContext.server(certificate: [certificate], key: key))],
            log: Log("webhook", threshold: .error) { _ in }
        ) { incoming in
            guard let review = try? JSON(parsing: incoming.request.body) else {
                return .whole(status: 400, headers: [:], pieces: [])
            }
            let path = String(incoming.request.target.prefix { $0 != "?" })
            seen.add(path, review["request"])
            var response = await answer(path, review["request"])
            if response["uid"].isNull { response["uid"] = review["request"]["uid"] }
            let body: JSON = [
                "apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": response,
            ]
            return .whole(status: 200, headers: ["Content-Type": "application/json"], pieces: [body.encoded])
        }
        task = Task { try await server.run() }
    }

    private final class Seen: Sendable {
        private let list = Mutex<[(path: String, request: JSON)]>([])
        func add(_ path: String, _ request: JSON) { list.withLock { $0.append((path, request)) } }
        var all: [(path: String, request: JSON)] { list.withLock { $0 } }
    }

    /// The reviews that have come, in their order.
    var reviews: [(path: String, request: JSON)] { log.all }

    func stop() async {
        task.cancel()
        _ = await task.result
    }

    /// A webhook of a configuration that asks this server about new config maps.
    func hook(_ name: String, path: String = "/", resources: JSON = ["configmaps"], more: JSON = [:]) -> JSON {
        var hook: JSON = [
            "name": .string("\(name).example.com"), "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": [
                "url": .string("https://127.0.0.1:\(port)\(path)"), "caBundle": .string(authority),
            ],
            "rules": [["operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": resources]],
        ]
        for (key, value) in more.members { hook[key] = value }
        return hook
    }

    static func patch(_ operations: JSON) -> JSON {
        ["allowed": true, "patchType": "JSONPatch", "patch": .string(Base64.encode(operations.encoded))]
    }
}
