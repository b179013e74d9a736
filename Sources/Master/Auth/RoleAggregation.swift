import Shared

/// Cluster roles that gather the rules of others. Pure. Source: pkg/controller/clusterroleaggregation.
enum RoleAggregation {
    /// The rules that a role gathers, each once, in the order of the roles' names.
    static func rules(for role: JSON, among roles: [JSON]) -> [JSON] {
        var gathered: [JSON] = []
        var seen: Set<PolicyRule> = []
        let own = role["metadata"]["name"].string
        let sorted = roles.filter { $0["kind"].string == "ClusterRole" && $0["metadata"]["name"].string != own }
            .sorted { ($0["metadata"]["name"].string ?? "") < ($1["metadata"]["name"].string ?? "") }
        for item in role["aggregationRule"]["clusterRoleSelectors"].items {
            guard let selector = LabelSelector(item) else { continue }
            for other in sorted where selector.matches(other["metadata"]["labels"].strings) {
                for rule in other["rules"].items where seen.insert(PolicyRule(rule)).inserted { gathered.append(rule) }
            }
        }
        return gathered
    }
}
