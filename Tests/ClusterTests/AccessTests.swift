import Shared
import TestKit
import Testing

@testable import Master

/// Roles that gather the rules of others, and certificates that are asked for.
struct AccessTests {
    // MARK: Roles

    private static func role(_ number: UInt64, _ labels: JSON) -> ClusterRole {
        var role = ClusterRole(name: "part-\(number)")
        role.json["metadata"]["labels"] = labels
        role.json["rules"] = [["apiGroups": [""], "resources": [.string("r\(number)")], "verbs": ["get"]]]
        return role
    }
    /// Gathers what has its own label; `whole-1` has the label of `whole-0`.
    private static func gathering(_ number: Int) -> ClusterRole {
        var role = ClusterRole(name: "whole-\(number)")
        if number == 1 { role.json["metadata"]["labels"] = ["into-0": "true"] }
        role.json["aggregationRule"] = [
            "clusterRoleSelectors": [["matchLabels": JSON(["into-\(number)": "true"])]]
        ]
        role.json["rules"] = []
        return role
    }
    private static func labels(_ random: inout Seed) -> JSON {
        var labels: JSON = [:]
        for number in 0..<2 where random.next() % 2 == 0 { labels["into-\(number)"] = "true" }
        return labels
    }
    private static func resources(of role: ClusterRole) -> Set<String> {
        Set(role.json["rules"].items.flatMap { $0["resources"].items.compactMap(\.string) })
    }

    @Test(arguments: Seeds.tried(6))
    func `a role that gathers has the rules of those that it selects`(seed: UInt64) async throws {
        try await InProcessCluster.with(InProcessCluster.faulty(seed, nodes: 0, oneIn: 8)) { cluster in
            var random = Seed(seed &+ 177)
            for number in 0..<2 { _ = try await cluster.client.create(AccessTests.gathering(number)) }
            for _ in 0..<16 {
                let number = random.next() % 5
                try await cluster.tolerantly([.alreadyExists]) {
                    switch random.next() % 8 {
                    case 0: try await cluster.restartMaster()
                    case 1: try await cluster.client.delete(ClusterRole.self, name: "part-\(number)")
                    case 2, 3:
                        var labels: JSON = ["into-0": nil, "into-1": nil]
                        for (key, value) in AccessTests.labels(&random).members { labels[key] = value }
                        _ = try await cluster.client.patch(
                            ClusterRole.self, name: "part-\(number)", .merge, ["metadata": ["labels": labels]])
                    case 4:
                        // Whoever writes rules into a role that gathers is overruled.
                        _ = try await cluster.client.patch(
                            ClusterRole.self, name: "whole-\(number % 2)", .merge, ["rules": []])
                    default:
                        _ = try await cluster.client.create(AccessTests.role(number, AccessTests.labels(&random)))
                    }
                }
                try await cluster.run(for: .milliseconds(Int64(random.next() % 400)))
            }
            try await cluster.run(for: .seconds(30))
            let roles = try await cluster.client.list(ClusterRole.self).items
            var expected: [Set<String>] = [[], []]
            for number in [1, 0] {
                let parts = roles.filter {
                    $0.name.hasPrefix("part-") && $0.metadata.labels["into-\(number)"] == "true"
                }
                expected[number] = parts.reduce(into: number == 0 ? expected[1] : []) {
                    $0.formUnion(AccessTests.resources(of: $1))
                }
                let whole = try #require(roles.first { $0.name == "whole-\(number)" })
                #expect(AccessTests.resources(of: whole) == expected[number], "seed \(seed): \(whole.name)")
            }
            #expect(roles.contains { $0.name == "admin" && !$0.json["rules"].items.isEmpty }, "seed \(seed)")
        }
    }

    // MARK: Certificates

    private enum Wish: CaseIterable { case agent, user, unfit }

    /// A request that `client` makes: for its own node, for a person, or of a kind that nobody signs.
    private static func request(_ name: String, _ wish: Wish, _ key: PrivateKey) throws -> CertificateSigningRequest {
        let subject =
            wish == .agent
            ? DistinguishedName(commonName: "system:node:node-1", organizations: ["system:nodes"])
            : DistinguishedName(commonName: "anna", organizations: ["team"])
        let signer =
            wish == .agent ? CertificateSigningRequest.agentClient : CertificateSigningRequest.userClient
        var request = CertificateSigningRequest(name: name)
        request.json["spec"] = [
            "request": .string(Base64.encode(try CertificateRequest(subject: subject, key: key).pem)),
            "signerName": .string(signer),
            "usages": wish == .unfit ? ["server auth"] : ["digital signature", "client auth"],
        ]
        return request
    }

    /// Somebody says yes or no.
    private static func decide(_ name: String, _ word: String, _ cluster: InProcessCluster) async throws {
        var request = try await cluster.client.get(CertificateSigningRequest.self, name: name)
        if request.isApproved || request.isRefused { return }
        request.json["status"]["conditions"] = [
            Condition(word, true, reason: "Test", message: "as the test wants it", since: cluster.clock.now()).json
        ]
        _ = try await cluster.client.update(request, subresource: "approval")
    }

    /// A certificate is issued once, and only for what was approved before.
    private static func expectOnce(_ cluster: InProcessCluster, _ seed: UInt64) async throws {
        var issued: [String: [UInt8]] = [:]
        var approved: Set<String> = []
        for step in try await cluster.course(of: CertificateSigningRequest.self) where !step.isRemoval {
            let request = step.object
            if !request.certificate.isEmpty {
                let first = issued[request.metadata.uid, default: request.certificate]
                #expect(first == request.certificate, "seed \(seed): \(request.name) was signed twice")
                #expect(approved.contains(request.metadata.uid), "seed \(seed): \(request.name) was not approved")
                issued[request.metadata.uid] = first
            }
            if request.isApproved { approved.insert(request.metadata.uid) }
        }
    }

    @Test(arguments: Seeds.tried(6))
    func `a certificate is issued once for what was approved and never for what was refused`(
        seed: UInt64
    ) async throws {
        let key = try PrivateKey.generate()
        try await InProcessCluster.with(InProcessCluster.faulty(seed, nodes: 0, oneIn: 8)) { cluster in
            var random = Seed(seed &+ 188)
            var wishes: [String: Wish] = [:]
            var denied: Set<String> = []
            for round in 0..<10 {
                let chosen = wishes.keys.sorted().randomElement(using: &random)
                try await cluster.tolerantly {
                    switch random.next() % 7 {
                    case 0: try await cluster.restartMaster()
                    case 1, 2:
                        guard let chosen else { break }
                        let word = random.next() % 3 == 0 ? "Denied" : "Approved"
                        try await AccessTests.decide(chosen, word, cluster)
                        if word == "Denied",
                            try await cluster.client.get(CertificateSigningRequest.self, name: chosen).isRefused
                        {
                            denied.insert(chosen)
                        }
                    default:
                        let wish = Wish.allCases[Int(random.next() % 3)]
                        let user =
                            wish == .agent
                            ? User("system:node:node-1", groups: ["system:nodes", "system:authenticated"])
                            : User("kubernetes-admin", groups: ["system:masters", "system:authenticated"])
                        let name = "r\(round)"
                        _ = try await cluster.plane.client(user, agent: "test")
                            .create(try AccessTests.request(name, wish, key))
                        wishes[name] = wish
                    }
                }
                try await cluster.run(for: .milliseconds(Int64(random.next() % 300)))
            }
            for name in wishes.keys.sorted() where wishes[name] != .agent {
                try await cluster.tolerantly { try await AccessTests.decide(name, "Approved", cluster) }
            }
            try await cluster.run(for: .seconds(30))
            try await AccessTests.expectOnce(cluster, seed)
            for request in try await cluster.client.list(CertificateSigningRequest.self).items {
                let wish = try #require(wishes[request.name])
                guard !denied.contains(request.name) else {
                    #expect(request.certificate.isEmpty, "seed \(seed): \(request.name) was denied")
                    continue
                }
                #expect(request.isApproved, "seed \(seed): \(request.name)")
                #expect(request.certificate.isEmpty == (wish == .unfit), "seed \(seed): \(request.name)")
                #expect(request.isRefused == (wish == .unfit), "seed \(seed): \(request.name)")
                if wish == .unfit { continue }
                let name = try Certificate(pem: request.certificate).subject.commonName
                #expect(name == (wish == .agent ? "system:node:node-1" : "anna"), "seed \(seed): \(request.name)")
            }
        }
    }

    @Test func `a request that is done with goes after an hour`() async throws {
        let key = try PrivateKey.generate()
        var settings = InProcessCluster.Settings()
        settings.nodes = 0
        try await InProcessCluster.with(settings) { cluster in
            for name in ["denied", "signed", "open"] {
                _ = try await cluster.client.create(try AccessTests.request(name, .user, key))
            }
            try await AccessTests.decide("denied", "Denied", cluster)
            try await AccessTests.decide("signed", "Approved", cluster)
            try await cluster.run(for: .seconds(3500))
            func names() async throws -> Set<String> {
                Set(try await cluster.client.list(CertificateSigningRequest.self).items.map(\.name))
            }
            #expect(try await names() == ["denied", "signed", "open"])
            try await cluster.run(for: .seconds(200))
            let left = try await names()
            #expect(left == ["open"])
        }
    }
}
