/// What a reconciliation leaves to do. Throwing instead means: try again, with back-off.
package enum Outcome: Equatable, Sendable {
    case settled
    case again(after: Duration)
}

/// Drives one object to its desired state. A key goes in; the event that woke it is deliberately not known: the
/// reconciler reads the caches, makes a plan and applies it through the API. Called for a key at most once at a time.
package protocol Reconciler: Sendable {
    func reconcile(_ key: ObjectKey) async throws -> Outcome
}
