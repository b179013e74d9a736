import Glibc
import Shared
import Synchronization
import TestKit
import Testing

@testable import Agent

/// A registry within the test: one image with two layers, a token for those who have the password, and a connection
/// that breaks in the middle of a layer. A class: it counts what it was asked.
private final class SmallRegistry: Sendable {
    let listener: Listener
    private let blobs: [String: [UInt8]]
    let index: [UInt8]
    let manifestDigest: String
    private let asked = Mutex<[String]>([])
    private let breaksLeft: Mutex<Int>
    private let needsToken: Bool

    init(
        breaks: Int = 0, needsToken: Bool = false, architecture: String = Platform.architecture,
        wrongLayer: Bool = false
    )
        throws
    {
        listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        breaksLeft = Mutex(breaks)
        self.needsToken = needsToken
        var first = TarFixture()
        first.add("etc/", type: "5")
        first.add("etc/name", text: String(repeating: "first ", count: 20_000))
        var second = TarFixture()
        second.add("etc/other", text: "second")
        let plain = [first.archive, second.archive]
        let layers = try plain.map { try Gzip.compress($0, level: 0) }
        let config: JSON = [
            "config": ["Cmd": ["/bin/x"], "Env": ["A=b"]],
            "rootfs": ["type": "layers", "diff_ids": .array(plain.map { .string(Digest.text(SHA256.hash($0))) })],
        ]
        func named(_ bytes: [UInt8]) -> JSON {
            ["digest": .string(Digest.text(SHA256.hash(bytes))), "size": JSON(bytes.count)]
        }
        let manifest: JSON = [
            "schemaVersion": 2, "config": named(config.encoded), "layers": .array(layers.map(named)),
        ]
        manifestDigest = Digest.text(SHA256.hash(manifest.encoded))
        var entry = named(manifest.encoded)
        entry["platform"] = ["os": "linux", "architecture": .string(architecture)]
        let index: JSON = ["schemaVersion": 2, "manifests": [entry]]
        self.index = index.encoded
        var blobs: [String: [UInt8]] = [:]
        for bytes in layers + [config.encoded, manifest.encoded] { blobs[Digest.text(SHA256.hash(bytes))] = bytes }
        if wrongLayer { blobs[Digest.text(SHA256.hash(layers[1]))] = Array(layers[1].dropLast()) + [0xFF] }
        self.blobs = blobs
    }

    var name: String { "127.0.0.1:\(listener.port)" }
    var requests: [String] { asked.withLock { $0 } }

    func answer(_ request: HTTPRequest) -> HTTPServerReply {
        asked.withLock { $0.append("\(request.target) \(request.headers["Range"] ?? "")") }
        if request.target.hasPrefix("/token") {
            guard request.headers["Authorization"] == "Basic \(Base64.encode(Array("me:secret".utf8)))",
                request.target.contains("scope=repository%3Aa%2Fb%3Apull")
            else { return .whole(status: 401, headers: [:], pieces: []) }
            return .whole(status: 200, headers: [:], pieces: [Array(#"{"token":"t"}"#.utf8)])
        }
        if needsToken, request.headers["Authorization"] != "Bearer t" {
            let realm = "Bearer realm=\"http://\(name)/token\",service=\"small\",scope=\"repository:a/b:pull\""
            return .whole(status: 401, headers: ["WWW-Authenticate": realm], pieces: [])
        }
        if request.target == "/v2/a/b/manifests/v1" { return .whole(status: 200, headers: [:], pieces: [index]) }
        guard let last = request.target.split(separator: "/").last, let bytes = blobs[String(last)] else {
            return .whole(status: 404, headers: [:], pieces: [])
        }
        // Blobs lie elsewhere, as with large registries.
        if request.target.contains("/blobs/") {
            return .whole(status: 307, headers: ["Location": "/elsewhere/\(last)"], pieces: [])
        }
        var offset = 0
        if let range = request.headers["Range"], let number = Int(range.dropFirst(6).dropLast()) { offset = number }
        let breaks =
            bytes.count > 50_000
            && breaksLeft.withLock { left in
                left -= 1
                return left >= 0
            }
        let rest = Array(bytes[min(offset, bytes.count)...])
        return .stream(status: offset > 0 ? 206 : 200, headers: [:]) { writer in
            try await writer.write(Array(rest.prefix(breaks ? 40_000 : rest.count)))
            if breaks { throw NetError(.closed, "the registry breaks") }
        }
    }

    /// Runs the registry and a store for `body`.
    func serve(_ body: (ImageStore) async throws -> Void) async throws {
        let folder = TemporaryFolder()
        let server = HTTPServer([.init(listener)], log: Log("registry", threshold: .error)) { self.answer($0.request) }
        let running = Task { try? await server.run() }
        defer { running.cancel() }
        try await body(ImageStore(folder: folder.path + "/images"))
        running.cancel()
        await running.value
    }
}

struct RegistryTests {
    @Test func `an image is pulled, and pulled again only where the registry has another`() async throws {
        let registry = try SmallRegistry()
        try await registry.serve { store in
            let name = "\(registry.name)/a/b:v1"
            let info = try await store.ensure(name, policy: .ifNotPresent, credentials: [])
            #expect(info.command == ["/bin/x"])
            #expect(info.environment == ["A=b"])
            let record = try #require(try store.find(Reference(name)))
            #expect(record.layers.count == 2)
            #expect(Files.text("\(store.layerFolder)/\(record.layers[0])/etc/other") == "second")
            #expect(Files.names(store.folder + "/downloads").isEmpty)
            let count = registry.requests.count
            _ = try await store.ensure(name, policy: .ifNotPresent, credentials: [])
            _ = try await store.ensure(name, policy: .never, credentials: [])
            #expect(registry.requests.count == count)
            _ = try await store.ensure(name, policy: .always, credentials: [])
            // One question, no layer.
            #expect(registry.requests.count == count + 1)
        }
    }

    @Test func `a layer that breaks off is gone on with`() async throws {
        let registry = try SmallRegistry(breaks: 2)
        try await registry.serve { store in
            _ = try await store.ensure("\(registry.name)/a/b:v1", policy: .always, credentials: [])
            #expect(registry.requests.contains { $0.hasSuffix("bytes=40000-") })
            #expect(registry.requests.contains { $0.hasSuffix("bytes=80000-") })
        }
    }

    @Test func `a pull secret opens a repository, and without it the refusal is told`() async throws {
        let registry = try SmallRegistry(needsToken: true)
        try await registry.serve { store in
            let name = "\(registry.name)/a/b:v1"
            let failure = await #expect(throws: RuntimeFailure.self) {
                _ = try await store.ensure(name, policy: .always, credentials: [])
            }
            #expect(failure?.reason == .pull)
            #expect(failure?.message.contains("may require authorization") == true)
            let wrong = RegistryCredential(host: registry.name, user: "me", password: "wrong")
            let right = RegistryCredential(host: "http://\(registry.name)/v2/", user: "me", password: "secret")
            _ = try await store.ensure(name, policy: .always, credentials: [wrong, right])
        }
    }

    @Test func `bytes that do not have their digest are not taken`() async throws {
        let registry = try SmallRegistry(wrongLayer: true)
        try await registry.serve { store in
            let name = "\(registry.name)/a/b:v1"
            let failure = await #expect(throws: RuntimeFailure.self) {
                _ = try await store.ensure(name, policy: .always, credentials: [])
            }
            #expect(failure?.message.contains("does not have the digest") == true)
            let found = try store.find(Reference(name))
            #expect(found == nil)
        }
    }

    @Test func `what the registry does not have is told at once`() async throws {
        let registry = try SmallRegistry(architecture: "sparc")
        try await registry.serve { store in
            for (name, words) in [("a/b:v9", "not found"), ("a/b:v1", "no image for linux/")] {
                let failure = await #expect(throws: RuntimeFailure.self) {
                    _ = try await store.ensure("\(registry.name)/\(name)", policy: .always, credentials: [])
                }
                #expect(failure?.message.contains(words) == true, "\(failure?.message ?? "")")
            }
        }
        let closed = try Listener.tcp(host: "127.0.0.1", port: 0)
        let port = closed.port
        closed.close()
        let store = ImageStore(folder: TemporaryFolder().path)
        let failure = await #expect(throws: RuntimeFailure.self) {
            _ = try await store.ensure("127.0.0.1:\(port)/a:1", policy: .always, credentials: [])
        }
        #expect(failure?.message.contains("nobody listens there") == true)
    }

    @Test func `a challenge is read`() throws {
        let challenge = try #require(
            RegistryChallenge(#"Bearer realm="https://a.example/t",service=x, scope="repository:a/b:pull,push""#))
        #expect(challenge.scheme == "bearer")
        #expect(
            challenge.parameters == [
                "realm": "https://a.example/t", "service": "x", "scope": "repository:a/b:pull,push",
            ])
        #expect(RegistryChallenge("") == nil)
        #expect(RegistryChallenge("Basic")?.parameters == [:])
        #expect(RegistryChallenge("Bearer realm=\"x")?.parameters == ["realm": "x"])
    }

    @Test func `addresses are read, and only good ones`() throws {
        let address = try #require(WebAddress("https://a.example:5000/x?y#z"))
        #expect(address.place == "https://a.example:5000")
        #expect(address.target == "/x?y")
        #expect(address.resolved("/w")?.description == "https://a.example:5000/w")
        #expect(try #require(WebAddress("http://127.0.0.9")).isLoopback)
        for text in ["", "ftp://a", "https://", "https://u:p@a/", "/x"] { #expect(WebAddress(text) == nil) }
    }

    @Test func `keys of pull secrets mean their registry`() {
        #expect(Registry.fits("https://index.docker.io/v1/", "docker.io"))
        #expect(Registry.fits("r.example:5000", "r.example:5000"))
        #expect(!Registry.fits("r.example", "r.example.org"))
    }

    @Test func `the image of this machine is chosen`() {
        let digest = "sha256:" + String(repeating: "a", count: 64)
        let other = "sha256:" + String(repeating: "b", count: 64)
        func entry(_ os: String, _ architecture: String, _ digest: String) -> JSON {
            ["digest": .string(digest), "platform": ["os": .string(os), "architecture": .string(architecture)]]
        }
        let here = Platform.architecture
        #expect(ImagePull.platform([entry("windows", here, other), entry("linux", here, digest)]) == digest)
        #expect(ImagePull.platform([entry("linux", "sparc", other)]) == nil)
        #expect(ImagePull.platform([]) == nil)
    }
}
