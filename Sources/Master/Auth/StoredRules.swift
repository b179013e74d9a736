import Shared
import Synchronization

/// The roles and bindings that are stored, kept ready for questions. A class: the store's changes and all requests
/// share it.
final class StoredRules: Sendable {
    private let rules: Mutex<RBAC>

    static let resources = ["clusterroles", "clusterrolebindings", "roles", "rolebindings"].map {
        GroupResource(group: RBAC.group, $0)
    }

    init(store: Store) throws(Status) {
        var rules = RBAC()
        for resource in Self.resources {
            for stored in store.list(resource).items { rules.set(stored.key, try stored.json()) }
        }
        self.rules = Mutex(rules)
    }

    /// Called on the commit thread, before the writers hear of success: a binding holds for the request that follows it.
    func receive(_ changes: [Change]) {
        for change in changes where change.key.resource.group == RBAC.group {
            let object: JSON? = change.kind == .deletion ? nil : try? change.stored.json()
            rules.withLock { $0.set(change.key, object) }
        }
    }

    /// Why a request is allowed, or nil and what may be the matter.
    func grant(_ user: User, _ info: RequestInfo) -> (grant: RBAC.Grant?, problems: [String]) {
        var problems: [String] = []
        let grant = rules.withLock { $0.grant(user, info, problems: &problems) }
        return (grant, problems)
    }

    func rules(for user: User, namespace: String) -> [PolicyRule] {
        rules.withLock { $0.rules(for: user, namespace: namespace) }
    }

    func rules(ofRole reference: JSON, namespace: String) throws(Status) -> [PolicyRule] {
        let result = rules.withLock { rules -> Result<[PolicyRule], Status> in
            do throws(Status) {
                return .success(try rules.rules(ofRole: reference, namespace: namespace))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
