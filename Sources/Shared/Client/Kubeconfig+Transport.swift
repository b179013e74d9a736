extension Kubeconfig {
    /// A transport to the cluster of a context, as its user.
    /// - Parameter clock: decides when a token is read or asked for again.
    /// - Throws: `KubeconfigError`, `CryptoError`, `NetError`; each says what to change.
    package func transport(
        context name: String? = nil, environment: [String: String] = [:], clock: any WallClock = SystemClock(),
        timing: HTTPTransport.Timing = HTTPTransport.Timing()
    ) async throws -> HTTPTransport {
        let context = try context(name)
        let cluster = context.cluster
        if let proxy = cluster["proxy-url"].string, !proxy.isEmpty {
            throw KubeconfigError(
                "the cluster \"\(context.clusterName)\" asks for the proxy \(proxy), which is not supported; remove proxy-url"
            )
        }
        guard let text = cluster["server"].string, let server = ServerURL(text) else {
            throw KubeconfigError(
                "the cluster \"\(context.clusterName)\" needs a server such as https://127.0.0.1:6443, not "
                    + "\"\(cluster["server"].string ?? "")\"")
        }
        let access = UserAccess(context, environment: environment, clock: clock)
        let identity = try await access.identity()
        var tls: TLSContext?
        if server.isSecure {
            let ca = try Kubeconfig.material(cluster, "certificate-authority", context.clusterFolder)
            let isInsecure = cluster["insecure-skip-tls-verify"].bool ?? false
            if ca != nil, isInsecure {
                throw KubeconfigError(
                    "the cluster \"\(context.clusterName)\" has both a certificate-authority and insecure-skip-tls-verify; remove one"
                )
            }
            tls = try .client(
                ca: try ca.map { try Certificate.chain(pem: $0) }, certificate: identity?.chain ?? [],
                key: identity?.key,
                serverName: cluster["tls-server-name"].string.flatMap { $0.isEmpty ? nil : $0 }, insecure: isInsecure)
        }
        return HTTPTransport(
            .host(server.host, port: server.port), tls: tls, prefix: server.path, timing: timing,
            credentials: { try await access.headers() })
    }

    /// The bytes of `member-data` (base64) or of the file that `member` names; nil when neither is there.
    static func material(_ json: JSON, _ member: String, _ folder: String) throws -> [UInt8]? {
        if let data = json["\(member)-data"].string, !data.isEmpty {
            guard let bytes = Base64.decode(data) else {
                throw KubeconfigError("\(member)-data in the kubeconfig is not base64; copy it again")
            }
            return bytes
        }
        guard let path = json[member].string, !path.isEmpty else { return nil }
        let resolved = resolve(path, in: folder)
        guard let bytes = try file(resolved) else {
            throw KubeconfigError("the kubeconfig names the file \(resolved) as \(member), but it does not exist")
        }
        return bytes
    }
}

/// The parts of `https://host:port/path`.
package struct ServerURL: Equatable, Sendable {
    package let isSecure: Bool
    package let host: String
    package let port: Int
    /// Begins with a slash, or is empty.
    package let path: String

    /// Nil for another scheme, for user names, queries and broken ports. No scheme means http, as in client-go.
    package init?(_ text: String) {
        var rest = Substring(text)
        if rest.hasPrefix("https://") {
            isSecure = true
            rest = rest.dropFirst(8)
        } else {
            isSecure = false
            if rest.hasPrefix("http://") { rest = rest.dropFirst(7) }
        }
        let authority = rest.prefix { $0 != "/" }
        path = String(rest.dropFirst(authority.count)).trimmingSlashes
        guard !authority.isEmpty, !text.contains(where: { "@?# ".contains($0) }) else { return nil }
        if let (host, port) = SocketAddress.split(String(authority)), !host.isEmpty {
            (self.host, self.port) = (host, port)
        } else {
            let isBracketed = authority.first == "[" && authority.last == "]"
            guard isBracketed || !authority.contains(":") else { return nil }
            host = String(isBracketed ? authority.dropFirst().dropLast() : authority)
            port = isSecure ? 443 : 80
        }
    }
}

extension String {
    /// Without slashes at the end.
    fileprivate var trimmingSlashes: String {
        var text = self
        while text.last == "/" { text.removeLast() }
        return text
    }
}
