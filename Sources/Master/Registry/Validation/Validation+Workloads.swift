import Shared

/// Workloads of group apps, and replication controllers. Source: `pkg/apis/apps/validation`.
extension Validation {
    /// A selector as its workload checks it.
    private enum Selection {
        case absent
        /// Nothing can be matched against it.
        case broken
        case selector(LabelSelector)
    }

    /// Checks a selector and reads it. `noun` is how Kubernetes calls the workload in the text about empty ones.
    private static func selection(_ field: Field, _ noun: String, _ errors: inout FieldErrors) -> Selection {
        guard field.isPresent else { return .absent }
        let before = errors.count
        selector(field, &errors)
        let isEmpty = field["matchLabels"].json.members.isEmpty && field["matchExpressions"].json.items.isEmpty
        if isEmpty {
            errors.invalid(field, shown: GoText.selector(field.json), "empty selector is invalid for \(noun)")
        }
        guard errors.count == before || isEmpty, let parsed = LabelSelector(field.json) else { return .broken }
        return .selector(parsed)
    }

    /// The labels of the template must be what the selector asks for; an empty one asks for nothing.
    private static func match(_ selection: Selection, _ template: Field, _ errors: inout FieldErrors) {
        let labels = template["metadata"]["labels"]
        switch selection {
        case .broken: return
        case .selector(let selector) where selector.isEmpty || selector.matches(labels.json.strings): return
        case .absent, .selector:
            errors.invalid(labels, shown: GoText.map(labels.json), "`selector` does not match template `labels`")
        }
    }

    /// Pods of a workload restart always and run until they are stopped.
    private static func lasting(_ template: Field, _ kind: String, _ errors: inout FieldErrors) {
        let spec = template["spec"]
        if spec["restartPolicy"].text != "Always" { errors.notSupported(spec["restartPolicy"], ["Always"]) }
        if spec["activeDeadlineSeconds"].isPresent {
            errors.forbidden(
                spec["activeDeadlineSeconds"], "activeDeadlineSeconds in \(kind) is not Supported")
        }
    }

    /// A disk that several pods share can only be read.
    private static func sharedDisks(_ spec: Field, _ errors: inout FieldErrors) {
        guard let replicas = spec["replicas"].int, replicas > 1 else { return }
        for volume in spec["template"]["spec"]["volumes"].items {
            let disk = volume["gcePersistentDisk"]
            guard disk.isPresent, !disk["readOnly"].bool else { continue }
            errors.invalid(
                disk["readOnly"].with(false),
                "must be true for replicated pods > 1; GCE PD can only be mounted on multiple machines if it is read-only"
            )
        }
    }

    /// Selector and template of deployments and replica sets.
    private static func replicated(_ spec: Field, _ errors: inout FieldErrors) {
        let field = spec["selector"]
        if field.isAbsent { errors.required(field) }
        let found = selection(field, "deployment", &errors)
        if case .broken = found {
            errors.invalid(field, shown: GoText.selector(field.json), "invalid label selector")
            return
        }
        match(found, spec["template"], &errors)
        podTemplate(spec["template"], &errors)
        sharedDisks(spec, &errors)
        lasting(spec["template"], "ReplicaSet", &errors)
    }

    static func deployment(_ spec: Field, _ errors: inout FieldErrors) {
        errors.nonNegative(spec["replicas"])
        replicated(spec, &errors)
        let strategy = spec["strategy"]
        switch strategy["type"].text {
        case "Recreate":
            if strategy["rollingUpdate"].isPresent {
                errors.forbidden(
                    strategy["rollingUpdate"], "may not be specified when strategy `type` is 'Recreate'")
            }
        case "RollingUpdate":
            if strategy["rollingUpdate"].isAbsent {
                errors.required(strategy["rollingUpdate"], "this should be defaulted and never be nil")
            } else {
                rollingUpdate(strategy["rollingUpdate"], &errors)
            }
        default: errors.notSupported(strategy, ["Recreate", "RollingUpdate"])
        }
        for key in ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
            errors.nonNegative(spec[key])
        }
        if let deadline = spec["progressDeadlineSeconds"].int, deadline <= spec["minReadySeconds"].int ?? 0 {
            errors.invalid(spec["progressDeadlineSeconds"], "must be greater than minReadySeconds")
        }
    }

    private static func rollingUpdate(_ update: Field, _ errors: inout FieldErrors) {
        countOrPercent(update["maxUnavailable"], &errors)
        countOrPercent(update["maxSurge"], &errors)
        if isZero(update["maxUnavailable"]), isZero(update["maxSurge"]) {
            errors.invalid(update["maxUnavailable"], "may not be 0 when `maxSurge` is 0")
        }
        atMostAll(update["maxUnavailable"], &errors)
    }
    private static func isZero(_ field: Field) -> Bool { field.int == 0 || percent(field) == 0 || field.isAbsent }
    private static func percent(_ field: Field) -> Int? {
        guard field.text.hasSuffix("%") else { return nil }
        let digits = field.text.dropLast()
        return digits.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(digits) : nil
    }
    static func countOrPercent(_ field: Field, _ errors: inout FieldErrors) {
        switch field.json {
        case .string where percent(field) == nil:
            errors.invalid(
                field,
                "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex "
                    + "used for validation is '[0-9]+%')")
        case .int: errors.nonNegative(field)
        default: break
        }
    }
    static func atMostAll(_ field: Field, _ errors: inout FieldErrors) {
        if let share = percent(field), share > 100 { errors.invalid(field, "must not be greater than 100%") }
    }

    static func replicaSet(_ spec: Field, _ errors: inout FieldErrors) {
        errors.nonNegative(spec["replicas"])
        errors.nonNegative(spec["minReadySeconds"])
        replicated(spec, &errors)
    }

    static func replicationController(_ spec: Field, _ errors: inout FieldErrors) {
        errors.nonNegative(spec["minReadySeconds"])
        let wanted = spec["selector"].json.strings
        if wanted.isEmpty { errors.required(spec["selector"]) }
        errors.nonNegative(spec["replicas"])
        if spec["template"].isAbsent {
            errors.required(spec["template"])
            return
        }
        match(.selector(LabelSelector(equal: wanted)), spec["template"], &errors)
        podTemplate(spec["template"], &errors)
        sharedDisks(spec, &errors)
        lasting(spec["template"], "ReplicationController", &errors)
    }

    static func daemonSet(_ spec: Field, _ errors: inout FieldErrors) {
        let before = errors.count
        selector(spec["selector"], &errors)
        if errors.count == before {
            let isEmpty =
                spec["selector"].isPresent && spec["selector"]["matchLabels"].json.members.isEmpty
                && spec["selector"]["matchExpressions"].json.items.isEmpty
            match(LabelSelector(spec["selector"].json).map { .selector($0) } ?? .absent, spec["template"], &errors)
            if isEmpty {
                errors.invalid(
                    spec["selector"], shown: GoText.selector(spec["selector"].json),
                    "empty selector is invalid for daemonset")
            }
        }
        podTemplate(spec["template"], &errors)
        lasting(spec["template"], "DaemonSet", &errors)
        errors.nonNegative(spec["minReadySeconds"])
        let strategy = spec["updateStrategy"]
        switch strategy["type"].text {
        case "OnDelete": break
        case "RollingUpdate":
            let update = strategy["rollingUpdate"]
            if update.isAbsent {
                errors.required(update)
                break
            }
            countOrPercent(update["maxUnavailable"], &errors)
            countOrPercent(update["maxSurge"], &errors)
            atMostAll(update["maxUnavailable"], &errors)
            atMostAll(update["maxSurge"], &errors)
            let (hasUnavailable, hasSurge) = (!isZero(update["maxUnavailable"]), !isZero(update["maxSurge"]))
            if hasUnavailable, hasSurge {
                errors.invalid(update["maxSurge"], "may not be set when maxUnavailable is non-zero")
            } else if !hasUnavailable, !hasSurge {
                errors.invalid(update["maxUnavailable"], "cannot be 0 when maxSurge is 0")
            }
        default: errors.notSupported(strategy["type"], ["RollingUpdate", "OnDelete"])
        }
        errors.nonNegative(spec["revisionHistoryLimit"])
    }

    /// Kubernetes looks at the labels of a stateful set's template only; its pods are judged when they are made.
    static func statefulSet(_ object: Field, _ errors: inout FieldErrors) {
        let spec = object["spec"]
        switch spec["podManagementPolicy"].text {
        case "": errors.required(spec["podManagementPolicy"])
        case "OrderedReady", "Parallel": break
        default:
            errors.invalid(spec["podManagementPolicy"], "must be 'OrderedReady' or 'Parallel'")
        }
        let strategy = spec["updateStrategy"]
        switch strategy["type"].text {
        case "": errors.required(strategy)
        case "OnDelete":
            if strategy["rollingUpdate"].isPresent {
                errors.invalid(
                    strategy["rollingUpdate"], "only allowed for updateStrategy 'RollingUpdate'")
            }
        case "RollingUpdate":
            errors.nonNegative(strategy["rollingUpdate"]["partition"])
            let unavailable = strategy["rollingUpdate"]["maxUnavailable"]
            if unavailable.isPresent {
                countOrPercent(unavailable, &errors)
                if isZero(unavailable) { errors.invalid(unavailable, "cannot be 0") }
                atMostAll(unavailable, &errors)
            }
        default: errors.invalid(strategy, "must be 'RollingUpdate' or 'OnDelete'")
        }
        for key in ["whenDeleted", "whenScaled"] where spec["persistentVolumeClaimRetentionPolicy"].isPresent {
            let policy = spec["persistentVolumeClaimRetentionPolicy"][key]
            if !["Retain", "Delete"].contains(policy.text) { errors.notSupported(policy, ["Delete", "Retain"]) }
        }
        errors.nonNegative(spec["replicas"])
        errors.nonNegative(spec["minReadySeconds"])
        errors.nonNegative(spec["ordinals"]["start"])
        let field = spec["selector"]
        if field.isAbsent { errors.required(field) }
        let found = selection(field, "statefulset", &errors)
        if case .broken = found {
            errors.invalid(field, "")
        } else {
            let template = spec["template"]
            match(found, template, &errors)
            labels(template["labels"].with(template["metadata"]["labels"].json), &errors)
            annotations(template["annotations"].with(template["metadata"]["annotations"].json), &errors)
            podAnnotations(
                template["annotations"].with(template["metadata"]["annotations"].json), template["spec"], &errors)
        }
        lasting(spec["template"], "StatefulSet", &errors)
    }
}
