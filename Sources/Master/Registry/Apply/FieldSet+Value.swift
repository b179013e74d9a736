import Shared

extension FieldSet {
    /// Every place that a configuration names, and so owns once it is applied.
    /// Source: structured-merge-diff `typed/tofieldset.go`.
    init(of value: JSON, _ type: MergeType) { self = FieldSet.contents(of: value, type).below }

    /// The places inside `value`, and whether it has no parts that are owned apart from it.
    private static func contents(of value: JSON, _ type: MergeType) -> (isLeaf: Bool, below: FieldSet) {
        let type = type.resolved(value)
        switch type {
        case .scalar, .atomic, .untyped: return (true, FieldSet())
        case .map, .structure:
            var nodes: [Node] = []
            for (key, value) in value.members {
                let member = type.member(key)
                let inside = contents(of: value, member.type)
                let isOwned = inside.isLeaf || !member.isNamed || value.isNull || value.object?.isEmpty == true
                nodes.append(Node(step: PathStep.field(key), isMember: isOwned, below: inside.below))
            }
            return (false, FieldSet(nodes))
        case .set, .keyed:
            let index = ListIndex(value.items, type)
            let nodes = index.steps.map { step in
                let items = index[step]
                // What is inside items that can not be told apart belongs to nobody.
                let below = items.count == 1 ? contents(of: items[0], type.element).below : FieldSet()
                return Node(step: step, isMember: true, below: below)
            }
            return (false, FieldSet(nodes))
        }
    }

    /// The set with the named fields on the way to its places. So `spec` is named by what owns `spec.replicas`, while the
    /// owner of one label does not name the map of labels.
    func namingFields(_ type: MergeType) -> FieldSet {
        FieldSet(
            nodes.map { node in
                guard !node.below.isEmpty else { return node }
                var node = node
                var inner = MergeType.untyped
                switch type {
                case .structure, .map:
                    guard node.step.hasPrefix("f:") else { break }
                    let member = type.member(String(node.step.dropFirst(2)))
                    if member.isNamed { node.isMember = true }
                    inner = member.type
                case .keyed(_, let element): inner = element
                default: break
                }
                node.below = node.below.namingFields(inner)
                return node
            })
    }
}
