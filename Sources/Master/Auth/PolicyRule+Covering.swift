import Shared

/// Whether some rules give all that others give: nobody may grant what he does not hold.
/// Source: component-helpers `auth/rbac/validation/policy_comparator.go`.
extension PolicyRule {
    /// The smallest parts of `wanted` that no rule of `held` covers; empty when all are covered.
    static func missing(_ wanted: [PolicyRule], in held: [PolicyRule]) -> [PolicyRule] {
        var missing: [PolicyRule] = []
        for rule in wanted {
            // A rule that is covered as a whole needs no parts, which may be many.
            if held.contains(where: { $0.covers(rule) }) { continue }
            // A rule of very many parts counts as missing when it is not covered as a whole.
            if rule.partCount > Limits.missingRulesMax {
                missing.append(rule)
                continue
            }
            for part in rule.parts where !held.contains(where: { $0.covers(part) }) {
                missing.append(part)
                if missing.count >= Limits.missingRulesMax { return missing }
            }
        }
        return missing
    }

    /// Whether one rule gives all that another gives.
    private func covers(_ other: PolicyRule) -> Bool {
        PolicyRule.list(verbs, covers: other.verbs) && PolicyRule.list(apiGroups, covers: other.apiGroups)
            && other.resources.allSatisfy(coversResource)
            && other.nonResourceURLs.allSatisfy { path in
                nonResourceURLs.contains { PolicyRule.path($0, covers: path) }
            }
            && (resourceNames.isEmpty
                || (!other.resourceNames.isEmpty && other.resourceNames.allSatisfy(resourceNames.contains)))
    }

    private func coversResource(_ resource: String) -> Bool {
        if PolicyRule.has(resources, resource) { return true }
        guard let slash = resource.firstIndex(of: "/") else { return false }
        return resources.contains("*" + resource[slash...])
    }

    private static func list(_ held: [String], covers wanted: [String]) -> Bool {
        held.contains("*") || wanted.allSatisfy(held.contains)
    }

    /// How many parts the rule has; saturates.
    private var partCount: Int {
        func product(_ counts: [Int]) -> Int {
            counts.reduce(1) { left, right in
                let (result, overflow) = left.multipliedReportingOverflow(by: right)
                return overflow ? Int.max : result
            }
        }
        let named = product([apiGroups.count, resources.count, verbs.count, max(1, resourceNames.count)])
        return max(named, product([nonResourceURLs.count, verbs.count]))
    }

    /// The rule as rules of one verb, one group, one resource and at most one name, or of one verb and one path.
    private var parts: [PolicyRule] {
        var parts: [PolicyRule] = []
        for group in apiGroups {
            for resource in resources {
                for verb in verbs {
                    let part = PolicyRule(verbs: [verb], apiGroups: [group], resources: [resource])
                    if resourceNames.isEmpty { parts.append(part) }
                    for name in resourceNames {
                        var named = part
                        named.resourceNames = [name]
                        parts.append(named)
                    }
                }
            }
        }
        for path in nonResourceURLs {
            for verb in verbs { parts.append(PolicyRule(verbs: [verb], nonResourceURLs: [path])) }
        }
        return parts
    }

    /// Parts that differ in their verb only, joined.
    static func joined(_ parts: [PolicyRule]) -> [PolicyRule] {
        var joined: [PolicyRule] = []
        var places: [PolicyRule: Int] = [:]
        for part in parts {
            var key = part
            key.verbs = []
            if part.nonResourceURLs.isEmpty, let place = places[key] {
                joined[place].verbs += part.verbs
            } else {
                places[key] = joined.count
                joined.append(part)
            }
        }
        return joined
    }

    /// `{APIGroups:["apps"], Resources:["deployments"], Verbs:["get" "list"]}`, as Go prints it.
    var text: String {
        let lists = [
            ("APIGroups", apiGroups), ("Resources", resources), ("NonResourceURLs", nonResourceURLs),
            ("ResourceNames", resourceNames), ("Verbs", verbs),
        ]
        let shown = lists.filter { !$0.1.isEmpty }.map { name, list in "\(name):\(PolicyRule.quoted(list))" }
        return "{" + shown.joined(separator: ", ") + "}"
    }

    /// `["a" "b"]`.
    static func quoted(_ list: [String]) -> String {
        "[" + list.map { JSON.string($0).text }.joined(separator: " ") + "]"
    }
}

extension Limits {
    /// Missing permissions that an escalation check names, and parts of one rule that it looks at one by one.
    static let missingRulesMax = 10_000
}
