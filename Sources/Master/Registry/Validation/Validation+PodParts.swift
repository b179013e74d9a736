import Shared

/// What may change in a running pod through its own subresources.
extension Validation {
    /// Ephemeral containers may be added, never changed or taken away.
    /// Source: `ValidatePodEphemeralContainersUpdate`, `validateEphemeralContainers`.
    static func ephemeralContainers(_ new: JSON, _ old: JSON) -> [FieldError] {
        var errors: FieldErrors = []
        let list = Field(new)["spec"]["ephemeralContainers"]
        let spec = new["spec"]
        let known = Set((spec["containers"].items + spec["initContainers"].items).compactMap { $0["name"].string })
        var names = known
        let before = old["spec"]["ephemeralContainers"].items
        for container in list.items {
            let name = container["name"]
            if let same = before.first(where: { $0["name"].string == name.text }) {
                if same != container.json {
                    errors.forbidden(list, "existing ephemeral containers \"\(name.text)\" may not be changed\n")
                }
                if !names.insert(name.text).inserted { errors.duplicate(name) }
                continue
            }
            if name.text.isEmpty { errors.required(name) } else { errors.check(name, NameText.label(name.text)) }
            if !names.insert(name.text).inserted { errors.duplicate(name) }
            if container["image"].text.isEmpty { errors.required(container["image"]) }
            let target = container["targetContainerName"]
            if !target.text.isEmpty, !known.contains(target.text) { errors.notFound(target) }
            for key in ["lifecycle", "livenessProbe", "ports", "readinessProbe", "resizePolicy", "startupProbe"]
            where container[key].isPresent {
                errors.forbidden(container[key], "cannot be set for an Ephemeral Container")
            }
            if !container["resources"].json.members.isEmpty {
                errors.forbidden(container["resources"], "cannot be set for an Ephemeral Container")
            }
        }
        let kept = Set(list.items.map { $0["name"].text })
        for container in before {
            guard let name = container["name"].string, !kept.contains(name) else { continue }
            errors.forbidden(list, "existing ephemeral containers \"\(name)\" may not be removed\n")
        }
        return errors
    }

    /// CPU and memory may change, the quality class may not. Source: `ValidatePodResize`.
    static func resize(_ new: JSON, _ old: JSON) -> [FieldError] {
        var errors: FieldErrors = []
        let spec = Field(new)["spec"]
        if new["status"]["qosClass"].string != nil, quality(new) != quality(old) {
            errors.invalid(spec, "Pod QOS Class may not change as a result of resizing")
        }
        for (list, key) in [("containers", "limits"), ("containers", "requests")] {
            for container in spec[list].items {
                let before = old["spec"][list].items.first { $0["name"].string == container["name"].text }
                let was = before?["resources"][key] ?? .null
                for name in Set(Array(container["resources"][key].json.members.keys) + Array(was.members.keys))
                where name != "cpu" && name != "memory" && container["resources"][key][name].json != was[name] {
                    errors.forbidden(spec, "only cpu and memory resources are mutable")
                }
                for name in ["cpu", "memory"] where !was[name].isNull && !container["resources"][key][name].isPresent {
                    errors.forbidden(container["resources"][key], "resource \(key) cannot be removed")
                }
            }
        }
        var whole: FieldErrors = []
        containers(spec, volumes: [:], &whole)
        return errors + whole.filter { $0.field.contains(".resources") }
    }

    /// Guaranteed, burstable or best effort. Source: Kubernetes `qos.ComputePodQOS`.
    private static func quality(_ pod: JSON) -> String {
        var hasAny = false
        var isGuaranteed = true
        for container in pod["spec"]["containers"].items + pod["spec"]["initContainers"].items {
            for name in ["cpu", "memory"] {
                func amount(_ key: String) -> Quantity? {
                    container["resources"][key][name].string.flatMap { Quantity($0) }.flatMap { $0.isZero ? nil : $0 }
                }
                let (request, limit) = (amount("requests") ?? amount("limits"), amount("limits"))
                if request != nil || limit != nil { hasAny = true }
                if limit == nil || request != limit { isGuaranteed = false }
            }
        }
        return !hasAny ? "BestEffort" : isGuaranteed ? "Guaranteed" : "Burstable"
    }
}
