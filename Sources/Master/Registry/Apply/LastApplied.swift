import Shared

/// The annotation in which `kubectl apply` keeps what it has applied, where it meets server-side apply by `kubectl`.
/// Source: apimachinery `util/managedfields/internal/lastappliedmanager.go`, `lastappliedupdater.go`.
enum LastApplied {
    static let annotation = "kubectl.kubernetes.io/last-applied-configuration"
    /// The manager that takes over what client-side apply has set, without conflicts.
    private static let kubectl = "kubectl"

    /// Applies a configuration. Conflicts of kubectl about fields that its client-side apply has set are no conflicts,
    /// and the annotation follows what is applied.
    static func apply(
        _ configuration: JSON, to live: JSON, _ how: ManagedFields.Application, _ managed: inout ManagedFields
    ) throws(ApplyRefusal) -> JSON? {
        let before = managed
        guard how.manager.name == kubectl, how.manager.subresource.isEmpty else {
            return try managed.apply(configuration, to: live, how)
        }
        var result: JSON?
        do throws(ApplyRefusal) {
            result = try managed.apply(configuration, to: live, how)
        } catch {
            guard case .conflicts(let conflicts) = error, let allowed = fields(of: live, how) else { throw error }
            let rest = conflicts.filter { !allowed.contains(path: $0.path) }
            guard rest.isEmpty else { throw .conflicts(rest) }
            managed = before
            var forced = how
            forced.isForced = true
            result = try managed.apply(configuration, to: live, forced)
        }
        guard !text(of: live).isEmpty else { return result }
        var object = result ?? live
        let value = encoded(configuration)
        if value.utf8.count <= Limits.annotationBytesMax {
            object["metadata"]["annotations"][annotation] = .string(value)
        } else {
            object["metadata"]["annotations"].remove(annotation)
        }
        return object
    }

    private static func text(of object: JSON) -> String { object["metadata"]["annotations"][annotation].string ?? "" }

    /// The fields that client-side apply has set and that still have its values; nil when it has set none.
    private static func fields(of live: JSON, _ how: ManagedFields.Application) -> FieldSet? {
        guard let last = try? JSON(parsing: text(of: live)), last.object != nil,
            Object(last).apiVersion == how.manager.apiVersion
        else { return nil }
        let comparison = Comparison(from: last, to: live, how.type)
        return FieldSet(of: last, how.type).subtracting(comparison.written).subtracting(comparison.removed)
    }

    /// The configuration without the annotation itself, as kubectl writes it.
    private static func encoded(_ configuration: JSON) -> String {
        var bare = configuration
        if bare["metadata"].object?["annotations"] != nil {
            bare["metadata"]["annotations"].remove(annotation)
        }
        return sorted(bare).text + "\n"
    }
    private static func sorted(_ json: JSON) -> JSON {
        switch json {
        case .object(let members):
            var result = JSON.Members()
            for (key, value) in members.sorted() { result.append(key, sorted(value)) }
            return .object(result)
        case .array(let items): return .array(items.map(sorted))
        default: return json
        }
    }
}
