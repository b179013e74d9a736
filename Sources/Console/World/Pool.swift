import Shared
import Synchronization

/// One copy of values that thousands of objects share: names of namespaces, nodes and owners, sets of labels. Fifty thousand
/// pods of a few hundred workloads then cost what is different in them.
///
/// Bounded: past `Limits.poolValuesMax` values it begins anew, which costs memory and nothing else.
final class Pool<Value: Hashable & Sendable>: Sendable {
    private let known = Mutex(Set<Value>())

    /// An equal value, the same for everybody who asks.
    func one(_ value: Value) -> Value {
        known.withLock { known in
            if known.count >= Limits.poolValuesMax { known.removeAll() }
            return known.insert(value).memberAfterInsert
        }
    }
}

/// The pools of the console's projections.
enum Pools {
    static let texts = Pool<String>()
    static let lists = Pool<[String]>()
    static let labels = Pool<[String: String]>()
    static let ports = Pool<[PodFacts.Port]>()
    static let owners = Pool<Item.Owner>()

    /// Texts of up to 15 bytes need no memory of their own.
    static func text(_ text: String) -> String { text.utf8.count <= 15 ? text : texts.one(text) }
}
