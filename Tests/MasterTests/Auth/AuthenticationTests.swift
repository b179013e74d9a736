import Shared
import TestKit
import Testing

@testable import Master

struct AuthenticationTests {
    private static let pod: JSON = [
        "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p", "namespace": "default"],
        "spec": ["nodeName": "n1", "serviceAccountName": "robot", "containers": [["name": "c", "image": "i"]]],
    ]

    private static func robot(_ server: MasterFixture) async throws {
        _ = try await server.client().create(ServiceAccount(name: "robot", namespace: "default"))
    }

    private static func token(
        _ server: MasterFixture, _ spec: JSON = [:], account: String = "robot"
    ) async throws -> MasterFixture.Reply {
        try await server.call(
            "POST", "/api/v1/namespaces/default/serviceaccounts/\(account)/token",
            body: ["kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": spec])
    }

    private static func whoIs(_ server: MasterFixture, _ token: String) async throws -> MasterFixture.Reply {
        try await server.call(
            "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", token: token,
            body: ["kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"])
    }

    @Test func `a token of a service account says who it is until its time is over`() async throws {
        let clock = ManualClock()
        let server = try await MasterFixture(clock: clock)
        try await Self.robot(server)
        let given = try await Self.token(server, ["expirationSeconds": 600])
        #expect(given.code == 201)
        let token = given.json["status"]["token"].string ?? ""
        let info = try await Self.whoIs(server, token).json["status"]["userInfo"]
        #expect(info["username"] == "system:serviceaccount:default:robot")
        #expect(info["groups"].items.contains("system:serviceaccounts:default"))
        #expect(info["extra"]["authentication.kubernetes.io/credential-id"][0].string?.hasPrefix("JTI=") == true)
        clock.advance(by: .seconds(601))
        #expect(try await Self.whoIs(server, token).code == 401)
    }

    @Test func `a token ends with the pod that it is bound to`() async throws {
        let server = try await MasterFixture()
        try await Self.robot(server)
        let made = try await server.client().call("POST", "/api/v1/namespaces/default/pods", body: Self.pod)
        let bound: JSON = [
            "kind": "Pod", "apiVersion": "v1", "name": "p", "uid": made["metadata"]["uid"],
        ]
        let token = try await Self.token(server, ["boundObjectRef": bound]).json["status"]["token"].string ?? ""
        let extra = try await Self.whoIs(server, token).json["status"]["userInfo"]["extra"]
        #expect(extra["authentication.kubernetes.io/pod-name"] == ["p"])
        #expect(extra["authentication.kubernetes.io/node-name"] == ["n1"])
        _ = try await server.client().call(
            "DELETE", "/api/v1/namespaces/default/pods/p", body: ["kind": "DeleteOptions", "gracePeriodSeconds": 0])
        #expect(try await Self.whoIs(server, token).code == 401)
    }

    @Test func `tokens are refused for a short life, another account's pod and a stranger's audience`() async throws {
        let server = try await MasterFixture()
        try await Self.robot(server)
        _ = try await server.client().create(ServiceAccount(name: "other", namespace: "default"))
        _ = try await server.client().call("POST", "/api/v1/namespaces/default/pods", body: Self.pod)
        #expect(try await Self.token(server, ["expirationSeconds": 5]).code == 422)
        let bound: JSON = ["boundObjectRef": ["kind": "Pod", "apiVersion": "v1", "name": "p"]]
        #expect(try await Self.token(server, bound, account: "other").code == 400)
        let stale: JSON = ["boundObjectRef": ["kind": "Pod", "apiVersion": "v1", "name": "p", "uid": "x"]]
        #expect(try await Self.token(server, stale).code == 409)
        let foreign = try await Self.token(server, ["audiences": ["vault"]]).json["status"]["token"].string ?? ""
        #expect(try await Self.whoIs(server, foreign).code == 401)
        let review = try await server.call(
            "POST", "/apis/authentication.k8s.io/v1/tokenreviews",
            body: [
                "kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1",
                "spec": ["token": .string(foreign), "audiences": ["vault", "else"]],
            ])
        #expect(review.json["status"]["authenticated"] == true)
        #expect(review.json["status"]["audiences"] == ["vault"])
    }

    @Test func `a changed token and a token without signature are refused`() async throws {
        let server = try await MasterFixture()
        try await Self.robot(server)
        let token = try await Self.token(server).json["status"]["token"].string ?? ""
        let parts = token.split(separator: ".").map(String.init)
        let claims = try JSON(parsing: try #require(Base64.decodeURL(parts[1])))
        var raised = claims
        raised["sub"] = "system:serviceaccount:kube-system:admin"
        let forged = "\(parts[0]).\(Base64.encodeURL(raised.encoded)).\(parts[2])"
        let none = Base64.encodeURL(Array(#"{"alg":"none"}"#.utf8)) + ".\(parts[1])."
        for bad in [forged, none, parts[0], "..", String(repeating: "a", count: 100_000)] {
            #expect(try await Self.whoIs(server, bad).code == 401)
        }
    }

    @Test func `the key set lets others check a token`() async throws {
        let server = try await MasterFixture()
        let documents = server.plane.server.tokens.keySet["keys"]
        #expect(documents[0]["kty"] == "EC")
        let configuration = try await server.call("GET", "/.well-known/openid-configuration")
        #expect(configuration.json["issuer"].string == server.plane.server.tokens.issuer)
        let keys = try await server.call("GET", "/openid/v1/jwks")
        #expect(keys.headers["Content-Type"] == "application/jwk-set+json")
        #expect(keys.json["keys"][0]["kid"] == documents[0]["kid"])
    }

    @Test func `a token without an end is good as long as its secret holds it and its account is there`() async throws {
        let server = try await MasterFixture()
        let client = server.client()
        _ = try await client.create(Namespace(name: "n"))
        let account = try await client.create(ServiceAccount(name: "robot", namespace: "n"))
        var secret = Secret(name: "t", namespace: "n")
        secret.json["type"] = .string(Secret.accountTokenType)
        secret.metadata.annotations = [AccountTokensPlan.accountName: "robot"]
        let token = try server.plane.server.tokens.unending(account, in: secret)
        #expect(try await server.call("GET", "/api", token: token).code == 401)
        secret.json["data"] = ["token": .string(Base64.encode(Array(token.utf8)))]
        _ = try await client.create(secret)
        #expect(try await server.call("GET", "/api", token: token).code == 200)
        let review: JSON = ["spec": ["token": .string(token)]]
        let path = "/apis/authentication.k8s.io/v1/tokenreviews"
        let reviewed = try await server.call("POST", path, body: review).json["status"]
        #expect(reviewed["user"]["username"] == "system:serviceaccount:n:robot")
        try await client.delete(Secret.self, namespace: "n", name: "t")
        #expect(try await server.call("GET", "/api", token: token).code == 401)
        _ = try await client.create(secret)
        #expect(try await server.call("GET", "/api", token: token).code == 200)
        try await client.delete(ServiceAccount.self, namespace: "n", name: "robot")
        #expect(try await server.call("GET", "/api", token: token).code == 401)
    }

    @Test func `RSA keys sign tokens as well`() throws {
        let account = Stored(
            key: ObjectKey(ServiceAccount.type.resource, namespace: "n", name: "a"), revision: Revision(1), bytes: [],
            projection: Projection(uid: "u"))
        let tokens = ServiceAccountTokens(
            key: try PrivateKey.generateRSA(), issuer: "https://issuer", clock: SystemClock(), find: { _ in account })
        let token = try tokens.issue(["spec": [:]], namespace: "n", account: account)["status"]["token"].string ?? ""
        #expect(tokens.user(of: token, audiences: [])?.user.name == "system:serviceaccount:n:a")
        #expect(tokens.keySet["keys"][0]["alg"] == "RS256")
    }

    @Test func `without credentials only health and version are shown`() async throws {
        let server = try await MasterFixture()
        for path in ["/healthz", "/livez", "/readyz/ping", "/version"] {
            let code = try await server.call("GET", path, token: nil).code
            #expect(code == (path == "/readyz/ping" ? 403 : 200), "\(path)")
        }
        for path in ["/api", "/apis", "/metrics", "/api/v1/namespaces/default/pods", "/openapi/v2"] {
            #expect(try await server.call("GET", path, token: nil).code == 401, "\(path)")
        }
    }

    @Test func `the token file gives users with groups, and says which line is wrong`() throws {
        let tokens = try StaticTokens(text: "# people\nabc,anna,7,\"dev, ops\"\r\ndef,bert,8\n", file: "f")
        #expect(tokens.user(of: "abc") == User("anna", groups: ["dev", "ops", "system:authenticated"], uid: "7"))
        #expect(tokens.user(of: "def")?.groups == ["system:authenticated"])
        #expect(tokens.user(of: "ab") == nil)
        #expect(throws: UsageError.self) { try StaticTokens(text: "abc,anna", file: "f") }
        #expect(throws: UsageError.self) { try StaticTokens(text: "abc,anna,7,\"dev", file: "f") }
    }

    @Test func `a join token joins and nothing else`() async throws {
        let server = try await MasterFixture()
        let token = BootstrapToken(id: "abcdef", secret: "0123456789abcdef")
        _ = try await server.client().create(token.secret(ends: nil))
        #expect(
            try await server.call("GET", "/apis/certificates.k8s.io/v1/certificatesigningrequests", token: token.text)
                .code
                == 200)
        #expect(try await server.call("GET", "/api/v1/secrets", token: token.text).code == 403)
        #expect(try await server.call("GET", "/api/v1/nodes", token: "abcdef.0123456789abcdee").code == 401)
    }
}
