import Shared

/// One webhook of a `MutatingWebhookConfiguration` or a `ValidatingWebhookConfiguration`, as a value. Pure.
struct Webhook: Sendable {
    /// The name of the configuration and that of the webhook in it.
    struct Key: Hashable, Sendable {
        let configuration: String
        let name: String
    }
    let key: Key
    let rules: [JSON]
    let failsOpen: Bool
    let isEquivalent: Bool
    let namespaceSelector: LabelSelector?
    let objectSelector: LabelSelector?
    let timeout: Duration
    let hasSideEffects: Bool
    let isReinvoked: Bool
    /// The version of `AdmissionReview` that is spoken: the first of the webhook's list that is known here.
    let reviewVersion: String
    /// `clientConfig`.
    let client: JSON

    var name: String { key.name }

    /// - Parameter json: an item of `webhooks`, with its defaults.
    init(_ json: JSON, configuration: String) {
        key = Key(configuration: configuration, name: json["name"].string ?? "")
        rules = json["rules"].items
        failsOpen = json["failurePolicy"] == "Ignore"
        isEquivalent = json["matchPolicy"] != "Exact"
        namespaceSelector = json["namespaceSelector"].isNull ? .everything : LabelSelector(json["namespaceSelector"])
        objectSelector = json["objectSelector"].isNull ? .everything : LabelSelector(json["objectSelector"])
        timeout = .seconds(min(max(json["timeoutSeconds"].int ?? 10, 1), 30))
        hasSideEffects = json["sideEffects"] != "None" && json["sideEffects"] != "NoneOnDryRun"
        isReinvoked = json["reinvocationPolicy"] == "IfNeeded"
        let versions = json["admissionReviewVersions"].items.compactMap(\.string)
        reviewVersion = versions.first { $0 == "v1" || $0 == "v1beta1" } ?? "v1"
        client = json["clientConfig"]
    }

    /// The version of the call's resource in which the webhook is asked; nil when it is not asked at all.
    ///
    /// - Parameters:
    ///   - namespaceLabels: of the object's namespace, or of the namespace that is the object; nil for cluster objects.
    ///   - versions: other versions of the resource that hold the same objects.
    /// Source: apiserver `plugin/webhook/{rules,predicates,generic}`.
    func target(_ call: AdmissionCall, namespaceLabels: [String: String]?, versions: [Resource]) -> Resource? {
        // A webhook could lock everybody out of its own configuration.
        if call.resource.group == "admissionregistration.k8s.io" { return nil }
        if let namespaceLabels, !(namespaceSelector?.matches(namespaceLabels) ?? false) { return nil }
        if let objectSelector, !objectSelector.isEmpty {
            let objects = [call.object, call.old].filter { !$0.isNull }
            guard objects.contains(where: { objectSelector.matches($0["metadata"]["labels"].strings) }) else {
                return nil
            }
        } else if objectSelector == nil {
            return nil
        }
        let candidates = isEquivalent ? [call.resource] + versions : [call.resource]
        return candidates.first { resource in rules.contains { Webhook.matches($0, call, resource) } }
    }

    private static func matches(_ rule: JSON, _ call: AdmissionCall, _ resource: Resource) -> Bool {
        func contains(_ key: String, _ value: String) -> Bool {
            rule[key].items.contains { $0 == "*" || $0.string == value }
        }
        guard contains("operations", call.operation.rawValue), contains("apiGroups", resource.group),
            contains("apiVersions", resource.version)
        else { return false }
        let isNamespace = resource.groupResource == Namespace.type.resource
        switch rule["scope"].string {
        case "Namespaced": if isNamespace || call.namespace.isEmpty { return false }
        case "Cluster": if !isNamespace, !call.namespace.isEmpty { return false }
        default: break
        }
        return rule["resources"].items.contains { item in
            let parts = (item.string ?? "").split(separator: "/", maxSplits: 1).map(String.init)
            let subresource = parts.count == 2 ? parts[1] : ""
            return (parts.first == "*" || parts.first == resource.plural)
                && (subresource == "*" || subresource == call.subresource)
        }
    }
}

/// The question that a webhook is asked, and its answer. Pure. Source: admission.k8s.io/v1 `AdmissionReview`.
enum AdmissionReview {
    /// - Parameter target: the version of the resource in which the webhook wants its objects.
    static func request(_ call: AdmissionCall, uid: String, target: Resource, version: String) -> JSON {
        let isNamespace = call.resource.groupResource == Namespace.type.resource
        var request: JSON = [
            "uid": .string(uid), "kind": kind(target), "resource": resource(target),
        ]
        if !call.subresource.isEmpty { request["subResource"] = .string(call.subresource) }
        request["requestKind"] = kind(call.resource)
        request["requestResource"] = resource(call.resource)
        if !call.subresource.isEmpty { request["requestSubResource"] = .string(call.subresource) }
        if !call.name.isEmpty { request["name"] = .string(call.name) }
        let namespace = isNamespace ? call.name : call.namespace
        if !namespace.isEmpty { request["namespace"] = .string(namespace) }
        request["operation"] = .string(call.operation.rawValue)
        request["userInfo"] = call.user.info
        request["object"] = converted(call.object, to: target)
        request["oldObject"] = converted(call.old, to: target)
        request["dryRun"] = .bool(call.isDryRun)
        request["options"] = call.options
        return [
            "kind": "AdmissionReview", "apiVersion": .string("admission.k8s.io/\(version)"), "request": request,
        ]
    }

    private static func kind(_ resource: Resource) -> JSON {
        ["group": .string(resource.group), "version": .string(resource.version), "kind": .string(resource.kind)]
    }
    private static func resource(_ resource: Resource) -> JSON {
        ["group": .string(resource.group), "version": .string(resource.version), "resource": .string(resource.plural)]
    }
    /// Versions that share their objects differ in the name of the version only.
    static func converted(_ object: JSON, to resource: Resource) -> JSON {
        guard !object.isNull else { return .null }
        var object = object
        object["apiVersion"] = .string(resource.apiVersion)
        object["kind"] = .string(resource.kind)
        return object
    }

    /// What a webhook has decided.
    struct Verdict: Sendable {
        let isAllowed: Bool
        /// A JSON patch; null when nothing is to be changed.
        let patch: JSON
        let warnings: [String]
        /// `response.status`.
        let status: JSON
    }
    /// Why an answer is none.
    struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    static func verdict(_ answer: JSON, uid: String, version: String) throws(Broken) -> Verdict {
        let wanted = "admission.k8s.io/\(version)"
        guard answer["kind"] == "AdmissionReview", answer["apiVersion"].string == wanted else {
            let kind = answer["kind"].string ?? ""
            let given = answer["apiVersion"].string ?? ""
            throw Broken(
                description: "expected webhook response of \(wanted), Kind=AdmissionReview, got \(given), Kind=\(kind)")
        }
        let response = answer["response"]
        guard response.object != nil else { throw Broken(description: "webhook response was absent") }
        guard version == "v1beta1" || response["uid"].string == uid else {
            throw Broken(
                description: "expected response.uid=\"\(uid)\", got \"\(response["uid"].string ?? "")\"")
        }
        var patch = JSON.null
        if let text = response["patch"].string, !text.isEmpty {
            let type = response["patchType"].string ?? (version == "v1beta1" ? "JSONPatch" : "")
            guard !type.isEmpty else {
                throw Broken(description: "webhook returned response.patch but not response.patchType")
            }
            guard type == "JSONPatch" else {
                throw Broken(description: "webhook returned invalid response.patchType of \"\(type)\"")
            }
            guard let bytes = Base64.decode(text), let parsed = try? JSON(parsing: bytes) else {
                throw Broken(description: "webhook returned a response.patch that is not JSON in base64")
            }
            patch = parsed
        }
        return Verdict(
            isAllowed: response["allowed"] == true, patch: patch,
            warnings: response["warnings"].items.compactMap(\.string), status: response["status"])
    }

    /// The refusal that a webhook's verdict stands for. Source: apiserver `webhook/errors/statuserror.go`.
    static func refusal(_ verdict: Verdict, by webhook: String) -> Status {
        let head = "admission webhook \"\(webhook)\" denied the request"
        let code = max(400, verdict.status["code"].int ?? 0)
        let text: String
        if let message = verdict.status["message"].string, !message.isEmpty {
            text = "\(head): \(message)"
        } else if let reason = verdict.status["reason"].string, !reason.isEmpty {
            text = "\(head): \(reason)"
        } else {
            text = "\(head) without explanation"
        }
        var status = Status(
            verdict.status["reason"].string.flatMap(Status.Reason.init(rawValue:)) ?? .unknown, text,
            code: min(code, 599))
        if let details = Status(["kind": "Status", "details": verdict.status["details"]]) {
            status.name = details.name
            status.group = details.group
            status.kind = details.kind
            status.causes = Array(details.causes.prefix(Limits.fieldErrorsMax))
        }
        return status
    }
}
