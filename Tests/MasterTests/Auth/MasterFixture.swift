import Shared
import TestKit

@testable import Master

/// A master without sockets and without controllers, that answers requests as if they had come over the network.
/// A class: it owns the state folder.
final class MasterFixture: Sendable {
    struct Reply {
        let code: Int
        let headers: HTTPHeaders
        let bytes: [UInt8]
        var text: String { String(decoding: bytes, as: UTF8.self) }
        /// Null when the body is not JSON.
        var json: JSON { (try? JSON(parsing: bytes)) ?? .null }
    }

    let plane: ControlPlane
    let clock: any WallClock
    private let folder: TemporaryFolder

    /// The token of the administrator.
    static let adminToken = "tok"

    init(
        clock: any WallClock = SystemClock(), _ change: (inout ControlPlane.Options) -> Void = { _ in }
    ) async throws {
        folder = TemporaryFolder()
        self.clock = clock
        let state = try StateFolder(folder.path)
        let identity = try MasterIdentity.open(state, names: SubjectAltNames(dns: ["localhost"]), clock: clock)
        var options = ControlPlane.Options()
        options.staticTokens = try StaticTokens(text: "tok,admin,1,\"system:masters\"", file: "tokens")
        change(&options)
        plane = try ControlPlane(
            path: folder.path + "/kmaster.db", options: options, identity: identity, clock: clock,
            log: Log("test", threshold: .error) { _ in },
            dial: { throw NetError(.refused, "no agent listens on \($0)") }
        )
        try await plane.bootstrap(serviceAddress: "10.96.0.1", endpoints: ["127.0.0.1"], port: 6443)
    }

    /// A client with an identity of its choice.
    func client(_ user: User = User("admin", groups: ["system:masters"])) -> Client {
        plane.client(user, agent: "test")
    }

    func call(
        _ method: String, _ target: String, token: String? = MasterFixture.adminToken, headers: [(String, String)] = [],
        body: JSON = .null, certificate: Certificate? = nil
    ) async throws -> Reply {
        var request = HTTPRequest(method, target)
        if let token { request.headers["Authorization"] = "Bearer \(token)" }
        if !body.isNull { request.body = body.encoded }
        for (name, value) in headers { request.headers.add(name, value) }
        let incoming = HTTPServerRequest(request: request, peer: .unix("test"), peerCertificate: certificate)
        guard case .whole(let code, let answered, let pieces) = await plane.server.answer(incoming) else {
            throw Status(.internalError, "the answer is a stream")
        }
        return Reply(code: code, headers: answered, bytes: Array(pieces.joined()))
    }
}
