import Shared
import Testing

@testable import Master

struct AccountTokensTests {
    private static let account: ServiceAccount = {
        var account = ServiceAccount(name: "robot", namespace: "n")
        account.metadata.uid = "u1"
        return account
    }()

    private static func secret(_ name: String = "robot", uid: String? = nil, data: JSON = .null) -> Secret {
        var secret = Secret(name: "t", namespace: "n")
        secret.json["type"] = .string(Secret.accountTokenType)
        secret.metadata.annotations = [AccountTokensPlan.accountName: name]
        if let uid { secret.metadata.annotations[AccountTokensPlan.accountUID] = uid }
        if !data.isNull { secret.json["data"] = data }
        return secret
    }

    @Test func `a secret that asks for a token is filled`() throws {
        let plan = AccountTokensPlan.make(Self.secret(), account: Self.account, certificate: "ca")
        guard case .fill(let filled) = plan else {
            Issue.record("the plan is \(plan)")
            return
        }
        #expect(filled.metadata.annotations[AccountTokensPlan.accountUID] == "u1")
        #expect(filled.json["data"]["ca.crt"].string == Base64.encode(Array("ca".utf8)))
        #expect(filled.json["data"]["namespace"].string == Base64.encode(Array("n".utf8)))
        #expect(AccountTokensPlan.needsToken(filled))
    }

    @Test func `a secret that has all stays as it is`() {
        var secret = Self.secret(uid: "u1")
        for (key, text) in [("ca.crt", "ca"), ("namespace", "n"), ("token", "x")] {
            secret.json["data"][key] = .string(Base64.encode(Array(text.utf8)))
        }
        #expect(AccountTokensPlan.make(secret, account: Self.account, certificate: "ca") == .nothing)
    }

    @Test func `a secret goes with its account, and when the account is another`() {
        #expect(AccountTokensPlan.make(Self.secret(), account: nil, certificate: "ca") == .remove)
        #expect(AccountTokensPlan.make(Self.secret(uid: "u0"), account: Self.account, certificate: "ca") == .remove)
    }

    @Test func `secrets of other types are left alone`() {
        var secret = Self.secret()
        secret.json["type"] = "Opaque"
        #expect(AccountTokensPlan.make(secret, account: nil, certificate: "ca") == .nothing)
    }
}
