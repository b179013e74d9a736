import Shared

/// What may change in a running pod through its own subresources.
extension Validation {
    /// Ephemeral containers may be added, never changed or taken away.
    /// Source: `ValidatePodEphemeralContainersUpdate`.
    static func ephemeralContainers(_ new: JSON, _ old: JSON) -> [FieldError] {
        var errors: FieldErrors = []
        let pod = Field(new)
        self.pod(pod, &errors)
        annotationChange(pod, Field(old), &errors)
        guard old["metadata"]["annotations"]["kubernetes.io/config.mirror"].isNull else {
            errors = []
            errors.forbidden(Field.whole, "static pods do not support ephemeral containers")
            return errors
        }
        let list = pod["spec"]["ephemeralContainers"]
        for container in old["spec"]["ephemeralContainers"].items {
            let name = container["name"]
            guard let same = list.json.items.last(where: { $0["name"] == name }) else {
                errors.forbidden(
                    list, "existing ephemeral containers \((name.string ?? "").goQuoted) may not be removed\n")
                continue
            }
            if same != container {
                errors.forbidden(
                    list, "existing ephemeral containers \((name.string ?? "").goQuoted) may not be changed\n")
            }
        }
        return errors
    }

    /// Source: `ValidatePodBinding`.
    static func podBinding(_ binding: JSON) -> [FieldError] {
        var errors: FieldErrors = []
        let target = Field(binding)["target"]
        if !target["kind"].text.isEmpty { errors.oneOf(target["kind"], ["Node", "<empty>"]) }
        errors.nonEmpty(target["name"])
        return errors
    }

    /// CPU and memory may change, the quality class may not. Source: `ValidatePodResize`.
    static func resize(_ new: JSON, _ old: JSON) -> [FieldError] {
        var errors: FieldErrors = []
        pod(Field(new), &errors)
        if let refusal = resizeRefusal(new, old) {
            errors = []
            errors.forbidden(Field.whole, refusal)
            return errors
        }
        let spec = Field(new)["spec"]
        if quality(new) != quality(old) {
            errors.invalid(
                spec.with(.string(new["status"]["qosClass"].string ?? "")),
                "Pod QOS Class may not change as a result of resizing")
        }
        let lists = ["initContainers", "containers"]
        for list in lists {
            for container in spec[list].items where list == "containers" || container["restartPolicy"].text == "Always"
            {
                let was = old["spec"][list].items.first { $0["name"].string == container["name"].text } ?? .null
                for key in ["requests", "limits"] {
                    let names = was["resources"][key].members.keys
                    if names.contains(where: { container["resources"][key][$0].isAbsent }) {
                        errors.forbidden(container["resources"][key], "resource \(key) cannot be removed")
                    }
                }
            }
        }
        for list in lists.reversed() {
            for container in spec[list].items {
                let was = old["spec"][list].items.first { $0["name"].string == container["name"].text } ?? .null
                let isSidecar = container["restartPolicy"].text == "Always"
                if list == "initContainers", !isSidecar {
                    if container.json != was {
                        errors.forbidden(spec, "resources for non-sidecar init containers are immutable")
                    }
                } else if otherResources(container.json) != otherResources(was) {
                    errors.forbidden(
                        spec,
                        isSidecar
                            ? "only cpu and memory resources for sidecar containers are mutable"
                            : "only cpu and memory resources are mutable")
                }
            }
        }
        return errors
    }
    private static func resizeRefusal(_ new: JSON, _ old: JSON) -> String? {
        let amounts = [new, old].flatMap { pod in
            ["requests", "limits"].map { pod["spec"]["resources"][$0].members.count }
        }
        if amounts.contains(where: { $0 > 0 }) { return "pods with pod-level resources cannot be resized" }
        if !old["metadata"]["annotations"]["kubernetes.io/config.mirror"].isNull {
            return "static pods cannot be resized"
        }
        return old["spec"]["os"]["name"] == "windows" ? "windows pods cannot be resized" : nil
    }
    /// What a container asks for beside CPU and memory.
    private static func otherResources(_ container: JSON) -> [[String: String]] {
        ["requests", "limits"].map { key in
            container["resources"][key].strings.filter { $0.key != "cpu" && $0.key != "memory" }
        }
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
