import Shared

/// Keeps the rules of aggregated cluster roles: the rules of all roles that their selectors match.
/// Source: pkg/controller/clusterroleaggregation.
struct ClusterRoleAggregation: Reconciler {
    let client: Client
    let roles: Informer<ClusterRole>

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard var role = roles.get(name: key.name), role.isAggregated, !role.metadata.isDeleting else {
            return .settled
        }
        let rules = ClusterRoleAggregation.rules(for: role.json, among: roles.list().map(\.json))
        if role.json["rules"].items == rules { return .settled }
        role.json["rules"] = .array(rules)
        do {
            _ = try await client.update(role)
        } catch let status as Status where status.reason == .notFound {}
        return .settled
    }

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
