import Shared

/// One field that another manager owns and an applied configuration would change.
struct ApplyConflict: Sendable, Equatable {
    let manager: ManagedFields.Manager
    let path: [String]

    var field: String { PathStep.shown(path) }
}

/// Why a configuration is not applied.
enum ApplyRefusal: Error {
    case conflicts([ApplyConflict])
    /// The configuration does not fit the type.
    case invalid(String)
}

extension ManagedFields {
    /// How a configuration is to be applied.
    struct Application {
        let type: MergeType
        let manager: Manager
        var isForced: Bool
        /// Fields that this path does not write: the status on the object's own, all else on the status's.
        let ignored: FieldSet
        let time: Timestamp
    }

    /// Applies a configuration to the live object.
    /// - Returns: the object, not yet decoded nor defaulted, and without a list of owners; nil when it stays as it is.
    mutating func apply(_ configuration: JSON, to live: JSON, _ how: Application) throws(ApplyRefusal) -> JSON? {
        if let complaint = ConfigurationCheck.complaint(about: configuration, how.type) {
            throw .invalid(complaint)
        }
        let last = index(of: how.manager).map { entries[$0].fields.set } ?? FieldSet()
        let set = FieldSet(of: configuration, how.type).subtractingAll(below: how.ignored)
        let merged = Merging.merge(configuration, into: live, how.type)
        let others = entries.filter { !$0.manager.isSame(how.manager) }
        var claimed = set
        for entry in others { claimed.formUnion(entry.fields.set) }
        let pruned = ManagedFields.prune(merged, last: last, claimed: claimed, how.type)

        let comparison = Comparison(from: live, to: pruned, how.type).excluding(how.ignored)
        let written = comparison.written
        if !how.isForced {
            let conflicts = ManagedFields.conflicts(others, written)
            if !conflicts.isEmpty { throw .conflicts(conflicts) }
        }
        let touched = written.union(comparison.removed)
        change(
            where: { !$0.manager.isSame(how.manager) && $0.fields.overlaps(touched) }, { $0.subtracting(touched) })
        self.set(how.manager, ManagedFields.owned(set), at: how.time)
        if pruned == live { return nil }
        return pruned
    }

    private static func conflicts(_ entries: [Entry], _ written: FieldSet) -> [ApplyConflict] {
        var conflicts: [ApplyConflict] = []
        for entry in entries.sorted(by: { $0.manager.shown < $1.manager.shown }) where entry.fields.overlaps(written) {
            entry.fields.set.intersection(written).forEachPath {
                conflicts.append(ApplyConflict(manager: entry.manager, path: $0))
            }
        }
        return conflicts
    }

    /// Removes what the applier owned and does not name any more, unless somebody else claims it.
    private static func prune(_ merged: JSON, last: FieldSet, claimed: FieldSet, _ type: MergeType) -> JSON {
        if last.isEmpty { return merged }
        let all = FieldSet(of: merged, type).namingFields(type)
        let named = last.namingFields(type)
        let without = Merging.remove(named, from: merged, type) ?? .null
        // What others claim comes back, with all that holds it.
        let kept = FieldSet(of: without, type).namingFields(type).union(claimed.namingFields(type))
        let shared = Merging.remove(all.subtracting(kept), from: merged, type) ?? .null
        // What the applier never owned comes back as well.
        let left = FieldSet(of: shared, type).namingFields(type)
        return Merging.remove(all.subtracting(left).intersection(named), from: merged, type) ?? .null
    }

    /// An object that nobody owns belongs to those who wrote it before ownership was tracked.
    mutating func claimUntracked(_ live: JSON, zero: JSON, _ type: MergeType, apiVersion: String, at time: Timestamp) {
        guard isEmpty else { return }
        let manager = Manager(name: "before-first-apply", operation: .update, apiVersion: apiVersion)
        update(Comparison(from: zero, to: live, type), by: manager, at: time)
    }
}

extension Status {
    /// `Apply failed with 1 conflict: conflict with "web" using apps/v1: .spec.replicas`.
    static func applyConflict(_ conflicts: [ApplyConflict]) -> Status {
        var message: String
        if conflicts.count == 1, let only = conflicts.first {
            message = "Apply failed with 1 conflict: conflict with \(only.manager.shown): \(only.field)"
        } else {
            var lines: [String] = []
            var last: ManagedFields.Manager?
            for conflict in conflicts {
                if conflict.manager != last { lines.append("conflicts with \(conflict.manager.shown):") }
                last = conflict.manager
                lines.append("- \(conflict.field)")
            }
            message = "Apply failed with \(conflicts.count) conflicts: " + lines.joined(separator: "\n")
        }
        var status = Status(.conflict, message)
        status.causes = conflicts.map {
            Cause(
                reason: "FieldManagerConflict", message: "conflict with \($0.manager.shown)", field: $0.field)
        }
        return status
    }
}
