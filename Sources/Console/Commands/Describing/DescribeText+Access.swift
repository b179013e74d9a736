import Shared

/// Who may do what: roles, bindings, accounts, certificate requests.
extension DescribeText {
    mutating func role(_ object: JSON) {
        heading(object, isNamespaced: false)
        line(0, "PolicyRule:")
        line(1, "Resources\tNon-Resource URLs\tResource Names\tVerbs")
        line(1, "---------\t-----------------\t--------------\t-----")
        for rule in PlainRule.compact(object["rules"].items) {
            line(1, "\(rule.title)\t[\(rule.path)]\t[\(rule.name)]\t[\(rule.verbs.joined(separator: " "))]")
        }
    }

    mutating func roleBinding(_ object: JSON) {
        heading(object, isNamespaced: false)
        line(0, "Role:")
        line(1, "Kind:\t\(object.at("roleRef", "kind").string ?? "")")
        line(1, "Name:\t\(object.at("roleRef", "name").string ?? "")")
        line(0, "Subjects:")
        line(1, "Kind\tName\tNamespace")
        line(1, "----\t----\t---------")
        for subject in object["subjects"].items {
            line(
                1,
                "\(subject["kind"].string ?? "")\t\(subject["name"].string ?? "")\t\(subject["namespace"].string ?? "")"
            )
        }
    }

    mutating func serviceAccount(_ object: JSON, _ context: DescribeContext) {
        heading(object)
        let known = Dictionary(context.secrets.map { (Object($0).name, $0) }, uniquingKeysWith: { first, _ in first })
        let uid = Object(object).metadata.uid
        let name = Object(object).name
        let tokens = context.secrets.filter { secret in
            let notes = Object(secret).metadata.annotations
            return secret["type"].string == "kubernetes.io/service-account-token"
                && notes["kubernetes.io/service-account.name"] == name
                && notes["kubernetes.io/service-account.uid"].map { $0 == uid } ?? true
        }
        .map { Object($0).name }.sorted()
        let lists = [
            ("Image pull secrets:", object["imagePullSecrets"].items.compactMap { $0["name"].string }),
            ("Mountable secrets: ", object["secrets"].items.compactMap { $0["name"].string }),
            ("Tokens:            ", tokens),
        ]
        for (title, names) in lists {
            if names.isEmpty { line(0, "\(title)\t<none>") }
            for (index, name) in names.enumerated() {
                let isMissing = known[name] == nil && context.knowsSecrets
                line(
                    0,
                    "\(index == 0 ? title : String(repeating: " ", count: 19))\t\(name)\(isMissing ? " (not found)" : "")"
                )
            }
        }
    }

    mutating func certificateRequest(_ object: JSON) {
        let spec = object["spec"]
        let metadata = Object(object).metadata
        line(0, "Name:\t\(metadata.name)")
        line(0, "Labels:\t\(Labels.line(metadata.labels))")
        line(0, "Annotations:\t\(Labels.line(metadata.annotations.filter { $0.key != LastApplied.annotation }))")
        line(0, "CreationTimestamp:\t\(time(metadata.json["creationTimestamp"]))")
        line(0, "Requesting User:\t\(spec["username"].string ?? "")")
        if let signer = spec["signerName"].string, !signer.isEmpty { line(0, "Signer:\t\(signer)") }
        if let seconds = spec["expirationSeconds"].int {
            line(0, "Requested Duration:\t\(Duration.seconds(min(max(0, seconds), 1 << 40)).human)")
        }
        let conditions = Set(object.at("status", "conditions").items.compactMap { $0["type"].string })
        var status = conditions.contains("Denied") ? "Denied" : conditions.contains("Approved") ? "Approved" : "Pending"
        if conditions.contains("Failed") { status += ",Failed" }
        if let certificate = object.at("status", "certificate").string, !certificate.isEmpty { status += ",Issued" }
        line(0, "Status:\t\(status)")
        line(0, "Subject:")
        let request = Base64.decode(spec["request"].string ?? "").flatMap { try? CertificateRequest(pem: $0) }
        line(0, "\tCommon Name:\t\(request?.subject.commonName ?? "")")
        line(0, "\tSerial Number:\t")
        func list(_ title: String, _ values: [String]) {
            if !values.isEmpty { line(0, "\t\(title):\t\(values.joined(separator: "\n\t\t"))") }
        }
        list("Organization", request?.subject.organizations ?? [])
        guard let names = request?.subjectAltNames, !names.dns.isEmpty || !names.addresses.isEmpty else { return }
        line(0, "Subject Alternative Names:")
        list("DNS Names", names.dns)
        list("IP Addresses", names.addresses)
    }
}

/// One rule of a role after `kubectl describe` has taken it apart and joined what belongs together: one group, one
/// resource, one name or one path, several verbs. Pure. Source: kubernetes `pkg/util/rbac` BreakdownRule, CompactRules.
struct PlainRule: Equatable, Sendable {
    var group = ""
    var resource = ""
    var name = ""
    var path = ""
    var verbs: [String]

    /// `deployments.apps/scale`.
    var title: String {
        let parts = resource.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let first = parts.first, !resource.isEmpty else { return "" }
        return first + (group.isEmpty ? "" : ".\(group)") + (parts.count > 1 ? "/\(parts[1])" : "")
    }

    /// What kubectl sorts by: the rule as Go prints it.
    private var order: String {
        "Verbs:[\(verbs.joined(separator: " "))],APIGroups:[\(group)],Resources:[\(resource)],ResourceNames:[\(name)],NonResourceURLs:[\(path)],"
    }

    static func compact(_ rules: [JSON]) -> [PlainRule] {
        var found: [PlainRule] = []
        var index: [String: Int] = [:]
        for rule in rules {
            let verbs = rule["verbs"].items.compactMap(\.string)
            let names = rule["resourceNames"].items.compactMap(\.string)
            for group in rule["apiGroups"].items.compactMap(\.string) {
                for resource in rule["resources"].items.compactMap(\.string) {
                    for name in names.isEmpty ? [""] : names {
                        let key = "\(group)\n\(resource)\n\(name)"
                        if let known = index[key] {
                            found[known].verbs += verbs
                        } else {
                            index[key] = found.count
                            found.append(PlainRule(group: group, resource: resource, name: name, verbs: verbs))
                        }
                    }
                }
            }
            for path in rule["nonResourceURLs"].items.compactMap(\.string) {
                found += verbs.map { PlainRule(path: path, verbs: [$0]) }
            }
        }
        return found.sorted { $0.order < $1.order }
    }
}
