import Shared
import TestKit
import Testing

@testable import Master

/// Access decisions, refusals, escalation, impersonation and default roles against the answers of a real server.
struct RBACGoldenTests {
    private static let lines = Golden.lines("rbac.jsonl")
    private static let group = "rbac.authorization.k8s.io"

    private static func topic(_ line: JSON) -> String {
        String((line["id"].string ?? "").prefix { $0 != "/" })
    }

    /// A server with the recorded set-ups, as far as they are here, and those that the records imply.
    private static func server() async throws -> MasterFixture {
        let server = try await MasterFixture { options in
            options.allowsAnonymous = true
            // The recorded server had RBAC alone.
            options.authorizesNodes = false
        }
        let client = server.client()
        for name in ["gb-rbac-a", "gb-rbac-b"] {
            _ = try await client.call(
                "POST", "/api/v1/namespaces",
                body: ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]])
        }
        for (namespace, name) in [
            ("gb-rbac-a", "robot"), ("gb-rbac-b", "robot"), ("gb-rbac-b", "worker"), ("gb-rbac-b", "chief"),
        ] { _ = try await client.create(ServiceAccount(name: name, namespace: namespace)) }
        var objects = lines.filter { topic($0) == "setup" }.flatMap { $0["objects"].items }
        objects += implied()
        for object in objects {
            let meta = Object(object)
            guard let resource = Registry.builtIn.resource(group: meta.group, version: "v1", kind: meta.kind) else {
                continue
            }
            _ = try await client.call("POST", resource.type.path(namespace: meta.namespace), body: object)
        }
        return server
    }

    /// Set-ups that the records show by their effect only.
    private static func implied() -> [JSON] {
        func role(_ name: String, _ rules: [PolicyRule], kind: String = "ClusterRole", _ namespace: String = "") -> JSON
        {
            var metadata: JSON = ["name": .string(name)]
            if !namespace.isEmpty { metadata["namespace"] = .string(namespace) }
            return [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": .string(kind), "metadata": metadata,
                "rules": .array(rules.map(\.json)),
            ]
        }
        func binding(_ name: String, _ role: String, _ subject: JSON, _ namespace: String = "") -> JSON {
            var metadata: JSON = ["name": .string(name)]
            if !namespace.isEmpty { metadata["namespace"] = .string(namespace) }
            return [
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": namespace.isEmpty ? "ClusterRoleBinding" : "RoleBinding", "metadata": metadata,
                "roleRef": ["apiGroup": .string(group), "kind": "ClusterRole", "name": .string(role)],
                "subjects": [subject],
            ]
        }
        func user(_ name: String, _ kind: String = "User") -> JSON {
            ["kind": .string(kind), "name": .string(name), "apiGroup": .string(group)]
        }
        let robot: JSON = ["kind": "ServiceAccount", "name": "robot", "namespace": "gb-rbac-a"]
        let all = ["get", "list", "watch", "create", "update", "patch", "delete"]
        let roles = ["roles", "rolebindings", "clusterroles", "clusterrolebindings"]
        return [
            role(
                "gb-s04",
                [
                    PolicyRule(
                        verbs: ["get", "create"], apiGroups: [""],
                        resources: ["pods/exec", "pods/log", "pods/portforward"]),
                    PolicyRule(verbs: ["update", "patch"], apiGroups: [""], resources: ["pods/status"]),
                    PolicyRule(verbs: ["get", "update"], apiGroups: ["apps"], resources: ["deployments/scale"]),
                ]), binding("gb-s04", "gb-s04", user("gb-u04")),
            role("gb-s08", [PolicyRule(verbs: ["list"], apiGroups: ["*"], resources: ["pods", "deployments"])]),
            binding("gb-s08", "gb-s08", user("gb-u08")),
            role(
                "gb-s13",
                [
                    PolicyRule(
                        verbs: ["get", "list", "create"], apiGroups: [""], resources: ["services", "endpoints"])
                ]), binding("gb-s13", "gb-s13", user("gb-g13", "Group")),
            role(
                "gb-s14", [PolicyRule(verbs: ["get", "patch"], apiGroups: [""], resources: ["pods", "configmaps"])]),
            binding("gb-s14", "gb-s14", robot, "gb-rbac-a"),
            role(
                "gb-esc",
                [
                    PolicyRule(verbs: all, apiGroups: [group], resources: roles),
                    PolicyRule(verbs: ["get", "list"], apiGroups: [""], resources: ["pods"]),
                    PolicyRule(verbs: ["get"], apiGroups: [""], resources: ["secrets"], resourceNames: ["only"]),
                    PolicyRule(verbs: ["get"], nonResourceURLs: ["/esc/*"]),
                ]), binding("gb-esc", "gb-esc", user("gb-esc")),
            role(
                "gb-bindv",
                [
                    PolicyRule(
                        verbs: ["create"], apiGroups: [group], resources: ["rolebindings", "clusterrolebindings"]),
                    PolicyRule(
                        verbs: ["bind"], apiGroups: [group], resources: ["clusterroles"],
                        resourceNames: ["view", "gb-missing2"]),
                    PolicyRule(verbs: ["bind"], apiGroups: [group], resources: ["roles"]),
                ]), binding("gb-bindv", "gb-bindv", user("gb-bindv")),
            role(
                "gb-e1", [PolicyRule(verbs: ["get"], apiGroups: [""], resources: ["pods"])], kind: "Role", "gb-rbac-a"),
            binding("gb-e40", "view", user("z"), "gb-rbac-a"),
        ]
    }

    /// What the robot may be: given to it after the first records of the topic.
    private static let impersonator = [
        PolicyRule(verbs: ["impersonate"], apiGroups: [""], resources: ["users"], resourceNames: ["alice"]),
        PolicyRule(verbs: ["impersonate"], apiGroups: [""], resources: ["groups"], resourceNames: ["gb-dev"]),
        PolicyRule(
            verbs: ["impersonate"], apiGroups: ["authentication.k8s.io"], resources: ["userextras/scopes"],
            resourceNames: ["view"]),
        PolicyRule(verbs: ["impersonate"], apiGroups: [""], resources: ["serviceaccounts"], resourceNames: ["other"]),
    ]

    // MARK: Default roles

    /// Roles to which later versions gave or took permissions; what is listed was granted by 1.20 and is not any more.
    private static let taken = [
        "edit", "admin", "system:aggregate-to-edit",
    ]

    @Test(.enabled(if: Golden.has("rbac.jsonl")))
    func `the default roles and bindings give what a real server's give`() {
        var rate = PassRate()
        var grown: [String] = []
        let own = Dictionary(
            BootstrapRoles.all.map { (Self.path($0), $0) }, uniquingKeysWith: { first, _ in first })
        for line in Self.lines where Self.topic(line) == "bootstrap" {
            let wanted = line["object"]
            let mine = own[Self.path(wanted)] ?? .null
            let old = wanted["rules"].items.map(PolicyRule.init)
            let new = mine["rules"].items.map(PolicyRule.init)
            var misses = PolicyRule.joined(PolicyRule.missing(old, in: new)).map(\.text)
            if Self.taken.contains(wanted["metadata"]["name"].string ?? "") {
                misses.removeAll { $0.contains("endpoints") && !$0.contains("\"get\"") }
            }
            if !PolicyRule.missing(new, in: old).isEmpty { grown.append(Self.path(wanted)) }
            for key in ["roleRef", "subjects", "aggregationRule"] where mine[key] != wanted[key] {
                if mine[key].items.isEmpty, wanted[key].isNull { continue }
                let same = Set(mine[key].items) == Set(wanted[key].items) && !mine[key].items.isEmpty
                if !same { misses.append("\(key) \(mine[key].text)") }
            }
            for key in ["labels", "annotations"] where mine["metadata"][key] != wanted["metadata"][key] {
                misses.append("\(key) \(mine["metadata"][key].text)")
            }
            rate.note(wanted["kind"].string ?? "", misses.isEmpty, "\(Self.path(wanted)): \(misses)")
        }
        print("bootstrap:\n\(rate.summary)\n" + rate.failures.joined(separator: "\n"))
        print("given more since 1.20: \(grown.sorted())")
        #expect(rate.failures.isEmpty)
    }

    private static func path(_ object: JSON) -> String {
        let meta = Object(object)
        return "\(meta.kind) \(meta.namespace)/\(meta.name)"
    }

    // MARK: Access reviews

    @Test(.enabled(if: Golden.has("rbac.jsonl")))
    func `access reviews answer as a real server answers`() async throws {
        let server = try await Self.server()
        try await Self.gather(server)
        var rate = PassRate()
        var changed = 0
        for line in Self.lines where Self.topic(line) == "sar" {
            var spec: JSON = ["user": line["user"], "groups": line["groups"]]
            for key in ["resourceAttributes", "nonResourceAttributes"] where !line[key].isNull { spec[key] = line[key] }
            let reply = try await server.call(
                "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews",
                body: ["apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec])
            let status = reply.json["status"]
            let sameAnswer = status["allowed"] == line["allowed"] && reply.code == line["code"].int
            let sameReason =
                line["reasonVaries"].bool ?? false || Self.isPublic(line)
                || (status["reason"].string ?? "") == (line["reason"].string ?? "")
            let setup = line["setup"].string ?? ""
            if Self.isChanged(line) {
                changed += 1
                continue
            }
            rate.note(
                "sar \(setup)", sameAnswer && sameReason,
                "\(line["id"].string ?? "") \(spec.text): \(reply.code) \(status.text) want \(line["allowed"].text) \(line["reason"].text)"
            )
        }
        print(
            "access reviews:\n\(rate.summary)\nanswered otherwise by newer versions: \(changed)\n"
                + rate.failures.prefix(40).joined(separator: "\n"))
        #expect(rate.failures.isEmpty)
    }

    /// Paths that several default roles give: any of them may be named.
    private static func isPublic(_ line: JSON) -> Bool {
        ["/healthz", "/livez", "/readyz", "/version", "/version/"].contains(
            line["nonResourceAttributes"]["path"].string ?? "")
    }

    /// Whether newer versions answer otherwise on purpose: their default roles differ.
    private static func isChanged(_ line: JSON) -> Bool {
        let attributes = line["resourceAttributes"]
        guard let resource = attributes["resource"].string else { return false }
        let setup = line["setup"].string ?? ""
        if line["user"].string == "system:kube-scheduler", resource == "namespaces" { return true }
        guard ["s19-view-namespace", "s20-edit-namespace", "s21-admin-namespace", "s23-cluster-view"].contains(setup)
        else { return false }
        let verb = attributes["verb"].string ?? ""
        let writes = !["get", "list", "watch"].contains(verb)
        let sub = attributes["subresource"].string ?? ""
        switch (attributes["group"].string ?? "", resource, sub) {
        case ("", "endpoints", ""), ("", "events", ""), ("", "pods", "eviction"), ("", "serviceaccounts", "token"):
            return writes
        case ("coordination.k8s.io", "leases", ""), ("discovery.k8s.io", "endpointslices", ""): return true
        default: return false
        }
    }

    // MARK: Requests

    /// Topics that are replayed in the order of the file.
    @Test(
        .enabled(if: Golden.has("rbac.jsonl")),
        arguments: [
            "forbidden", "anonymous", "badtoken", "impersonate", "escalation", "validate", "ssrr", "ssar",
            "tokenreview",
            "sar-invalid", "lsar",
        ])
    func `requests are answered as a real server answers`(topic: String) async throws {
        let server = try await Self.server()
        var rate = PassRate()
        var isImpersonator = topic != "impersonate"
        if isImpersonator { try await Self.makeImpersonator(server) }
        try await Self.gather(server)
        for line in Self.lines where Self.topic(line) == topic {
            let id = line["id"].string ?? ""
            if !isImpersonator, !id.contains("no-right"), !id.contains("self-list") {
                try await Self.makeImpersonator(server)
                isImpersonator = true
            }
            if id == "escalation/role-patch-narrow" {
                // The record before this one, which is not here, has given the role a label.
                _ = try await server.client().call(
                    "PATCH", line["path"].string ?? "", body: ["metadata": ["labels": ["a": "b"]]],
                    contentType: "application/merge-patch+json")
            }
            let reply = try await Self.send(line, to: server)
            let misses = Self.misses(line, reply)
            rate.note(topic, misses.isEmpty, "\(id): \(misses)")
        }
        print("\(rate.summary)\n" + rate.failures.joined(separator: "\n"))
        #expect(rate.failures.isEmpty)
    }

    /// Does what the aggregation controller does, which this server has not.
    private static func gather(_ server: MasterFixture) async throws {
        let roles = try await server.client().list(ClusterRole.self).items
        for var role in roles where role.isAggregated {
            role.json["rules"] = .array(RoleAggregation.rules(for: role.json, among: roles.map(\.json)))
            _ = try await server.client().update(role)
        }
    }

    private static func makeImpersonator(_ server: MasterFixture) async throws {
        let role: JSON = [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": ["name": "gb-imp"],
            "rules": .array(impersonator.map(\.json)),
        ]
        let binding: JSON = [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": ["name": "gb-imp"],
            "roleRef": ["apiGroup": .string(group), "kind": "ClusterRole", "name": "gb-imp"],
            "subjects": [["kind": "ServiceAccount", "name": "robot", "namespace": "gb-rbac-a"]],
        ]
        _ = try await server.client().call("POST", "/apis/\(group)/v1/clusterroles", body: role)
        _ = try await server.client().call("POST", "/apis/\(group)/v1/clusterrolebindings", body: binding)
    }

    private static func robotToken(_ server: MasterFixture) async throws -> String {
        let answer = try await server.client().call(
            "POST", "/api/v1/namespaces/gb-rbac-a/serviceaccounts/robot/token",
            body: ["kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": [:]])
        return answer["status"]["token"].string ?? ""
    }

    private static func send(_ line: JSON, to server: MasterFixture) async throws -> MasterFixture.Reply {
        var headers: [(String, String)] = []
        if let user = line["impersonateUser"].string { headers.append(("Impersonate-User", user)) }
        for item in line["impersonateGroups"].items { headers.append(("Impersonate-Group", item.string ?? "")) }
        for (name, value) in line["requestHeaders"].members { headers.append((name, value.string ?? "")) }
        let auth = line["auth"].string ?? "admin token"
        var token: String? = MasterFixture.adminToken
        if auth == "none" { token = nil }
        if auth.hasPrefix("invalid") { token = "wrong" }
        if auth.hasPrefix("service account") { token = try await robotToken(server) }
        var body = line["body"]
        if line["id"].string == "tokenreview/serviceaccount" {
            body = [
                "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
                "spec": ["token": .string(try await robotToken(server))],
            ]
        }
        let method = line["method"].string ?? "GET"
        if method == "PATCH" { headers.append(("Content-Type", "application/merge-patch+json")) }
        return try await server.call(method, line["path"].string ?? "", token: token, headers: headers, body: body)
    }

    private static func misses(_ line: JSON, _ reply: MasterFixture.Reply) -> [String] {
        let path = line["path"].string ?? ""
        var misses: [String] = []
        if reply.code != line["code"].int { misses.append("\(reply.code) \(reply.text.prefix(300))") }
        for (name, value) in line["headers"].members where reply.headers[name] != value.string {
            misses.append("\(name) \(reply.headers[name] ?? "none") want \(value.text)")
        }
        // Documents that tell the version are compared by the discovery tests.
        if line["code"].int == 200, !path.contains("rbac") { return misses }
        if case .string(let text) = line["response"] {
            if reply.text != text { misses.append("\(JSON.string(reply.text).text) want \(JSON.string(text).text)") }
            return misses
        }
        // Texts that are Go's print of a structure, and an index of paths that differs between any two servers.
        let message = line["response"]["message"].string ?? ""
        if message.contains("v1.ObjectMeta{") || message.contains("[]string{") || path.hasPrefix("/openapi") {
            return misses
        }
        if path.hasSuffix("selfsubjectrulesreviews"), ["gb-u20", "gb-u21"].contains(line["impersonateUser"].string) {
            return misses
        }
        let (mine, wanted) = (normal(reply.json), normal(line["response"]))
        if mine != wanted { misses.append("\(mine.text)\n     want \(wanted.text)") }
        return misses
    }

    /// Without what no two servers have in common, and lists in whose order nothing lies sorted.
    private static func normal(_ json: JSON) -> JSON {
        var json = json
        if let message = json["message"].string, message.contains("endpointslices") {
            let lines = message.split(separator: "\n").filter { !$0.contains("endpointslices") }
            json["message"] = .string(lines.joined(separator: "\n"))
        }
        if json["kind"].string != "Status" {
            for key in ["uid", "resourceVersion", "creationTimestamp", "managedFields"] { json["metadata"].remove(key) }
        }
        json["spec"].remove("token")
        json["status"].remove("audiences")
        for key in ["uid", "extra"] { json["status"]["user"].remove(key) }
        for list in ["resourceRules", "nonResourceRules"] where !json["status"][list].isNull {
            // Rights that came later, and the one by which agents renew their certificates.
            let later = ["selfsubjectreviews", "certificatesigningrequests/selfnodeclient"]
            let kept = json["status"][list].items.filter { rule in
                !rule["resources"].items.contains { later.contains($0.string ?? "") }
            }
            json["status"][list] = .array(kept.sorted { $0.text < $1.text })
        }
        return json
    }
}
