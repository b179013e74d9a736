import Shared
import TestKit

@testable import Master

/// A server without controllers and without sockets, with a namespace `team` and its service account.
struct AdmissionWorld {
    let plane: ControlPlane
    let client: Client
    private let folder: TemporaryFolder

    init(clock: any WallClock = SystemClock(), options: ControlPlane.Options = .init()) async throws {
        folder = TemporaryFolder()
        let identity = try MasterIdentity.open(
            try StateFolder(folder.path), names: SubjectAltNames(dns: ["localhost"]), clock: clock)
        plane = try ControlPlane(
            path: folder.path + "/kmaster.db", options: options, identity: identity, clock: clock,
            log: Log("admission", threshold: .error) { _ in },
            dial: { throw NetError(.refused, "no agent listens on \($0)") })
        client = plane.client(User("admin", groups: ["system:masters", "system:authenticated"]), agent: "test")
        try await post("/api/v1/namespaces", ["metadata": ["name": "team"]])
        try await post("/api/v1/namespaces/team/serviceaccounts", ["metadata": ["name": "default"]])
    }

    @discardableResult
    func post(_ path: String, _ body: JSON, query: Query = [:]) async throws -> JSON {
        try await client.call("POST", path, query: query, body: body)
    }

    /// The refusal of a POST; nil when it was taken.
    func refusal(_ path: String, _ body: JSON, query: Query = [:]) async throws -> Status? {
        do {
            try await post(path, body, query: query)
            return nil
        } catch let status as Status {
            return status
        }
    }

    /// The answer with its headers.
    func send(_ method: String, _ path: String, _ body: JSON?, query: Query = [:], headers: HTTPHeaders = [:])
        async throws -> HTTPResponse
    {
        var request = client.request(method, path, query: query, body: body?.encoded)
        for field in headers.fields { request.headers[field.name] = field.value }
        return try await client.transport.send(request)
    }

    static let pods = "/api/v1/namespaces/team/pods"

    /// A pod of one container `c`.
    static func pod(_ name: String, _ container: JSON = [:], spec: JSON = [:]) -> JSON {
        var main = container
        main["name"] = "c"
        main["image"] = "i:1"
        var pod: JSON = ["metadata": ["name": .string(name)], "spec": spec]
        if pod["spec"].isNull { pod["spec"] = [:] }
        pod["spec"]["containers"] = [main]
        return pod
    }
}
