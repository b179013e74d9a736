import Shared
import TestKit
import Testing

@testable import Master

/// What every namespace is given, and the tokens of accounts.
struct AccountTests {
    private static let names = ["red", "green", "blue"]

    private static func token(_ name: String, of account: String, in namespace: String) -> Secret {
        var secret = Secret(name: name, namespace: namespace)
        secret.json["type"] = .string(Secret.accountTokenType)
        secret.metadata.annotations = [AccountTokensPlan.accountName: account]
        return secret
    }

    /// One thing that somebody does in a namespace.
    private static func act(_ round: Int, _ random: inout Seed, _ cluster: InProcessCluster) async throws {
        let client = cluster.client
        let name = names[Int(random.next() % 3)]
        let account = ["default", "robot"][Int(random.next() % 2)]
        switch random.next() % 9 {
        case 0: try await cluster.restartMaster()
        case 1: try await client.delete(Namespace.self, name: name)
        case 2, 3: _ = try await client.create(Namespace(name: name))
        case 4: try await client.delete(ServiceAccount.self, namespace: name, name: account)
        case 5: _ = try await client.create(ServiceAccount(name: "robot", namespace: name))
        case 6:
            try await client.delete(ConfigMap.self, namespace: name, name: ConfigMap.rootCertificates)
        case 7:
            _ = try await client.patch(
                ConfigMap.self, namespace: name, name: ConfigMap.rootCertificates, .merge,
                ["data": ["ca.crt": "another", "more": "than that"]])
        default:
            _ = try await client.create(token("token-\(round)", of: account, in: name))
        }
    }

    /// A token is made once and stays what it is.
    private static func expectTokens(_ cluster: InProcessCluster, _ seed: UInt64) async throws {
        var tokens: [String: JSON] = [:]
        for step in try await cluster.course(of: Secret.self) where !step.isRemoval {
            let token = step.object.json["data"]["token"]
            guard step.object.json["type"].string == Secret.accountTokenType, !token.isNull else { continue }
            let first = tokens[step.object.metadata.uid, default: token]
            #expect(first == token, "seed \(seed): \(step.object.name) at \(step.revision)")
            tokens[step.object.metadata.uid] = token
        }
    }

    @Test(arguments: Seeds.tried(6))
    func `every namespace has its account, its certificate and the tokens that were asked for`(
        seed: UInt64
    ) async throws {
        try await InProcessCluster.with(InProcessCluster.faulty(seed, nodes: 0, oneIn: 12)) { cluster in
            var random = Seed(seed &+ 166)
            for name in AccountTests.names { _ = try await cluster.client.create(Namespace(name: name)) }
            for round in 0..<14 {
                try await cluster.tolerantly([.alreadyExists, .forbidden]) {
                    try await AccountTests.act(round, &random, cluster)
                }
                if random.next() % 2 == 0 { try await cluster.run(for: .milliseconds(Int64(random.next() % 1500))) }
            }
            try await cluster.run(for: .seconds(60))
            try await AccountTests.expectTokens(cluster, seed)
            for namespace in try await cluster.client.list(Namespace.self).items {
                let name = namespace.name
                #expect(!namespace.metadata.isDeleting, "seed \(seed): \(name) never went")
                let accounts = try await cluster.client.list(ServiceAccount.self, namespace: name).items
                #expect(accounts.contains { $0.name == "default" }, "seed \(seed): \(name)")
                let map = try await cluster.client.get(
                    ConfigMap.self, namespace: name, name: ConfigMap.rootCertificates)
                #expect(
                    map.json["data"] == ["ca.crt": .string(InProcessCluster.rootCertificate)], "seed \(seed): \(name)")
                for secret in try await cluster.client.list(Secret.self, namespace: name).items {
                    let annotations = secret.metadata.annotations
                    guard let owner = annotations[AccountTokensPlan.accountName] else { continue }
                    let account = accounts.first { $0.name == owner }
                    #expect(
                        account != nil && account?.metadata.uid == annotations[AccountTokensPlan.accountUID],
                        "seed \(seed): \(secret.name) of \(owner) in \(name)")
                    #expect(!AccountTokensPlan.needsToken(secret), "seed \(seed): \(secret.name) in \(name)")
                }
            }
        }
    }
}
