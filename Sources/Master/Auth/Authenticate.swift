import Shared

/// Who sends a request: the client certificate, else the bearer token, else nobody.
/// A stage of the chain: `Serve → Auth → Admission → Registry`.
struct Authenticate: Sendable {
    let tokens: ServiceAccountTokens
    /// The tokens of `--token-auth-file`.
    let statics: StaticTokens
    /// The user of a join token; nil when the token is none.
    let joining: @Sendable (_ token: String) -> User?
    /// Whether those who show nothing may ask for more than health and version: `--anonymous-auth`.
    let allowsAnonymous: Bool

    /// - Throws: 401 for a token or certificate that is not valid, and for nobody where that is not allowed.
    func callAsFunction(_ incoming: HTTPServerRequest, _ info: RequestInfo) throws(Status) -> User {
        if let certificate = incoming.peerCertificate, !certificate.commonName.isEmpty {
            return User(certificate.commonName, groups: certificate.organizations + [User.authenticated])
        }
        if let token = Authenticate.token(incoming.request.headers) {
            guard let (user, _) = user(of: token) else { throw Authenticate.refusal }
            return user
        }
        guard incoming.peerCertificateProblem == nil, allowsAnonymous || Authenticate.isPublic(info) else {
            throw Authenticate.refusal
        }
        return .anonymous
    }

    private static let refusal = Status(.unauthorized, "Unauthorized")

    /// The user that a bearer token stands for, and for which audiences it is good; nil when it is not valid (any more).
    /// - Parameter audiences: those for whom it has to be good; empty means this server.
    func user(of token: String, audiences: [String] = []) -> (user: User, audiences: [String])? {
        if let user = statics.user(of: token) ?? joining(token) {
            return (user, audiences.isEmpty ? [tokens.issuer] : audiences)
        }
        return tokens.user(of: token, audiences: audiences)
    }

    /// `Authorization: Bearer …`, or the subprotocol by which browsers send a token on a WebSocket.
    private static func token(_ headers: HTTPHeaders) -> String? {
        if let header = headers["Authorization"] {
            let parts = header.split(separator: " ", maxSplits: 1)
            let token = parts.count == 2 && parts[0].lowercased() == "bearer" ? parts[1].trimmingSpaces : ""
            if !token.isEmpty { return token }
        }
        let prefix = "base64url.bearer.authorization.k8s.io."
        for field in headers.all("Sec-WebSocket-Protocol") {
            for item in field.split(separator: ",").map(\.trimmingSpaces) where item.hasPrefix(prefix) {
                return Base64.decodeURL(item.dropFirst(prefix.count)).map { String(decoding: $0, as: UTF8.self) } ?? "?"
            }
        }
        return nil
    }

    /// Health and version are for everyone; RBAC still has the last word.
    private static func isPublic(_ info: RequestInfo) -> Bool {
        !info.isResource
            && ["/healthz", "/livez", "/readyz", "/version"].contains {
                info.path == $0 || info.path.hasPrefix($0 + "/")
            }
    }
}
