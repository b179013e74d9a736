import Shared
import Testing

@testable import Master

struct CertificateTests {
    private static func request(
        _ name: String, groups: [String], signer: String, usages: [String], user: String = "anna",
        names: SubjectAltNames = SubjectAltNames()
    ) throws -> CertificateSigningRequest {
        let wish = try CertificateRequest(
            subject: DistinguishedName(commonName: name, organizations: groups), names: names,
            key: PrivateKey.generate())
        var object = CertificateSigningRequest(name: "r")
        object.json["spec"] = [
            "request": .string(Base64.encode(wish.pem)), "signerName": .string(signer), "usages": JSON(usages),
            "username": .string(user),
        ]
        return object
    }
    private static let client = ["digital signature", "key encipherment", "client auth"]

    @Test func `agents are approved for their own name, users by a person`() throws {
        let agent = CertificateSigningRequest.agentClient
        let joining = try Self.request("system:node:n1", groups: ["system:nodes"], signer: agent, usages: Self.client)
        #expect(CertificateSigner.approval(joining, addresses: [])?.right == "nodeclient")
        let renewing = try Self.request(
            "system:node:n1", groups: ["system:nodes"], signer: agent, usages: Self.client, user: "system:node:n1")
        #expect(CertificateSigner.approval(renewing, addresses: [])?.right == "selfnodeclient")
        let greedy = try Self.request(
            "system:node:n1", groups: ["system:nodes", "system:masters"], signer: agent, usages: Self.client)
        #expect(CertificateSigner.approval(greedy, addresses: []) == nil)
        let server = try Self.request(
            "system:node:n1", groups: ["system:nodes"], signer: agent, usages: ["server auth"])
        #expect(CertificateSigner.approval(server, addresses: []) == nil)
        let user = try Self.request(
            "anna", groups: ["dev"], signer: CertificateSigningRequest.userClient, usages: Self.client)
        #expect(CertificateSigner.approval(user, addresses: []) == nil)
    }

    @Test func `a node's serving certificate names its own addresses only`() throws {
        func wish(_ addresses: [String], dns: [String] = ["n1"]) throws -> CertificateSigningRequest {
            try Self.request(
                "system:node:n1", groups: ["system:nodes"], signer: CertificateSigningRequest.agentServing,
                usages: ["digital signature", "server auth"], user: "system:node:n1",
                names: SubjectAltNames(dns: dns, addresses: addresses))
        }
        #expect(CertificateSigner.approval(try wish(["10.0.0.2"]), addresses: []) != nil)
        #expect(CertificateSigner.approval(try wish([], dns: ["n1", "kubernetes"]), addresses: []) == nil)
        #expect(CertificateSigner.approval(try wish(["10.0.0.1"]), addresses: ["10.0.0.1"]) != nil)
        #expect(CertificateSigner.approval(try wish(["10.0.0.2"]), addresses: ["10.0.0.1"]) == nil)
    }

    @Test func `a request is kept a day undecided, an hour when it is done with`() throws {
        var request = try Self.request("anna", groups: [], signer: "example.com/mine", usages: ["client auth"])
        request.metadata.creationTimestamp = Sample.start
        #expect(CertificateSigner.end(of: request) == Sample.start + .seconds(86_400))
        let later = Sample.start + .seconds(100)
        request.conditions = [Condition("Approved", true, since: later)]
        #expect(CertificateSigner.end(of: request) == nil)
        request.json["status"]["certificate"] = .string(Base64.encode(Array("signed".utf8)))
        #expect(CertificateSigner.end(of: request) == later + .seconds(3600))
        request.json["status"].set("certificate", nil)
        request.conditions = [Condition("Denied", true, since: later)]
        #expect(CertificateSigner.end(of: request) == later + .seconds(3600))
    }

    @Test func `what is approved and not fit is refused with a reason`() throws {
        let wrong = try Self.request(
            "anna", groups: [], signer: CertificateSigningRequest.userClient, usages: ["server auth"])
        let wanted = try CertificateRequest(pem: wrong.requestPEM)
        guard case .refuse(let why) = CertificateSigner.verdict(wrong, wanted) else {
            Issue.record("a server certificate for a user was signed")
            return
        }
        #expect(why.contains("client auth"))
        let foreign = try Self.request("anna", groups: [], signer: "example.com/mine", usages: ["client auth"])
        #expect(CertificateSigner.verdict(foreign, try CertificateRequest(pem: foreign.requestPEM)) == nil)
    }

    @Test func `approving needs the right to the signer`() async throws {
        let server = try await MasterFixture()
        let path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
        var object = try Self.request(
            "anna", groups: ["dev"], signer: CertificateSigningRequest.userClient, usages: Self.client)
        object.metadata.name = "anna"
        let made = try await server.client().call("POST", path, body: object.json)
        #expect(made["spec"]["username"] == "admin")
        let group = "rbac.authorization.k8s.io"
        func grant(_ name: String, _ rules: [PolicyRule], to user: String) async throws {
            let role: JSON = [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                "metadata": ["name": .string(name)],
                "rules": .array(rules.map(\.json)),
            ]
            let binding: JSON = [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
                "metadata": ["name": .string(name)],
                "roleRef": ["apiGroup": .string(group), "kind": "ClusterRole", "name": .string(name)],
                "subjects": [["kind": "User", "name": .string(user), "apiGroup": .string(group)]],
            ]
            _ = try await server.client().call("POST", "/apis/\(group)/v1/clusterroles", body: role)
            _ = try await server.client().call("POST", "/apis/\(group)/v1/clusterrolebindings", body: binding)
        }
        let update = PolicyRule(
            verbs: ["get", "update"], apiGroups: ["certificates.k8s.io"],
            resources: ["certificatesigningrequests", "certificatesigningrequests/approval"])
        try await grant("half", [update], to: "half")
        try await grant(
            "full",
            [
                update,
                PolicyRule(
                    verbs: ["approve"], apiGroups: ["certificates.k8s.io"], resources: ["signers"],
                    resourceNames: ["kubernetes.io/*"]),
            ], to: "full")
        var approved = made
        approved["status"]["conditions"] = [
            ["type": "Approved", "status": "True", "reason": "KubectlApprove", "message": "by hand"]
        ]
        await #expect(throws: Status.self) {
            _ = try await server.client(User("half")).call("PUT", "\(path)/anna/approval", body: approved)
        }
        let answer = try await server.client(User("full")).call("PUT", "\(path)/anna/approval", body: approved)
        #expect(answer["status"]["conditions"][0]["type"] == "Approved")
        var raised = try Self.request(
            "anna", groups: ["system:masters"], signer: CertificateSigningRequest.userClient, usages: Self.client)
        raised.metadata.name = "raised"
        await #expect(throws: Status.self) {
            _ = try await server.client().call("POST", path, body: raised.json)
        }
    }
}
