import Shared

extension ManagedFields {
    /// What the list is before a write: the one that the client sent, if it makes sense, or else the live one.
    /// A list without entries, or with one empty entry, forgets all owners.
    ///
    /// - Parameter isWhole: the write is one of the object itself; subresources can not change the list.
    init(of new: JSON, over old: JSON, isWhole: Bool) {
        let live = old["metadata"]["managedFields"]
        let sent = new["metadata"]["managedFields"]
        let isReset =
            sent == [] || sent.items.count == 1 && sent[0].members.allSatisfy { ManagedFields.isZero($0.value) }
        if !isWhole || sent == live || sent.isNull {
            self.init(stored: live)
        } else if isReset {
            self.init()
        } else if let parsed = ManagedFields(sent: sent), !parsed.isEmpty {
            self = parsed
        } else {
            self.init(stored: live)
        }
    }

    private static func isZero(_ value: JSON) -> Bool { value.isNull || value == "" || value == [:] }

    /// Fields that belong to nobody. Source: apimachinery `stripmeta.go`.
    private static let unowned: FieldSet = {
        var set = FieldSet()
        for field in ["apiVersion", "kind", "metadata"] { set.formUnion(FieldSet(path: ["f:" + field])) }
        for field in [
            "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields",
            "resourceVersion",
        ] {
            set.formUnion(FieldSet(path: ["f:metadata", "f:" + field]))
        }
        return set
    }()

    /// Takes note of a write that is not an apply: the writer owns what it has changed, nobody what it has removed.
    mutating func update(_ comparison: Comparison, by manager: Manager, at time: Timestamp) {
        dropEmpty()
        if comparison.isEmpty { return }
        let written = comparison.written.subtracting(comparison.removed).subtracting(ManagedFields.unowned)
        let touched = comparison.written.union(comparison.removed)
        let own = index(of: manager)
        let keepsOwn = own.map { entries[$0].fields.covers(written) } ?? false
        change(
            where: { entry in
                // Its writer takes back all that it has changed.
                if keepsOwn, comparison.removed.isEmpty, entry.manager.isSame(manager) { return false }
                return entry.fields.overlaps(touched)
            }, { $0.subtracting(touched) })
        if !written.isEmpty {
            if let index = index(of: manager), entries[index].fields.covers(written) {
                touch(index, at: time)
            } else {
                let before = index(of: manager).map { entries[$0].fields.set } ?? FieldSet()
                set(manager, before.union(written), at: time)
            }
        }
        unite()
    }

    /// The set of an applier without what belongs to nobody.
    static func owned(_ set: FieldSet) -> FieldSet { set.subtracting(unowned) }
}

extension ManagedFields.Owned {
    /// Whether every place of the set is owned.
    func covers(_ set: FieldSet) -> Bool {
        switch self {
        case .read(let own): return set.subtracting(own).isEmpty
        case .written(let json): return ManagedFields.Owned.covers(json.members, set)
        }
    }

    /// Whether a place of the set is owned.
    func overlaps(_ set: FieldSet) -> Bool {
        switch self {
        case .read(let own): return !own.intersection(set).isEmpty
        case .written(let json): return ManagedFields.Owned.overlaps(json.members, set)
        }
    }

    // Only the way to the places of the set is looked at: status writes of large objects change a few of them.

    private static func covers(_ members: JSON.Members, _ set: FieldSet) -> Bool {
        var lookup = MemberLookup(members)
        return set.nodes.allSatisfy { node in
            guard case .object(let inner)? = lookup[node.step] else { return false }
            if node.isMember, !isMember(inner) { return false }
            return covers(inner, node.below)
        }
    }
    private static func overlaps(_ members: JSON.Members, _ set: FieldSet) -> Bool {
        var lookup = MemberLookup(members)
        return set.nodes.contains { node in
            guard case .object(let inner)? = lookup[node.step] else { return false }
            return node.isMember && isMember(inner) || overlaps(inner, node.below)
        }
    }
    private static func isMember(_ members: JSON.Members) -> Bool {
        // The dot is written first.
        members.isEmpty || members[0].key == "." || members.contains { $0.key == "." }
    }
}
