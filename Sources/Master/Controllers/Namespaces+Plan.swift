import Shared

/// What is left in a namespace that goes away, and how the namespace says so.
/// Source: `namespaced_resources_deleter.go`, `status_condition_utils.go`.
struct NamespaceContent: Equatable {
    /// Objects left, by resource.
    var remaining: [GroupResource: Int] = [:]
    /// Objects held by each finalizer.
    var finalizers: [String: Int] = [:]
    /// Why something could not be listed or deleted, one sentence each.
    var failures: [String] = []

    var isEmpty: Bool { remaining.isEmpty && failures.isEmpty }

    mutating func add(_ objects: [ObjectMeta], of resource: GroupResource) {
        guard !objects.isEmpty else { return }
        remaining[resource, default: 0] += objects.count
        for object in objects { for finalizer in object.finalizers { finalizers[finalizer, default: 0] += 1 } }
    }

    func conditions(_ known: [Condition], now: Timestamp) -> [Condition] {
        var conditions = known
        func put(_ type: String, _ text: String?, good: (String, String), bad: String) {
            let (reason, message) = text.map { (bad, $0) } ?? good
            let condition = Condition(type, text != nil, reason: reason, message: message, since: now)
            let old = conditions.first(type)
            if old?.status != condition.status || old?.reason != reason || old?.message != message {
                conditions.put(condition)
            }
        }
        put(
            "NamespaceDeletionDiscoveryFailure", nil,
            good: ("ResourcesDiscovered", "All resources successfully discovered"), bad: "DiscoveryFailed")
        put(
            "NamespaceDeletionGroupVersionParsingFailure", nil,
            good: ("ParsedGroupVersions", "All legacy kube types successfully parsed"), bad: "GroupVersionParsingFailed"
        )
        put(
            "NamespaceDeletionContentFailure",
            failures.isEmpty
                ? nil
                : "Failed to delete all resource types, \(failures.count) remaining: "
                    + failures.sorted().joined(separator: ", "),
            good: ("ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
            bad: "ContentDeletionFailed")
        let rest = remaining.map { "\($0.key.dotted) has \($0.value) resource instances" }.sorted()
        put(
            "NamespaceContentRemaining",
            rest.isEmpty ? nil : "Some resources are remaining: " + rest.joined(separator: ", "),
            good: ("ContentRemoved", "All content successfully removed"), bad: "SomeResourcesRemain")
        let held = finalizers.map { "\($0.key) in \($0.value) resource instances" }.sorted()
        put(
            "NamespaceFinalizersRemaining",
            held.isEmpty
                ? nil : "Some content in the namespace has finalizers remaining: " + held.joined(separator: ", "),
            good: ("ContentHasNoFinalizers", "All content-preserving finalizers finished"), bad: "SomeFinalizersRemain")
        return conditions
    }
}

extension GroupResource {
    /// `pods.` and `deployments.apps`, as the namespace controller names them.
    fileprivate var dotted: String { "\(resource).\(group)" }
}
