import Shared
import Synchronization

/// One repository of an image registry. A class: it keeps the proof of who asks between requests.
/// Source: OCI distribution-spec 1.1; Docker's token authentication.
final class Registry: Sendable {
    /// Something that a registry has under a digest.
    struct Blob: Equatable, Sendable {
        let digest: String
        let size: Int64
        var mediaType = ""
    }
    struct Manifest: Sendable {
        let json: JSON
        let digest: String
    }
    private let repository: String
    private let base: WebAddress
    private let credentials: [RegistryCredential]
    private let authorization = Mutex<String?>(nil)

    /// - Throws: a sentence when the registry's name is no host with a port.
    init(_ reference: Reference, credentials: [RegistryCredential]) throws {
        repository = reference.repository
        let host = reference.host == "docker.io" ? "registry-1.docker.io" : reference.host
        guard let secure = WebAddress("https://\(host)/") else {
            throw ArchiveError("\"\(host)\" is no registry")
        }
        // Only what stays on this machine may go without TLS.
        base = secure.isLoopback ? WebAddress("http://\(host)/") ?? secure : secure
        self.credentials = credentials.filter { Registry.fits($0.host, reference.host) }
    }

    /// Whether the key of a pull secret means that registry: `https://index.docker.io/v1/` means docker.io.
    static func fits(_ key: String, _ host: String) -> Bool {
        var key = Substring(key)
        for scheme in ["https://", "http://"] where key.hasPrefix(scheme) { key = key.dropFirst(scheme.count) }
        let place = key.prefix { $0 != "/" }
        if host == "docker.io" { return ["docker.io", "index.docker.io", "registry-1.docker.io"].contains(place) }
        return place == host
    }

    // MARK: Manifests and blobs

    private static let manifestTypes = [
        "application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json",
    ]

    /// - Parameter name: a tag or a digest, which the bytes must have then.
    func manifest(_ name: String) async throws -> Manifest {
        let answer = try await get(
            "manifests/\(name)", ["Accept": Registry.manifestTypes.joined(separator: ", ")])
        try Registry.check(answer.status, "the manifest \(name)")
        let bytes = try await Registry.whole(answer, most: Int(Limits.archiveJSONBytesMax))
        let digest = Digest.text(SHA256.hash(bytes))
        guard !Reference.isDigest(name) || name == digest else {
            throw ArchiveError("the manifest does not have the digest \(name)")
        }
        return Manifest(json: try JSON(parsing: bytes), digest: digest)
    }

    /// A small blob, such as a configuration.
    func bytes(_ blob: Blob) async throws -> [UInt8] {
        guard blob.size <= Limits.archiveJSONBytesMax else { throw ArchiveError("\(blob.digest) is too large") }
        let answer = try await get("blobs/\(blob.digest)", [:])
        try Registry.check(answer.status, blob.digest)
        let bytes = try await Registry.whole(answer, most: Int(Limits.archiveJSONBytesMax))
        guard Digest.text(SHA256.hash(bytes)) == blob.digest else {
            throw ArchiveError("\(blob.digest) does not have its digest")
        }
        return bytes
    }

    /// The bytes of a blob from `offset` on.
    /// - Returns: the offset at which the registry begins: 0 when it can not begin elsewhere.
    func stream(_ blob: Blob, from offset: Int64) async throws -> (stream: HTTPStream, offset: Int64) {
        let headers: HTTPHeaders = offset > 0 ? ["Range": "bytes=\(offset)-"] : [:]
        let answer = try await get("blobs/\(blob.digest)", headers)
        if answer.status == 206, offset > 0 { return (answer, offset) }
        try Registry.check(answer.status, blob.digest)
        return (answer, 0)
    }

    private static func check(_ status: Int, _ what: String) throws {
        switch status {
        case 200: return
        case 404: throw ArchiveError("the registry does not have it (\(what): not found)")
        case 401, 403:
            throw ArchiveError("pull access denied, repository does not exist or may require authorization")
        case 429: throw ArchiveError("the registry has answered enough for now (429 Too Many Requests)")
        default: throw ArchiveError("the registry answered \(status) for \(what)")
        }
    }

    private static func whole(_ answer: HTTPStream, most: Int) async throws -> [UInt8] {
        defer { answer.body.close() }
        return try await within(.seconds(Limits.registryIdleSeconds)) {
            var bytes: [UInt8] = []
            while let piece = try await answer.body.next() {
                bytes += piece
                guard bytes.count <= most else { throw ArchiveError("an answer of the registry is too large") }
            }
            return bytes
        }
    }

    // MARK: Requests

    private func get(_ path: String, _ headers: HTTPHeaders) async throws -> HTTPStream {
        let address = base.with("/v2/\(repository)/\(path)")
        let answer = try await follow(address, headers)
        guard answer.status == 401 else { return answer }
        answer.body.close()
        var last = answer
        for credential in credentials.map(Optional.some) + [nil] {
            guard let proof = try await proof(answer.headers.all("WWW-Authenticate"), credential) else { continue }
            authorization.withLock { $0 = proof }
            last = try await follow(address, headers)
            if last.status != 401, last.status != 403 { return last }
            last.body.close()
        }
        return last
    }

    /// Blobs often lie elsewhere; whoever has them does not learn the proof that is meant for the registry.
    private func follow(_ first: WebAddress, _ headers: HTTPHeaders) async throws -> HTTPStream {
        var address = first
        for _ in 0..<Limits.registryRedirectsMax {
            var request = HTTPRequest("GET", address.target, headers: headers)
            request.headers["User-Agent"] = "kotohajime/\(Version.current)"
            if address.place == base.place, let proof = authorization.withLock({ $0 }) {
                request.headers["Authorization"] = proof
            }
            let answer = try await Registry.transport(address).stream(request)
            guard [301, 302, 303, 307, 308].contains(answer.status) else { return answer }
            answer.body.close()
            guard let next = address.resolved(answer.headers["Location"] ?? ""), next.isSecure || next.isLoopback else {
                throw ArchiveError("the registry leads to \"\(answer.headers["Location"] ?? "")\", which is not safe")
            }
            address = next
        }
        throw ArchiveError("the registry leads from one place to the next")
    }

    private static func transport(_ address: WebAddress) throws -> HTTPTransport {
        HTTPTransport(.host(address.host, port: address.port), tls: address.isSecure ? try TLSContext.client() : nil)
    }

    /// The header that proves who asks; nil when a credential does not help.
    private func proof(_ challenges: [String], _ credential: RegistryCredential?) async throws -> String? {
        let basic = credential.map { "Basic " + Base64.encode(Array("\($0.user):\($0.password)".utf8)) }
        for text in challenges {
            guard let challenge = RegistryChallenge(text) else { continue }
            if challenge.scheme == "basic" {
                if let basic { return basic }
                continue
            }
            guard challenge.scheme == "bearer", let realm = WebAddress(challenge.parameters["realm"] ?? ""),
                realm.isSecure || realm.isLoopback
            else { continue }
            var query = Query()
            if let service = challenge.parameters["service"] { query.add("service", service) }
            query.add("scope", challenge.parameters["scope"] ?? "repository:\(repository):pull")
            let mark = realm.target.contains("?") ? "&" : "?"
            var request = HTTPRequest("GET", "\(realm.target)\(mark)\(query.text)")
            request.headers["Authorization"] = basic
            let answer = try await Registry.transport(realm).send(request)
            guard answer.status == 200, let json = try? JSON(parsing: answer.body),
                let token = json["token"].string ?? json["access_token"].string
            else { continue }
            return "Bearer \(token)"
        }
        return nil
    }
}

/// One value of `WWW-Authenticate`. Source: RFC 9110 section 11.6.1.
struct RegistryChallenge: Equatable {
    /// In lower case.
    let scheme: String
    /// Names in lower case.
    var parameters: [String: String] = [:]

    init?(_ text: String) {
        let parts = text.split(separator: " ", maxSplits: 1)
        guard let first = parts.first else { return nil }
        scheme = first.lowercased()
        var rest = parts.count == 2 ? parts[1][...] : ""
        while let equals = rest.firstIndex(of: "=") {
            let name = rest[..<equals].trimmingSpaces.lowercased()
            rest = rest[rest.index(after: equals)...]
            var value = ""
            if rest.first == "\"" {
                rest = rest.dropFirst()
                while let character = rest.popFirst(), character != "\"" {
                    value.append(character == "\\" ? rest.popFirst() ?? "\\" : character)
                }
                rest = rest.drop { $0 != "," }.dropFirst()
            } else {
                value = rest.prefix { $0 != "," }.trimmingSpaces
                rest = rest.drop { $0 != "," }.dropFirst()
            }
            if !name.isEmpty { parameters[name] = value }
        }
    }
}

/// Runs `body` and gives up after `limit`.
func within<T: Sendable>(_ limit: Duration, _ body: @escaping @Sendable () async throws -> T) async throws -> T {
    guard let value = try await SystemClock().within(limit, body) else {
        throw NetError(.timedOut, "nothing came for \(limit.human)")
    }
    return value
}
