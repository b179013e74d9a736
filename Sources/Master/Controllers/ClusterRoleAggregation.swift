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
        let rules = RoleAggregation.rules(for: role.json, among: roles.list().map(\.json))
        if role.json["rules"].items == rules { return .settled }
        role.json["rules"] = .array(rules)
        do {
            _ = try await client.update(role)
        } catch let status as Status where status.reason == .notFound {}
        return .settled
    }
}
