import Shared

/// One rule of a role, read once: who has it may do these verbs to these resources or paths.
/// Source: rbac.authorization.k8s.io/v1 `PolicyRule`.
struct PolicyRule: Sendable, Hashable {
    var verbs: [String] = []
    /// The core group is the empty text.
    var apiGroups: [String] = []
    /// `pods`, `pods/log`, `*/status` or `*`.
    var resources: [String] = []
    /// Empty means all names.
    var resourceNames: [String] = []
    /// Paths, with a star at the end for all that begin so.
    var nonResourceURLs: [String] = []

    /// Whether the rule alone allows a request.
    func allows(_ info: RequestInfo) -> Bool {
        guard PolicyRule.has(verbs, info.verb) else { return false }
        guard info.isResource else {
            return nonResourceURLs.contains { PolicyRule.path($0, covers: info.path) }
        }
        return PolicyRule.has(apiGroups, info.group) && names(info.resource, info.subresource)
            && (resourceNames.isEmpty || resourceNames.contains(info.name))
    }

    private func names(_ resource: String, _ subresource: String) -> Bool {
        for rule in resources {
            if rule == "*" { return true }
            if subresource.isEmpty {
                if rule == resource { return true }
            } else if PolicyRule.joins(rule, resource, subresource) || PolicyRule.joins(rule, "*", subresource) {
                return true
            }
        }
        return false
    }

    /// Whether `rule` is `first/second`, told without making that text.
    private static func joins(_ rule: String, _ first: String, _ second: String) -> Bool {
        let bytes = rule.utf8
        guard bytes.count == first.utf8.count + second.utf8.count + 1, rule.hasPrefix(first), rule.hasSuffix(second)
        else { return false }
        return bytes[bytes.index(bytes.startIndex, offsetBy: first.utf8.count)] == UInt8(ascii: "/")
    }

    static func has(_ list: [String], _ value: String) -> Bool {
        for item in list where item == "*" || item == value { return true }
        return false
    }

    /// Whether a rule's path, which may end with stars, covers a path.
    static func path(_ rule: String, covers path: String) -> Bool {
        if rule == path || rule == "*" { return true }
        guard rule.hasSuffix("*") else { return false }
        var start = rule[...]
        while start.last == "*" { start.removeLast() }
        return path.hasPrefix(start)
    }
}

extension PolicyRule {
    init(_ json: JSON) {
        func texts(_ key: String) -> [String] { json[key].items.compactMap(\.string) }
        self.init(
            verbs: texts("verbs"), apiGroups: texts("apiGroups"), resources: texts("resources"),
            resourceNames: texts("resourceNames"), nonResourceURLs: texts("nonResourceURLs"))
    }

    /// With the members in the order of the API; empty lists are left out.
    var json: JSON {
        var members = JSON.Members()
        for (key, list) in [
            ("verbs", verbs), ("apiGroups", apiGroups), ("resources", resources), ("resourceNames", resourceNames),
            ("nonResourceURLs", nonResourceURLs),
        ] where !list.isEmpty || key == "verbs" {
            members.append(key, JSON(list))
        }
        return .object(members)
    }

    /// Everything: what a cluster administrator may do.
    static let fullAuthority = [
        PolicyRule(verbs: ["*"], apiGroups: ["*"], resources: ["*"]), PolicyRule(verbs: ["*"], nonResourceURLs: ["*"]),
    ]
}
