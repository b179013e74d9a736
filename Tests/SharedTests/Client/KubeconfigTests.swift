import Glibc
import Testing

@testable import Shared

struct KubeconfigTests {
    private func config(_ user: JSON, cluster: JSON = ["server": "http://127.0.0.1:1"]) -> Kubeconfig {
        var config = Kubeconfig(Kubeconfig.empty)
        config.set("it", cluster: cluster, user: user, isCurrent: true)
        return config
    }

    /// What the server sees in `Authorization`.
    private func authorization(_ user: JSON, environment: [String: String] = [:]) async throws -> String {
        try await Fixture.serve({ Fixture.text($0.request.headers["Authorization"] ?? "none") }) { port, _ in
            let config = config(user, cluster: ["server": .string("http://127.0.0.1:\(port)/base/")])
            let transport = try await config.transport(environment: environment)
            return String(decoding: try await transport.send(HTTPRequest("GET", "/api")).body, as: UTF8.self)
        }
    }

    @Test func `the first file that names a thing counts`() throws {
        let first: JSON = [
            "contexts": [["name": "a", "context": ["cluster": "c", "user": "u", "namespace": "n"]]],
            "users": [["name": "u", "user": ["token": "1"]]],
        ]
        let second: JSON = [
            "current-context": "a", "clusters": [["name": "c", "cluster": ["server": "https://x"]]],
            "users": [["name": "u", "user": ["token": "2"]]],
        ]
        let context = try Kubeconfig([(first, "/a"), (second, "/b")]).context()
        #expect(context.user["token"].string == "1")
        #expect(context.namespace == "n")
        #expect(context.clusterFolder == "/b")
        let error = #expect(throws: KubeconfigError.self) { _ = try Kubeconfig(second).context("z") }
        #expect(error?.description.contains("no context \"z\"") == true)
    }

    @Test func `a context is set, replaced and removed, and strange members stay`() throws {
        var config = Kubeconfig(["clusters": [["name": "old", "cluster": ["x": 1]]], "extensions": [1]])
        config.set("k", cluster: ["server": "https://a"], user: [:], isCurrent: true)
        config.set("k", cluster: ["server": "https://b"], user: [:], isCurrent: false)
        #expect(try config.context().cluster["server"].string == "https://b")
        #expect(config.json["clusters"].items.count == 2)
        #expect(config.json["extensions"] == [1])
        config.remove("k")
        #expect(config.contextNames.isEmpty && config.currentContext == nil)
        let path = "/tmp/kotohajime-test-\(Random.bytes(6).hex)"
        defer { unlink(path) }
        try config.write(to: path)
        let again = try Kubeconfig.load([path, "/nowhere"])
        #expect(again.json == config.json)
    }

    @Test func `tokens, token files and passwords become headers`() async throws {
        #expect(try await authorization(["token": "t"]) == "Bearer t")
        #expect(try await authorization(["username": "u", "password": "p"]) == "Basic dTpw")
        #expect(try await authorization([:]) == "none")
        let path = "/tmp/kotohajime-test-\(Random.bytes(6).hex)"
        defer { unlink(path) }
        try PrivateFile.write(path, Array("filed\n".utf8))
        #expect(try await authorization(["tokenFile": .string(path), "token": "t"]) == "Bearer filed")
    }

    @Test func `an exec plugin is run with its environment`() async throws {
        let script = """
            echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"'$WORD-$1'"}}'
            """
        let user: JSON = [
            "exec": [
                "apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/sh",
                "args": ["-c", .string(script), "sh", "arg"], "env": [["name": "WORD", "value": "env"]],
            ]
        ]
        #expect(try await authorization(user) == "Bearer env-arg")
        var failing = user
        failing["exec"]["args"] = ["-c", "exit 3"]
        let error = await #expect(throws: KubeconfigError.self) { _ = try await authorization(failing) }
        #expect(error?.description.contains("exit code 3") == true)
        failing["exec"]["command"] = "/nowhere/plugin"
        await #expect(throws: KubeconfigError.self) { _ = try await authorization(failing) }
    }

    @Test func `certificates in the kubeconfig prove who is calling`() async throws {
        let identity = try Fixture.identity.get()
        @Sendable func data(_ bytes: [UInt8]) -> JSON { .string(Base64.encode(bytes)) }
        let user: JSON = [
            "client-certificate-data": data(identity.client.pem), "client-key-data": data(identity.clientKey.pem),
        ]
        try await Fixture.serve(tls: true, { Fixture.text($0.peerCertificate?.commonName ?? "nobody") }) { port, _ in
            let server = JSON.string("https://127.0.0.1:\(port)")
            let trusted: JSON = [
                "server": server, "certificate-authority-data": data(identity.authority.certificate.pem),
            ]
            let transport = try await config(user, cluster: trusted).transport()
            #expect(try await transport.send(HTTPRequest("GET", "/")).body == Array("anna".utf8))
            let careless = try await config([:], cluster: ["server": server, "insecure-skip-tls-verify": true])
                .transport()
            #expect(try await careless.send(HTTPRequest("GET", "/")).body == Array("nobody".utf8))
            var named = trusted
            named["tls-server-name"] = "api.test"
            #expect(try await config([:], cluster: named).transport().send(HTTPRequest("GET", "/")).status == 200)
            named["tls-server-name"] = "other.test"
            let wrong = try await config([:], cluster: named).transport()
            await #expect(throws: NetError.self) { _ = try await wrong.send(HTTPRequest("GET", "/")) }
        }
    }

    @Test(
        arguments: [
            ["server": "https://a", "proxy-url": "http://p"], ["server": "ftp://a"], ["server": "https://u@a"], [:],
            ["server": "https://a", "certificate-authority": "/nowhere/ca"],
            ["server": "https://a", "certificate-authority-data": "!"],
        ] as [JSON])
    func `a cluster that cannot be reached is refused with a sentence`(cluster: JSON) async {
        await #expect(throws: KubeconfigError.self) { _ = try await config([:], cluster: cluster).transport() }
    }

    @Test func `server URLs are taken apart`() {
        #expect(ServerURL("https://[::1]:6443/x/").map { "\($0.host) \($0.port) \($0.path)" } == "::1 6443 /x")
        #expect(ServerURL("https://api.test")?.port == 443)
        #expect(ServerURL("10.0.0.1:8080")?.isSecure == false)
        #expect(ServerURL("https://a:99999") == nil)
    }
}
