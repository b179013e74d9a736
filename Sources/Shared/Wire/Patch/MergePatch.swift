/// JSON merge patches. Source: RFC 7386.
package enum MergePatch {
    /// The object with the patch applied: null removes, objects merge, everything else replaces.
    package static func apply(_ patch: JSON, to target: JSON) -> JSON {
        guard case .object(let changes) = patch else { return patch }
        var result = target.members
        for (key, value) in changes {
            if value.isNull {
                result.removeValue(for: key)
            } else {
                result.set(key, apply(value, to: result[key] ?? .null))
            }
        }
        return .object(result)
    }

    /// Reads and applies the body of a request.
    /// - Throws: 500 `Invalid JSON Patch` for anything but an object, as kube-apiserver does.
    package static func apply(_ body: [UInt8], to target: JSON) throws(Status) -> JSON {
        guard let patch = try? JSON(parsing: body), case .object = patch else {
            throw Status(.unknown, "Invalid JSON Patch")
        }
        return apply(patch, to: target)
    }

    /// The smallest patch that makes `modified` of `original`; nulls inside `modified` can not be expressed.
    package static func create(from original: JSON, to modified: JSON) -> JSON {
        guard case .object(let before) = original, case .object(let after) = modified else { return modified }
        var patch = JSON.Members()
        for (key, value) in after {
            guard let old = before[key] else {
                patch.append(key, value)
                continue
            }
            if old == value { continue }
            patch.append(key, create(from: old, to: value))
        }
        for (key, _) in before where after[key] == nil { patch.append(key, .null) }
        return .object(patch)
    }

    /// The patch that `kubectl apply` sends for types without a schema: changes and additions from `current` to
    /// `modified`, removals from `original` (what was applied last) to `modified`.
    package static func create(original: JSON, modified: JSON, current: JSON) -> JSON {
        let changes = filter(create(from: current, to: modified), keepsNull: false) ?? [:]
        let removals = filter(create(from: original, to: modified), keepsNull: true) ?? [:]
        return overlay(changes, on: removals)
    }

    /// Keeps either the nulls or everything else of a patch; nil when nothing is left.
    private static func filter(_ patch: JSON, keepsNull: Bool) -> JSON? {
        guard case .object(let members) = patch else { return patch.isNull == keepsNull ? .some(patch) : .none }
        var kept = JSON.Members()
        for (key, value) in members { if let value = filter(value, keepsNull: keepsNull) { kept.append(key, value) } }
        return kept.isEmpty && (keepsNull || !members.isEmpty) ? .none : .some(.object(kept))
    }

    private static func overlay(_ upper: JSON, on lower: JSON) -> JSON {
        guard case .object(let members) = upper, case .object(var result) = lower else { return upper }
        for (key, value) in members { result.set(key, result[key].map { overlay(value, on: $0) } ?? value) }
        return .object(result)
    }
}
