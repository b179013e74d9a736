/// Strategic merge patches: merge patches that know the types. Source: apimachinery `strategicpatch`.
package enum StrategicMergePatch {
    static let directive = "$patch"
    static let retainKeys = "$retainKeys"
    static let setOrder = "$setElementOrder/"
    static let deletions = "$deleteFromPrimitiveList/"

    /// The object with the patch applied.
    /// - Throws: 400 for a malformed patch, 500 with Kubernetes's text for one that contradicts itself.
    package static func apply(_ patch: JSON, to target: JSON, schema: any PatchSchema) throws(Status) -> JSON {
        guard case .object(let changes) = patch else { throw Status(.badRequest, "invalid JSON document") }
        return .object(try merge(changes, into: target.members, schema))
    }

    private static func merge(
        _ patch: JSON.Members, into target: JSON.Members, _ schema: (any PatchSchema)?
    ) throws(Status) -> JSON.Members {
        var patch = patch
        var target = target
        if let kind = patch[directive] {
            switch kind {
            case "replace":
                patch.removeValue(for: directive)
                return patch
            case "delete": return JSON.Members()
            default: throw unknownDirective(kind, in: patch)
            }
        }
        try applyRetainKeys(&patch, to: &target)
        for (key, order) in patch where key.hasPrefix(setOrder) {
            patch.removeValue(for: key)
            let name = String(key.dropFirst(setOrder.count))
            guard case .array(let order) = order else {
                throw Status(.unknown, "expected a []interface {}, but received a \(order.goType)")
            }
            try applyOrder(order, of: name, &patch, &target, schema?.field(name))
        }
        for (patchKey, value) in patch {
            let isDeletion = patchKey.hasPrefix(deletions)
            let key = isDeletion ? String(patchKey.dropFirst(deletions.count)) : patchKey
            if value.isNull {
                target.removeValue(for: key)
                continue
            }
            guard let old = target[key] else {
                if !isDeletion { target.append(key, clean(value)) }
                continue
            }
            let field = schema?.field(key)
            switch (old, value) {
            case (.object(let before), .object(let changes)):
                if field?.strategy.contains(.replace) == true {
                    target.set(key, value)
                } else {
                    target.set(key, .object(try merge(changes, into: before, field?.child)))
                }
            case (.array(let before), .array(let items)):
                if isDeletion || field?.strategy.contains(.merge) == true {
                    target.set(key, .array(try mergeList(items, into: before, field, isDeletion: isDeletion)))
                } else {
                    target.set(key, value)
                }
            default: target.set(key, value)
            }
        }
        return target
    }

    private static func applyRetainKeys(_ patch: inout JSON.Members, to target: inout JSON.Members) throws(Status) {
        guard let list = patch.removeValue(for: retainKeys) else { return }
        let malformed = Status(.badRequest, "invalid patch format of retainKeys")
        guard case .array(let items) = list else { throw malformed }
        let kept = Set(items.compactMap(\.string))
        for (key, value) in patch {
            if value.isNull || key.hasPrefix(setOrder) || key.hasPrefix(deletions) { continue }
            if !kept.contains(key) { throw malformed }
        }
        target.removeAll { !kept.contains($0.key) }
    }

    /// A value that is new to the target: directives have nothing to act on and nulls nothing to remove.
    private static func clean(_ value: JSON) -> JSON {
        switch value {
        case .array(let items):
            return .array(items.filter { $0.object?[directive] == nil }.map(clean))
        case .object(let members):
            if members[directive] == "delete" { return [:] }
            var result = JSON.Members()
            for (key, member) in members {
                if member.isNull || key == directive || key == retainKeys || key.hasPrefix(setOrder)
                    || key.hasPrefix(deletions)
                {
                    continue
                }
                result.append(key, clean(member))
            }
            return .object(result)
        default: return value
        }
    }

    // MARK: - Errors in Go's words

    static func unknownDirective(_ kind: JSON, in patch: JSON.Members) -> Status {
        Status(.unknown, "unknown patch type: \(goText(kind)) in map: \(goText(.object(patch)))")
    }
    static func noMergeKey(_ key: String, in item: JSON) -> Status {
        Status(.unknown, "map: \(goText(item)) does not contain declared merge key: \(key)")
    }

    /// A value as Go's `%v` prints it.
    package static func goText(_ json: JSON) -> String {
        switch json {
        case .null: "<nil>"
        case .string(let text): text
        case .array(let items): "[" + items.map(goText).joined(separator: " ") + "]"
        case .object(let members):
            "map[" + members.sorted().map { "\($0.key):\(goText($0.value))" }.joined(separator: " ") + "]"
        default: json.text
        }
    }
}

// MARK: - Lists
extension StrategicMergePatch {
    /// `$setElementOrder/name`: merges the list and brings its items into the order that the patch's author saw.
    private static func applyOrder(
        _ order: [JSON], of name: String, _ patch: inout JSON.Members, _ target: inout JSON.Members,
        _ field: PatchField?
    ) throws(Status) {
        let old = target[name]?.array
        let items = patch[name]?.array
        if let items { try check(items, follows: order, field?.mergeKey) }
        guard old != nil || items != nil else { return }
        var merged = old ?? []
        if let items {
            guard old == nil || field?.strategy.contains(.merge) == true else { return }
            merged =
                old == nil ? clean(.array(items)).items : try mergeList(items, into: merged, field, isDeletion: false)
        }
        if let removed = patch[deletions + name]?.array {
            merged.removeAll { removed.contains($0) }
            patch.removeValue(for: deletions + name)
        }
        target.set(name, .array(arrange(merged, like: order, server: old ?? [], field?.mergeKey)))
        patch.removeValue(for: name)
    }

    /// The items of the patch must stand in the order that the patch asks for.
    private static func check(_ items: [JSON], follows order: [JSON], _ mergeKey: String?) throws(Status) {
        var next = 0
        for item in items where item.object?[directive] == nil {
            let identity = identity(item, mergeKey)
            while next < order.count, self.identity(order[next], mergeKey) != identity { next += 1 }
            guard next < order.count else {
                throw Status(
                    .unknown,
                    "The order in patch list:\n\(goText(.array(items)))\n doesn't match $setElementOrder list:\n\(goText(.array(order)))\n"
                )
            }
            next += 1
        }
    }

    private static func mergeList(
        _ patch: [JSON], into target: [JSON], _ field: PatchField?, isDeletion: Bool
    ) throws(Status) -> [JSON] {
        if patch.isEmpty { return target }
        let holdsObjects = (patch + target).contains { $0.object != nil }
        if !holdsObjects {
            if isDeletion { return target.filter { !patch.contains($0) } }
            var seen: Set<JSON> = []
            let merged = (target + patch).filter { seen.insert($0).inserted }
            return arrange(merged, like: patch, server: target, nil)
        }
        guard (patch + target).allSatisfy({ $0.object != nil }) else {
            throw Status(.unknown, "list element types are not identical: \(goText(.array(patch)))")
        }
        guard let key = field?.mergeKey else {
            throw Status(.unknown, "cannot merge lists without merge key for \(goText(.array(patch)))")
        }
        var server = target
        var changes: [JSON] = []
        var replaces = false
        for item in patch {
            guard let kind = item.object?[directive] else {
                changes.append(item)
                continue
            }
            switch kind {
            case "delete":
                guard let value = item.object?[key] else { throw noMergeKey(key, in: item) }
                server.removeAll { goText($0[key]) == goText(value) }
            case "replace": replaces = true
            case "merge": throw Status(.unknown, "merging lists cannot yet be specified in the patch")
            default: throw unknownDirective(kind, in: item.members)
            }
        }
        if replaces { return changes }
        var merged = server
        for change in changes {
            guard let value = change.object?[key] else { throw noMergeKey(key, in: change) }
            if let index = merged.firstIndex(where: { goText($0[key]) == goText(value) }) {
                merged[index] = .object(try merge(change.members, into: merged[index].members, field?.child))
            } else {
                merged.append(clean(change))
            }
        }
        return arrange(merged, like: changes, server: server, key)
    }

    /// The patch's items in its order, the server's others in theirs; where both orders say nothing, the patch's first.
    private static func arrange(_ items: [JSON], like order: [JSON], server: [JSON], _ mergeKey: String?) -> [JSON] {
        func ranks(_ list: [JSON]) -> [String: Int] {
            var result: [String: Int] = [:]
            for (index, item) in list.enumerated() {
                let identity = identity(item, mergeKey)
                if result[identity] == nil { result[identity] = index }
            }
            return result
        }
        func sorted(_ list: [JSON], _ ranks: [String: Int]) -> [JSON] {
            list.enumerated().sorted {
                let left = ranks[identity($0.element, mergeKey)] ?? Int.max
                let right = ranks[identity($1.element, mergeKey)] ?? Int.max
                return (left, $0.offset) < (right, $1.offset)
            }.map(\.element)
        }
        let patchRanks = ranks(order)
        let serverRanks = ranks(server)
        let ours = sorted(items.filter { patchRanks[identity($0, mergeKey)] != nil }, patchRanks)
        let theirs = sorted(items.filter { patchRanks[identity($0, mergeKey)] == nil }, serverRanks)
        var result: [JSON] = []
        var left = theirs[...]
        var right = ours[...]
        while let first = left.first, let second = right.first {
            if let a = serverRanks[identity(first, mergeKey)], let b = serverRanks[identity(second, mergeKey)], a < b {
                result.append(left.removeFirst())
            } else {
                result.append(right.removeFirst())
            }
        }
        return result + left + right
    }

    /// What tells the items of a list apart.
    static func identity(_ item: JSON, _ mergeKey: String?) -> String {
        if let mergeKey, case .object(let members) = item { return goText(members[mergeKey] ?? .null) }
        return goText(item)
    }
}
