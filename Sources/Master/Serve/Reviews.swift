import Shared

/// The resources that are questions: what may somebody do, who am I, whose is this token. Nothing of them is stored.
/// Source: authorization.k8s.io/v1, authentication.k8s.io/v1.
struct Reviews: Sendable {
    let authorize: Authorize
    let authenticate: Authenticate

    /// The answer, or nil when the resource is no review.
    func answer(_ call: Call, _ resource: Resource) -> Result<HTTPServerReply, Status>? {
        guard call.info.verb == "create", let review = review(resource.groupResource) else { return nil }
        do throws(Status) {
            var body = try call.body().json
            if body["spec"].isNull { body["spec"] = [:] }
            try review(&body, call)
            var members = JSON.Members([("kind", .string(resource.kind)), ("apiVersion", .string(resource.apiVersion))])
            var metadata = body["metadata"].members
            if metadata["creationTimestamp"] == nil { metadata.append("creationTimestamp", .null) }
            members.append("metadata", .object(metadata))
            if resource.plural != "selfsubjectreviews" { members.append("spec", body["spec"]) }
            members.append("status", body["status"])
            return .success(Answer.json(201, .object(members)))
        } catch {
            return .failure(error)
        }
    }

    private func review(_ resource: GroupResource) -> ((inout JSON, Call) throws(Status) -> Void)? {
        switch resource.description {
        case "selfsubjectaccessreviews.authorization.k8s.io":
            { body, call throws(Status) in
                try Reviews.require(Reviews.attributeErrors(body["spec"]) + Reviews.metadataErrors(body))
                body["status"] = access(body["spec"], call.user)
            }
        case "subjectaccessreviews.authorization.k8s.io": { body, _ throws(Status) in try subject(&body, nil) }
        case "localsubjectaccessreviews.authorization.k8s.io":
            { body, call throws(Status) in try subject(&body, call.info.namespace) }
        case "selfsubjectrulesreviews.authorization.k8s.io":
            { body, call throws(Status) in
                let namespace = body["spec"]["namespace"].string ?? ""
                guard !namespace.isEmpty else { throw Status(.badRequest, "no namespace on request") }
                body["status"] = authorize.rules(of: call.user, namespace: namespace)
                body["spec"] = [:]
            }
        case "selfsubjectreviews.authentication.k8s.io":
            { body, call throws(Status) in body["status"] = ["userInfo": call.user.info] }
        case "tokenreviews.authentication.k8s.io": { body, _ throws(Status) in try token(&body) }
        default: nil
        }
    }

    // MARK: Access

    private func subject(_ body: inout JSON, _ namespace: String?) throws(Status) {
        let spec = body["spec"]
        let groups = spec["groups"].items.compactMap(\.string)
        var errors = Reviews.attributeErrors(spec)
        if spec["user"].string ?? "" == "", groups.isEmpty {
            errors.append(
                .init("spec.user", "\"\"", "at least one of user or group must be specified"))
        }
        if let namespace {
            let asked = spec["resourceAttributes"]["namespace"].string ?? ""
            if !spec["resourceAttributes"].isNull, asked != namespace {
                errors.append(
                    .init("spec.resourceAttributes.namespace", JSON.string(asked).text, "must match metadata.namespace")
                )
            }
            if !spec["nonResourceAttributes"].isNull {
                errors.append(
                    .init(
                        "spec.nonResourceAttributes", Reviews.goText(spec["nonResourceAttributes"]),
                        "disallowed on this kind of request"))
            }
        }
        try Reviews.require(errors + Reviews.metadataErrors(body, allowsNamespace: namespace != nil))
        var extra: [String: [String]] = [:]
        for (key, values) in spec["extra"].members { extra[key.lowercased()] = values.items.compactMap(\.string) }
        body["status"] = access(
            spec, User(spec["user"].string ?? "", groups: groups, uid: spec["uid"].string ?? "", extra: extra))
    }

    private func access(_ spec: JSON, _ user: User) -> JSON {
        var info = RequestInfo(method: "GET", segments: [], query: [:])
        let resource = spec["resourceAttributes"]
        if resource.object != nil {
            info.isResource = true
            info.verb = resource["verb"].string ?? ""
            info.group = resource["group"].string ?? ""
            info.version = resource["version"].string ?? ""
            info.resource = resource["resource"].string ?? ""
            info.subresource = resource["subresource"].string ?? ""
            info.namespace = resource["namespace"].string ?? ""
            info.name = resource["name"].string ?? ""
        } else {
            info.verb = spec["nonResourceAttributes"]["verb"].string ?? ""
            info.path = spec["nonResourceAttributes"]["path"].string ?? ""
        }
        let decision = authorize.decide(user, info)
        var status: JSON = ["allowed": .bool(decision.isAllowed)]
        if !decision.reason.isEmpty { status["reason"] = .string(decision.reason) }
        return status
    }

    // MARK: Identity

    private func token(_ body: inout JSON) throws(Status) {
        let token = body["spec"]["token"].string ?? ""
        guard !token.isEmpty else {
            throw Status(.badRequest, "token is required for TokenReview in authentication")
        }
        let audiences = body["spec"]["audiences"].items.compactMap(\.string)
        guard let (user, good) = authenticate.user(of: token, audiences: audiences) else {
            body["status"] = ["user": [:], "error": "invalid bearer token"]
            return
        }
        body["status"] = ["authenticated": true, "user": user.info, "audiences": JSON(good)]
    }

    // MARK: Complaints

    /// A field that can not be, as a review complains about it.
    private struct Complaint {
        let field: String
        let message: String
        init(_ field: String, _ value: String, _ why: String) {
            self.field = field
            message = "Invalid value: \(value): \(why)"
        }
    }

    private static func attributeErrors(_ spec: JSON) -> [Complaint] {
        let (resource, path) = (spec["resourceAttributes"], spec["nonResourceAttributes"])
        if !resource.isNull, !path.isNull {
            return [
                .init(
                    "spec.nonResourceAttributes", goText(path),
                    "cannot be specified in combination with resourceAttributes")
            ]
        }
        guard resource.isNull, path.isNull else { return [] }
        return [
            .init(
                "spec.resourceAttributes", "\"null\"",
                "exactly one of nonResourceAttributes or resourceAttributes must be specified")
        ]
    }

    private static func goText(_ path: JSON) -> String {
        "authorization.NonResourceAttributes{Path:\(JSON.string(path["path"].string ?? "").text), Verb:\(JSON.string(path["verb"].string ?? "").text)}"
    }

    private static func metadataErrors(_ body: JSON, allowsNamespace: Bool = false) -> [Complaint] {
        var metadata = body["metadata"]
        for key in ["creationTimestamp", "managedFields"] + (allowsNamespace ? ["namespace"] : []) {
            metadata.remove(key)
        }
        // Clients that send protobuf send empty members as well.
        let said = metadata.members.filter { _, value in
            value != "" && value != 0 && !value.isNull && value != [] && value != [:]
        }
        guard !said.isEmpty else { return [] }
        let why = allowsNamespace ? "must be empty except for namespace" : "must be empty"
        return [.init("metadata", metadata.text, why)]
    }

    private static func require(_ errors: [Complaint]) throws(Status) {
        if errors.isEmpty { return }
        let lines = errors.map { "\($0.field): \($0.message)" }
        let list = lines.count == 1 ? lines[0] : "[\(lines.joined(separator: ", "))]"
        var status = Status(.invalid, ".authorization.k8s.io \"\" is invalid: \(list)")
        status.group = "authorization.k8s.io"
        status.causes = errors.map { .init(reason: "FieldValueInvalid", message: $0.message, field: $0.field) }
        throw status
    }
}

extension Authorize {
    /// `SelfSubjectRulesReview.status`: every rule that holds for a user in a namespace.
    func rules(of user: User, namespace: String) -> JSON {
        var resourceRules: [JSON] = []
        var pathRules: [JSON] = []
        for rule in rules.rules(for: user, namespace: namespace) {
            if !rule.resources.isEmpty {
                var shown = rule
                shown.nonResourceURLs = []
                resourceRules.append(shown.json)
            }
            if !rule.nonResourceURLs.isEmpty {
                pathRules.append(PolicyRule(verbs: rule.verbs, nonResourceURLs: rule.nonResourceURLs).json)
            }
        }
        var status: JSON = [
            "resourceRules": .array(resourceRules), "nonResourceRules": .array(pathRules), "incomplete": false,
        ]
        if nodes != nil, user.nodeName != nil {
            status["incomplete"] = true
            status["evaluationError"] = "node authorizer does not support user rule resolution"
        }
        return status
    }
}
