/// How a user of a kubeconfig proves who they are. An actor: it keeps tokens until they expire.
actor UserAccess {
    struct Identity: Sendable {
        let chain: [Certificate]
        let key: PrivateKey
    }
    private let context: Kubeconfig.Context
    private let environment: [String: String]
    private let clock: any WallClock
    private var fileToken: (text: String, until: Duration)?
    private var credential: ExecCredential?

    init(_ context: Kubeconfig.Context, environment: [String: String], clock: any WallClock) {
        self.context = context
        self.environment = environment
        self.clock = clock
    }

    private var user: JSON { context.user }

    /// The client certificate, from the file or from the plugin; nil when there is none.
    func identity() async throws -> Identity? {
        var chain = try Kubeconfig.material(user, "client-certificate", context.userFolder)
        var key = try Kubeconfig.material(user, "client-key", context.userFolder)
        if chain == nil, user["exec"].object != nil, let credential = try await current() {
            chain = credential.certificate
            key = credential.key
        }
        guard let chain else { return nil }
        guard let key else {
            throw KubeconfigError("the user \"\(context.userName)\" has a client certificate but no client-key; add it")
        }
        return Identity(chain: try Certificate.chain(pem: chain), key: try PrivateKey(pem: key))
    }

    /// The `Authorization` header, if the user has one. Order of client-go: tokenFile before token, then a password.
    func headers() async throws -> HTTPHeaders {
        if let path = user["tokenFile"].string, !path.isEmpty { return try bearer(read(path)) }
        if let token = user["token"].string, !token.isEmpty { return try bearer(token) }
        if let name = user["username"].string, !name.isEmpty {
            return ["Authorization": "Basic " + Base64.encode(Array("\(name):\(user["password"].string ?? "")".utf8))]
        }
        if user["exec"].object != nil, let token = try await current()?.token { return try bearer(token) }
        return [:]
    }

    private func bearer(_ token: String) throws -> HTTPHeaders { ["Authorization": "Bearer \(token.trimmingLineEnds)"] }

    private func read(_ path: String) throws -> String {
        let now = clock.uptime()
        if let fileToken, now < fileToken.until { return fileToken.text }
        let resolved = Kubeconfig.resolve(path, in: context.userFolder)
        guard let bytes = try Kubeconfig.file(resolved), !bytes.isEmpty else {
            throw KubeconfigError("the token file \(resolved) is missing or empty")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        fileToken = (text, now + .seconds(Limits.tokenFileSeconds))
        return text
    }

    private func current() async throws -> ExecCredential? {
        if let credential, credential.expiry.map({ $0 > clock.now() + .seconds(10) }) ?? true { return credential }
        let plugin = try ExecPlugin(user["exec"], folder: context.userFolder, cluster: context.cluster)
        let fresh = try await plugin.run(environment: environment)
        credential = fresh
        return fresh
    }
}

extension String {
    fileprivate var trimmingLineEnds: String {
        var text = Substring(self)
        while let last = text.last, last.isWhitespace { text.removeLast() }
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        return String(text)
    }
}
