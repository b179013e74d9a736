import Shared

/// `kconsole auth`: who one is, and what one may do.
enum AuthCommand {
    static let verb = Verb(
        "auth", "Ask who you are and what you may do.", operands: "can-i VERB KIND[/NAME] | can-i --list | whoami",
        flags: [
            GetCommand.allNamespacesFlag, .init("list", help: "list everything that is allowed in the namespace"),
            .init("quiet", short: "q", help: "print nothing; the exit code answers"),
            .init("subresource", .one("NAME"), help: "part of the object, such as log"),
        ],
        notes: "can-i answers yes with exit code 0 and no with 1. Example: kconsole auth can-i delete pods -n prod",
        actions: ["can-i", "whoami"], run: run)

    private static func run(_ call: Invocation) async throws -> Int32 {
        switch call.operands.first {
        case "whoami" where call.operands.count == 1: return try await whoAmI(call)
        case "can-i" where call.arguments.has("list") && call.operands.count == 1: return try await list(call)
        case "can-i" where call.operands.count == 3 || (call.operands.count == 2 && call.operands[1].isEmpty == false):
            guard call.operands.count == 3 else {
                throw call.usage("can-i needs a verb and a kind, such as can-i get pods")
            }
            return try await canI(call)
        default: throw call.usage("auth takes can-i VERB KIND, can-i --list or whoami")
        }
    }

    private static func canI(_ call: Invocation) async throws -> Int32 {
        let session = try await call.session()
        let verb = call.operands[1]
        let what = call.operands[2]
        var spec: JSON
        if what.hasPrefix("/") {
            spec = ["nonResourceAttributes": ["verb": .string(verb), "path": .string(what)]]
        } else {
            let parts = what.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let known = try await session.resources().find(parts[0])
            if known == nil, parts[0] != "*" {
                call.remark("Warning: the server doesn't have a resource type '\(SafeLine.clean(parts[0]))'")
            }
            let place =
                call.arguments.has("all-namespaces") || known?.type.isNamespaced == false ? "" : session.namespace
            var attributes: JSON = [
                "verb": .string(verb), "group": .string(known?.type.group ?? (parts[0] == "*" ? "*" : "")),
                "resource": .string(known?.type.plural ?? parts[0]), "namespace": .string(place),
            ]
            if parts.count > 1 { attributes["name"] = .string(parts[1]) }
            if let part = call.arguments["subresource"] { attributes["subresource"] = .string(part) }
            spec = ["resourceAttributes": attributes]
        }
        let review: JSON = ["apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec]
        let answer = try await session.client.call(
            "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body: review)
        let isAllowed = answer.at("status", "allowed").bool ?? false
        let reason = answer.at("status", "reason").string ?? ""
        if !call.arguments.has("quiet") {
            call.out(isAllowed ? "yes" : "no" + (reason.isEmpty ? "" : " - \(SafeLine.clean(reason))"))
        }
        return isAllowed ? 0 : 1
    }

    private static func list(_ call: Invocation) async throws -> Int32 {
        let session = try await call.session()
        let review: JSON = [
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview",
            "spec": ["namespace": .string(session.namespace)],
        ]
        let status = try await session.client.call(
            "POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", body: review)["status"]
        if status["incomplete"].bool == true {
            call.remark(
                "warning: the list may be incomplete: \(SafeLine.clean(status["evaluationError"].string ?? ""))")
        }
        var table = TextTable(header: ["Resources", "Non-Resource URLs", "Resource Names", "Verbs"])
        func texts(_ json: JSON) -> [String] { json.items.compactMap(\.string) }
        for rule in status["resourceRules"].items {
            let groups = texts(rule["apiGroups"])
            let names = texts(rule["resources"]).flatMap { resource in
                (groups.isEmpty ? [""] : groups).map { $0.isEmpty ? resource : "\(resource).\($0)" }
            }
            table.add([
                SafeLine.clean(names.joined(separator: ",")), "[]",
                "[\(SafeLine.clean(texts(rule["resourceNames"]).joined(separator: " ")))]",
                "[\(SafeLine.clean(texts(rule["verbs"]).joined(separator: " ")))]",
            ])
        }
        for rule in status["nonResourceRules"].items {
            table.add([
                "", "[\(SafeLine.clean(texts(rule["nonResourceURLs"]).joined(separator: " ")))]", "[]",
                "[\(SafeLine.clean(texts(rule["verbs"]).joined(separator: " ")))]",
            ])
        }
        call.write(table.text)
        return 0
    }

    private static func whoAmI(_ call: Invocation) async throws -> Int32 {
        let session = try await call.session()
        let review: JSON = ["apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"]
        let user = try await session.client.call(
            "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body: review
        ).at("status", "userInfo")
        var table = TextTable(header: ["ATTRIBUTE", "VALUE"])
        table.add(["Username", SafeLine.clean(user["username"].string ?? "")])
        if let uid = user["uid"].string, !uid.isEmpty { table.add(["UID", SafeLine.clean(uid)]) }
        let groups = user["groups"].items.compactMap(\.string)
        if !groups.isEmpty { table.add(["Groups", "[\(SafeLine.clean(groups.joined(separator: " ")))]"]) }
        for (key, values) in user["extra"].members {
            table.add([
                "Extra: \(SafeLine.clean(key))",
                "[\(SafeLine.clean(values.items.compactMap(\.string).joined(separator: " ")))]",
            ])
        }
        call.write(table.text)
        return 0
    }
}
