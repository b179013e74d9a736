/// `rbac.authorization.k8s.io/v1 ClusterRole`. Writers: rules = whoever makes it; of an aggregated one, its controller.
package struct ClusterRole: Kind {
    package static let type = KindType(
        group: "rbac.authorization.k8s.io", version: "v1", kind: "ClusterRole", plural: "clusterroles",
        isNamespaced: false)
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    /// Its rules are gathered from other roles.
    package var isAggregated: Bool { !json["aggregationRule"].isNull }
}
