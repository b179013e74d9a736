/// How strategic merge patches treat the fields of one type. The registry answers from the `ps=` and `pk=` marks of
/// its schema. Source: apimachinery `strategicpatch.LookupPatchMeta`.
package protocol PatchSchema: Sendable {
    /// What is known about the field; nil for an unknown one, which is merged member by member or replaced.
    func field(_ name: String) -> PatchField?
}

/// What strategic merge patches need to know about one field.
package struct PatchField: Sendable {
    package struct Strategy: OptionSet, Sendable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }
        package static let merge = Strategy(rawValue: 1)
        package static let replace = Strategy(rawValue: 2)
        package static let retainKeys = Strategy(rawValue: 4)

        /// Reads `merge`, `replace`, `retainKeys` or a list such as `merge,retainKeys`.
        package init(text: some StringProtocol) {
            self = []
            for word in text.split(separator: ",") {
                switch word {
                case "merge": insert(.merge)
                case "replace": insert(.replace)
                case "retainKeys": insert(.retainKeys)
                default: break
                }
            }
        }
    }
    package var strategy: Strategy
    /// The member that tells the items of a merged list apart; nil for lists of plain values.
    package var mergeKey: String?
    /// The type of the object, of the list's items, or of the map's values; nil for plain values.
    package var child: (any PatchSchema)?

    package init(strategy: Strategy = [], mergeKey: String? = nil, child: (any PatchSchema)? = nil) {
        self.strategy = strategy
        self.mergeKey = mergeKey
        self.child = child
    }
}

/// A map whose values all have one type.
package struct MapPatchSchema: PatchSchema {
    private let value: PatchField
    package init(of value: PatchField) { self.value = value }
    package func field(_ name: String) -> PatchField? { value }
}

/// A type about which nothing is known: objects are merged, lists replaced.
package struct UnknownPatchSchema: PatchSchema {
    package init() {}
    package func field(_ name: String) -> PatchField? { nil }
}
