import Shared

/// Lays an applied configuration over the live object, and takes places out of an object. Pure.
/// Source: structured-merge-diff `typed/merge.go`, `typed/remove.go`.
enum Merging {
    /// The live object with everything that the configuration says. Lists with keys and sets keep the items that it
    /// does not mention; shared items stand in the configuration's order.
    static func merge(_ configuration: JSON, into live: JSON, _ type: MergeType) -> JSON {
        let type = type.resolved(configuration)
        switch type {
        case .scalar, .atomic, .untyped: return configuration
        case .map, .structure:
            let (wanted, old) = (configuration.members, live.members)
            if old.isEmpty { return configuration }
            var (inWanted, inOld) = (MemberLookup(wanted), MemberLookup(old))
            var result = JSON.Members()
            result.reserveCapacity(old.count + wanted.count)
            for (key, value) in old {
                result.append(key, inWanted[key].map { merge($0, into: value, type.member(key).type) } ?? value)
            }
            for (key, value) in wanted where inOld[key] == nil { result.append(key, value) }
            return .object(result)
        case .set, .keyed:
            if live.items.isEmpty { return configuration }
            return .array(merge(configuration.items, into: live.items, type))
        }
    }

    private static func merge(_ wanted: [JSON], into live: [JSON], _ type: MergeType) -> [JSON] {
        let mine = ListIndex(live, type)
        let theirs = ListIndex(wanted, type)
        let liveSteps = live.map { (try? ListIndex.step(to: $0, type)) ?? "" }
        var shared = theirs.steps.filter { !mine[$0].isEmpty }[...]
        var next = shared.popFirst()
        var merged: Set<String> = []
        var result: [JSON] = []
        func take(_ step: String) {
            merged.insert(step)
            guard let item = theirs[step].first else { return }
            // Items of the live list that can not be told apart are replaced as one.
            let old = mine[step]
            result.append(old.count == 1 ? merge(item, into: old[0], type.element) : item)
            if next == step { next = shared.popFirst() }
        }
        var (left, right) = (0, 0)
        while left < live.count || right < theirs.steps.count {
            if left < live.count, right < theirs.steps.count {
                let step = liveSteps[left]
                if step == theirs.steps[right] {
                    take(step)
                    left += 1
                    right += 1
                    continue
                }
                // A shared item, but not the next one in the configuration's order.
                if !theirs[step].isEmpty, let next, next != step {
                    left += 1
                    continue
                }
            }
            if left < live.count {
                let step = liveSteps[left]
                if theirs[step].isEmpty {
                    result.append(live[left])
                    left += 1
                    continue
                }
                if merged.contains(step) { left += 1 }
            }
            if right < theirs.steps.count {
                take(theirs.steps[right])
                right += 1
            }
        }
        return result
    }

    /// The value without the places of a set; nil when nothing of it is left.
    static func remove(_ places: FieldSet, from value: JSON, _ type: MergeType) -> JSON? {
        if places.isEmpty { return value }
        let type = type.resolved(value)
        switch type {
        case .scalar, .untyped: return value
        case .atomic:
            if value.array != nil || value.object != nil { return nil }
            return value
        case .map, .structure:
            guard case .object(let members) = value, !members.isEmpty else { return nil }
            var result = JSON.Members()
            var wentInside = false
            for (key, value) in members {
                let node = places[PathStep.field(key)]
                if let node, node.isMember { continue }
                guard let node else {
                    result.append(key, value)
                    continue
                }
                wentInside = true
                result.append(key, remove(node.below, from: value, type.member(key).type) ?? empty(value))
            }
            if result.isEmpty, !wentInside { return nil }
            return .object(result)
        case .set, .keyed:
            guard case .array(let items) = value, !items.isEmpty else { return nil }
            var result: [JSON] = []
            var wentInside = false
            for item in items {
                guard let step = try? ListIndex.step(to: item, type), let node = places[step] else {
                    result.append(item)
                    continue
                }
                if node.isMember { continue }
                wentInside = true
                result.append(remove(node.below, from: item, type.element) ?? empty(item))
            }
            if result.isEmpty, !wentInside { return nil }
            return .array(result)
        }
    }

    private static func empty(_ value: JSON) -> JSON {
        switch value {
        case .object: [:]
        case .array: []
        default: .null
        }
    }
}
