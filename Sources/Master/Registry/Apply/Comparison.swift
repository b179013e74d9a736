import Shared

/// Which places of an object a write has added, changed and removed. Pure.
/// Source: structured-merge-diff `typed/compare.go`.
struct Comparison: Sendable, Equatable {
    var added = FieldSet()
    var modified = FieldSet()
    var removed = FieldSet()

    var isEmpty: Bool { added.isEmpty && modified.isEmpty && removed.isEmpty }
    /// What the writer of the change owns from now on.
    var written: FieldSet { added.union(modified) }

    /// Compares two objects of one type, both in the form in which they are stored. What is equal costs one
    /// comparison of values and no look at the type.
    init(from old: JSON, to new: JSON, _ type: MergeType) {
        let change = Comparison.change(old, new, type)
        added = change.added
        modified = change.modified
        removed = change.removed
    }

    /// Without the places in `fields` and inside them.
    func excluding(_ fields: FieldSet) -> Comparison {
        if fields.isEmpty { return self }
        var result = self
        result.added = added.subtractingAll(below: fields)
        result.modified = modified.subtractingAll(below: fields)
        result.removed = removed.subtractingAll(below: fields)
        return result
    }
}

extension Comparison {
    /// What became of one place and of those inside it.
    private struct Change {
        enum Mark { case none, added, modified, removed }
        var mark = Mark.none
        var added = FieldSet()
        var modified = FieldSet()
        var removed = FieldSet()

        static func leaf(_ old: JSON?, _ new: JSON?) -> Change {
            Change(mark: old == nil ? .added : new == nil ? .removed : old == new ? .none : .modified)
        }
    }

    /// Gathers the changes of what is inside one place.
    private struct Gathering {
        private var added: [FieldSet.Node] = []
        private var modified: [FieldSet.Node] = []
        private var removed: [FieldSet.Node] = []

        mutating func add(_ step: String, _ change: Change) {
            if change.mark == .added || !change.added.isEmpty {
                added.append(.init(step: step, isMember: change.mark == .added, below: change.added))
            }
            if change.mark == .modified || !change.modified.isEmpty {
                modified.append(.init(step: step, isMember: change.mark == .modified, below: change.modified))
            }
            if change.mark == .removed || !change.removed.isEmpty {
                removed.append(.init(step: step, isMember: change.mark == .removed, below: change.removed))
            }
        }

        /// The change of the place itself, which has `old` before and `new` after.
        func change(_ old: JSON?, _ new: JSON?) -> Change {
            Change(
                mark: old == nil ? .added : new == nil ? .removed : .none, added: FieldSet(added),
                modified: FieldSet(modified), removed: FieldSet(removed))
        }
    }

    /// - Parameters: the value before and after; nil where there is none, at most one of them.
    private static func change(_ old: JSON?, _ new: JSON?, _ type: MergeType) -> Change {
        if let old, let new, old == new { return Change() }
        let resolved = type.resolved(new ?? old)
        switch resolved {
        case .scalar, .atomic, .untyped: return .leaf(old, new)
        case .map, .structure:
            let (before, after) = (old?.members ?? JSON.Members(), new?.members ?? JSON.Members())
            if before.isEmpty, after.isEmpty { return .leaf(old, new) }
            return members(before, after, resolved).change(old, new)
        case .set, .keyed:
            let (before, after) = (old?.items ?? [], new?.items ?? [])
            if before.isEmpty, after.isEmpty { return .leaf(old, new) }
            return items(before, after, resolved).change(old, new)
        }
    }

    private static func members(_ old: JSON.Members, _ new: JSON.Members, _ type: MergeType) -> Gathering {
        var gathering = Gathering()
        var lookup = MemberLookup(old)
        var seen = 0
        for (key, value) in new {
            let before = lookup[key]
            if before != nil { seen += 1 }
            if before == value { continue }
            gathering.add(PathStep.field(key), change(before, value, type.member(key).type))
        }
        if seen < old.count {
            var lookup = MemberLookup(new)
            for (key, value) in old where lookup[key] == nil {
                gathering.add(PathStep.field(key), change(value, nil, type.member(key).type))
            }
        }
        return gathering
    }

    private static func items(_ old: [JSON], _ new: [JSON], _ type: MergeType) -> Gathering {
        var gathering = Gathering()
        let (before, after) = (ListIndex(old, type), ListIndex(new, type))
        let element = type.element
        for step in before.steps + after.steps.filter({ before[$0].isEmpty }) {
            let (left, right) = (before[step], after[step])
            switch (left.count, right.count) {
            case (0...1, 0...1): gathering.add(step, change(left.first, right.first, element))
            case (2..., 2...): if left != right { gathering.add(step, Change(mark: .modified)) }
            case (2..., _):
                if let right = right.first { gathering.add(step, change(nil, right, element)) }
                gathering.add(step, Change(mark: .removed))
            default:
                if let left = left.first { gathering.add(step, change(left, nil, element)) }
                gathering.add(step, Change(mark: .added))
            }
        }
        return gathering
    }
}

/// Finds members by name: by place first, since objects of one origin have one order, and by a table once an object is
/// large, so that hostile ones do not cost quadratic time.
struct MemberLookup {
    private let members: JSON.Members
    private var next = 0
    private var table: [String: Int]?

    init(_ members: JSON.Members) { self.members = members }

    subscript(key: String) -> JSON? {
        mutating get {
            if next < members.count, members[next].key == key {
                defer { next += 1 }
                return members[next].value
            }
            let index: Int?
            if members.count > 32 {
                if table == nil {
                    table = Dictionary(
                        members.enumerated().map { ($1.key, $0) }, uniquingKeysWith: { first, _ in first })
                }
                index = table?[key]
            } else {
                index = members.index(of: key)
            }
            guard let index else { return nil }
            next = index + 1
            return members[index].value
        }
    }
}
