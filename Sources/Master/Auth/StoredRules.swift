import Shared
import Synchronization

/// The roles and bindings that are stored, parsed once per change. A class: it keeps the parsed form.
final class StoredRules: Sendable {
    private struct Parsed {
        var revisions: [Revision?]
        var rules = RBAC()
    }
    private let store: Store
    private let parsed = Mutex<Parsed?>(nil)

    init(store: Store) { self.store = store }

    private static let group = "rbac.authorization.k8s.io"
    private static let resources = ["clusterroles", "clusterrolebindings", "roles", "rolebindings"].map {
        GroupResource(group: group, $0)
    }

    var current: RBAC {
        let revisions = Self.resources.map { store.lastChange(of: $0) }
        if let rules = parsed.withLock({ $0?.revisions == revisions ? $0?.rules : nil }) { return rules }
        let rules = read()
        parsed.withLock { $0 = Parsed(revisions: revisions, rules: rules) }
        return rules
    }

    private func read() -> RBAC {
        var rules = RBAC()
        for resource in Self.resources {
            for stored in store.list(resource).items {
                guard let object = try? stored.json() else { continue }
                switch resource.resource {
                case "clusterroles": rules.clusterRoles[stored.key.name] = object
                case "roles": rules.roles[stored.key.path] = object
                case "clusterrolebindings": rules.clusterRoleBindings.append(object)
                default: rules.roleBindings[stored.key.namespace, default: []].append(object)
                }
            }
        }
        return rules
    }
}
