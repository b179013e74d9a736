import Shared
import TestKit
import Testing

@testable import Master

struct AuditLogTests {
    private static func lines(_ path: String) throws -> [JSON] {
        try (PrivateFile.read(path) ?? []).split(separator: UInt8(ascii: "\n")).map { try JSON(parsing: Array($0)) }
    }

    @Test func `a change leaves who, what, from where, outcome and revision, and no value`() async throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/audit.log"
        let audit = try AuditLog(path: path, sizeMax: 1 << 20, keptMax: 2, log: Log("t", threshold: .error) { _ in })
        let server = try await MasterFixture { $0.audit = audit }
        let secret: JSON = [
            "apiVersion": "v1", "kind": "Secret", "metadata": ["generateName": "s-"], "stringData": ["k": "hush-hush"],
        ]
        let made = try await server.call("POST", "/api/v1/namespaces/default/secrets", body: secret)
        let name = made.json["metadata"]["name"].string ?? ""
        _ = try await server.call(
            "DELETE", "/api/v1/namespaces/default/secrets/\(name)", headers: [("Impersonate-User", "anna")])
        _ = try await server.call("GET", "/api/v1/namespaces/default/secrets/\(name)")
        audit.flush()
        let lines = try Self.lines(path)
        let create = try #require(lines.first { $0["name"].string == name && $0["verb"] == "create" })
        #expect(create["user"] == "admin")
        #expect(create["outcome"] == "done")
        #expect(create["from"].string?.isEmpty == false)
        #expect(create["revision"] == made.json["metadata"]["resourceVersion"])
        let refused = try #require(lines.first { $0["verb"] == "delete" })
        #expect(refused["user"] == "anna")
        #expect(refused["actor"] == "admin")
        #expect(refused["outcome"] == "denied")
        #expect(!lines.contains { $0["verb"] == "get" })
        let text = String(decoding: try PrivateFile.read(path) ?? [], as: UTF8.self)
        #expect(!text.contains("hush-hush") && !text.contains(Base64.encode(Array("hush-hush".utf8))))
    }

    @Test func `a full file is put aside and the oldest goes`() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/audit.log"
        let audit = try AuditLog(path: path, sizeMax: 2_000, keptMax: 2, log: Log("t", threshold: .error) { _ in })
        let info = RequestInfo(method: "POST", segments: ["api", "v1", "namespaces", "n", "pods"], query: [:])
        for number in 0..<60 {
            audit.note(
                .init(
                    time: Timestamp(seconds: 1), user: User("u"), actor: nil, source: "s", agent: "a", info: info,
                    name: "pod-\(number)", code: 201, reason: "", isDryRun: false, revision: Revision(1)))
            audit.flush()
        }
        #expect(folder.files.sorted() == ["audit.log", "audit.log.1", "audit.log.2"])
        #expect(try Self.lines(path).last?["name"] == "pod-59")
        #expect((try PrivateFile.read(path) ?? []).count <= 2_000)
    }
}
