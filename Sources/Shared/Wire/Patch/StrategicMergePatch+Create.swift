extension StrategicMergePatch {
    /// The patch that makes `modified` of `original`.
    package static func create(from original: JSON, to modified: JSON, schema: any PatchSchema) -> JSON {
        .object(diff(original.members, modified.members, schema, .all, retains: false))
    }

    /// The patch that `kubectl apply` sends: changes and additions from `current` to `modified`, removals from
    /// `original` (what was applied last) to `modified`. Fields that others set stay.
    package static func create(original: JSON, modified: JSON, current: JSON, schema: any PatchSchema) -> JSON {
        let changes = diff(current.members, modified.members, schema, .changes, retains: false)
        let removals = diff(original.members, modified.members, schema, .removals, retains: false)
        return .object(overlay(changes, on: removals, schema))
    }

    private enum Part { case all, changes, removals }

    private static func diff(
        _ original: JSON.Members, _ modified: JSON.Members, _ schema: (any PatchSchema)?, _ part: Part, retains: Bool
    ) -> JSON.Members {
        var patch = JSON.Members()
        for (key, value) in modified {
            guard let old = original[key] else {
                if part != .removals { patch.append(key, value) }
                continue
            }
            let field = schema?.field(key)
            switch (old, value) {
            case (.object(let before), .object(let after)) where field?.strategy.contains(.replace) != true:
                let retains = field?.strategy.contains(.retainKeys) == true
                let inner = diff(before, after, field?.child, part, retains: retains)
                if !inner.isEmpty { patch.append(key, .object(inner)) }
            case (.array(let before), .array(let after)) where field?.strategy.contains(.merge) == true:
                diff(before, after, of: key, field, part, into: &patch)
            default: if part != .removals, old != value { patch.append(key, value) }
            }
        }
        if part != .changes {
            for (key, _) in original where modified[key] == nil { patch.append(key, .null) }
        }
        if retains, !patch.isEmpty, part != .removals || patch.contains(where: { $0.value.isNull }) {
            patch.append(retainKeys, JSON(modified.filter { !$0.value.isNull }.map(\.key).sorted()))
        }
        return patch
    }

    private static func diff(
        _ original: [JSON], _ modified: [JSON], of name: String, _ field: PatchField?, _ part: Part,
        into patch: inout JSON.Members
    ) {
        let mergeKey = field?.mergeKey
        let isOfObjects = (original + modified).contains { $0.object != nil }
        guard isOfObjects, let mergeKey else {
            let added = part == .removals ? [] : modified.filter { !original.contains($0) }
            let removed = part == .changes ? [] : original.filter { !modified.contains($0) }
            if !added.isEmpty { patch.append(name, .array(added)) }
            if !removed.isEmpty { patch.append(deletions + name, .array(removed)) }
            let moved = part != .removals && !hasSameOrder(original, modified, nil)
            if !added.isEmpty || !removed.isEmpty || moved { patch.append(setOrder + name, .array(modified)) }
            return
        }
        let before = indexed(original, mergeKey)
        let after = indexed(modified, mergeKey)
        var items: [JSON] = []
        for item in modified {
            guard let old = before[identity(item, mergeKey)] else {
                if part != .removals { items.append(item) }
                continue
            }
            let retains = field?.strategy.contains(.retainKeys) == true
            var inner = diff(old.members, item.members, field?.child, part, retains: retains)
            if !inner.isEmpty {
                inner.set(mergeKey, item[mergeKey])
                items.append(.object(inner))
            }
        }
        if part != .changes {
            for item in original where after[identity(item, mergeKey)] == nil {
                items.append(.object(JSON.Members([(directive, JSON.string("delete")), (mergeKey, item[mergeKey])])))
            }
        }
        if !items.isEmpty { patch.append(name, .array(items)) }
        if !items.isEmpty || (part != .removals && !hasSameOrder(original, modified, mergeKey)) {
            patch.append(setOrder + name, .array(modified.map { .object(JSON.Members([(mergeKey, $0[mergeKey])])) }))
        }
    }

    private static func indexed(_ items: [JSON], _ mergeKey: String) -> [String: JSON] {
        Dictionary(items.map { (identity($0, mergeKey), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Whether the items that both lists have stand in one order.
    private static func hasSameOrder(_ left: [JSON], _ right: [JSON], _ mergeKey: String?) -> Bool {
        let leftKeys = left.map { identity($0, mergeKey) }
        let rightKeys = right.map { identity($0, mergeKey) }
        let common = Set(leftKeys).intersection(rightKeys)
        return leftKeys.filter(common.contains) == rightKeys.filter(common.contains)
    }

    /// Both halves of a three-way patch as one.
    private static func overlay(
        _ changes: JSON.Members, on removals: JSON.Members, _ schema: (any PatchSchema)?
    ) -> JSON.Members {
        var result = removals
        for (key, value) in changes {
            let field = schema?.field(key)
            switch (result[key], value) {
            case (.object(let lower)?, .object(let upper)):
                result.set(key, .object(overlay(upper, on: lower, field?.child)))
            case (.array(let lower)?, .array(let upper)) where field?.mergeKey != nil && !key.hasPrefix("$"):
                let others = indexed(lower, field?.mergeKey ?? "")
                let joined = upper.map { item in
                    guard let other = others[identity(item, field?.mergeKey)] else { return item }
                    return JSON.object(overlay(item.members, on: other.members, field?.child))
                }
                let named = indexed(upper, field?.mergeKey ?? "")
                result.set(key, .array(joined + lower.filter { named[identity($0, field?.mergeKey)] == nil }))
            default: result.set(key, value)
            }
        }
        return result
    }
}
