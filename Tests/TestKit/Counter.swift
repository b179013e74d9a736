import Synchronization

/// A number that many tasks raise. A class: one number that they share.
package final class Counter: Sendable {
    private let count = Atomic(0)

    package init() {}

    package var value: Int { count.load(ordering: .relaxed) }
    package func set(_ value: Int) { count.store(value, ordering: .relaxed) }
    /// Raises the number by one and returns it.
    @discardableResult
    package func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}
