import Shared

/// Who sends a request: the client certificate, else the bearer token, else nobody.
/// A stage of the chain: `Serve → Auth → Admission → Registry`.
struct Authenticate: Sendable {
    let tokens: ServiceAccountTokens
    /// The user of a static or join token; nil when the token is none.
    let known: @Sendable (_ token: String) -> User?

    /// - Throws: 401 for a token that is not valid.
    func callAsFunction(_ incoming: HTTPServerRequest) throws(Status) -> User {
        if let certificate = incoming.peerCertificate, !certificate.commonName.isEmpty {
            return User(certificate.commonName, groups: certificate.organizations + ["system:authenticated"])
        }
        guard let header = incoming.request.headers["Authorization"] else { return .anonymous }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer", let user = user(of: parts[1].trimmingSpaces) else {
            throw Status(.unauthorized, "Unauthorized")
        }
        return user
    }

    /// The user that a bearer token stands for; nil when it is not valid (any more).
    func user(of token: String) -> User? { known(token) ?? tokens.user(of: token) }
}
