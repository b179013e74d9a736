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
            body["kind"] = .string(resource.kind)
            body["apiVersion"] = .string(resource.apiVersion)
            body["status"] = try review(body, call)
            if body["metadata"].isNull { body["metadata"] = [:] }
            return .success(Answer.json(201, body))
        } catch {
            return .failure(error)
        }
    }

    private func review(_ resource: GroupResource) -> ((JSON, Call) throws(Status) -> JSON)? {
        switch resource.description {
        case "selfsubjectaccessreviews.authorization.k8s.io":
            { body, call throws(Status) in access(body["spec"], call.user) }
        case "subjectaccessreviews.authorization.k8s.io", "localsubjectaccessreviews.authorization.k8s.io":
            { body, _ throws(Status) in
                let spec = body["spec"]
                let groups = spec["groups"].items.compactMap(\.string)
                guard spec["user"].string?.isEmpty == false || !groups.isEmpty else {
                    throw Status(
                        .invalid,
                        "\(Object(body).kind).authorization.k8s.io \"\" is invalid: spec.user: Invalid value: \"\": at least one of user or group must be specified"
                    )
                }
                return access(spec, User(spec["user"].string ?? "", groups: groups, uid: spec["uid"].string ?? ""))
            }
        case "selfsubjectrulesreviews.authorization.k8s.io":
            { body, call throws(Status) in
                authorize.rules(of: call.user, namespace: body["spec"]["namespace"].string ?? "")
            }
        case "selfsubjectreviews.authentication.k8s.io":
            { _, call throws(Status) in ["userInfo": info(call.user)] }
        case "tokenreviews.authentication.k8s.io":
            { body, _ throws(Status) in
                guard let user = authenticate.user(of: body["spec"]["token"].string ?? "") else {
                    return ["user": [:], "error": "the token is not valid or has expired"]
                }
                return ["authenticated": true, "user": info(user)]
            }
        default: nil
        }
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
        return ["allowed": .bool(authorize.allows(user, info))]
    }

    private func info(_ user: User) -> JSON {
        var info: JSON = ["username": .string(user.name), "groups": JSON(user.groups)]
        if !user.uid.isEmpty { info["uid"] = .string(user.uid) }
        for (key, values) in user.extra.sorted(by: { $0.key < $1.key }) { info["extra"][key] = JSON(values) }
        return info
    }
}

extension Authorize {
    /// `SelfSubjectRulesReview.status`: every rule that holds for a user in a namespace.
    func rules(of user: User, namespace: String) -> JSON {
        var resourceRules: [JSON] = []
        var pathRules: [JSON] = []
        if user.groups.contains("system:masters") {
            resourceRules.append(["verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]])
            pathRules.append(["verbs": ["*"], "nonResourceURLs": ["*"]])
        }
        for rule in rules().rules(for: user, namespace: namespace) {
            if !rule["resources"].items.isEmpty {
                var shown: JSON = [
                    "verbs": rule["verbs"], "apiGroups": rule["apiGroups"], "resources": rule["resources"],
                ]
                if !rule["resourceNames"].items.isEmpty { shown["resourceNames"] = rule["resourceNames"] }
                resourceRules.append(shown)
            }
            if !rule["nonResourceURLs"].items.isEmpty {
                pathRules.append(["verbs": rule["verbs"], "nonResourceURLs": rule["nonResourceURLs"]])
            }
        }
        return ["resourceRules": .array(resourceRules), "nonResourceRules": .array(pathRules), "incomplete": false]
    }
}
