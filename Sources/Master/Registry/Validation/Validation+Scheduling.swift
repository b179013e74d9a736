import Shared

/// Where a pod may run: tolerations, affinity and spreading. Source: `ValidateTolerations`, `validateAffinity`,
/// `validateTopologySpreadConstraints`.
extension Validation {
    static func tolerations(_ tolerations: Field, _ errors: inout FieldErrors) {
        for toleration in tolerations.items {
            let key = toleration["key"]
            let operation = toleration["operator"]
            if !key.text.isEmpty { errors.check(key, NameText.qualified(key.text)) }
            if key.text.isEmpty, operation.text != "Exists" {
                errors.invalid(
                    operation.with(.string(operation.text)),
                    "operator must be Exists when `key` is empty, which means \"match all values and all keys\"")
            }
            if toleration["tolerationSeconds"].isPresent, toleration["effect"].text != "NoExecute" {
                errors.invalid(toleration["effect"], "effect must be 'NoExecute' when `tolerationSeconds` is set")
            }
            switch operation.text {
            case "Equal", "":
                let texts = NameText.labelValue(toleration["value"].text)
                if !texts.isEmpty {
                    errors.invalid(operation.with(toleration["value"].json), texts.joined(separator: ";"))
                }
            case "Exists":
                if !toleration["value"].text.isEmpty {
                    errors.invalid(
                        operation.with(toleration["value"].json), "value must be empty when `operator` is 'Exists'")
                }
            default: errors.notSupported(operation, ["Equal", "Exists"])
            }
            let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"]
            if !toleration["effect"].text.isEmpty, !effects.contains(toleration["effect"].text) {
                errors.notSupported(toleration["effect"], effects)
            }
        }
    }

    static func spread(_ constraints: Field, _ errors: inout FieldErrors) {
        func pair(_ constraint: Field) -> String {
            "{\(constraint["topologyKey"].text), \(constraint["whenUnsatisfiable"].text)}"
        }
        for (index, constraint) in constraints.items.enumerated() {
            if (constraint["maxSkew"].int ?? 0) <= 0 {
                errors.invalid(constraint["maxSkew"], "must be greater than zero")
            }
            if constraint["topologyKey"].text.isEmpty { errors.required(constraint["topologyKey"], "can not be empty") }
            let actions = ["DoNotSchedule", "ScheduleAnyway"]
            if !actions.contains(constraint["whenUnsatisfiable"].text) {
                errors.notSupported(constraint["whenUnsatisfiable"], actions)
            }
            if constraints.items.dropFirst(index + 1).contains(where: { pair($0) == pair(constraint) }) {
                errors.duplicate(constraint["{topologyKey, whenUnsatisfiable}"], shown: pair(constraint).goQuoted)
            }
            if let domains = constraint["minDomains"].int {
                if domains <= 0 { errors.invalid(constraint["minDomains"], "must be greater than zero") }
                if constraint["whenUnsatisfiable"].text != "DoNotSchedule" {
                    errors.invalid(
                        constraint["minDomains"],
                        "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not \(constraint["whenUnsatisfiable"].text)"
                    )
                }
            }
            for key in ["nodeAffinityPolicy", "nodeTaintsPolicy"] where constraint[key].isPresent {
                errors.oneOf(constraint[key], ["Honor", "Ignore"])
            }
            spreadKeys(constraint, &errors)
            if constraint["labelSelector"].isPresent { selector(constraint["labelSelector"], &errors) }
        }
    }

    /// Labels whose values a pod adds to the selector that it is counted by.
    /// Source: `validateMatchLabelKeysInTopologySpread`.
    private static func spreadKeys(_ constraint: Field, _ errors: inout FieldErrors) {
        let (keys, selector) = (constraint["matchLabelKeys"], constraint["labelSelector"])
        guard !keys.json.items.isEmpty else { return }
        if selector.isAbsent { errors.forbidden(keys, "must not be specified when labelSelector is not set") }
        let selected = selector["matchExpressions"].json.items.compactMap { $0["key"].string }
        for key in keys.items {
            errors.check(key, NameText.qualified(key.text))
            if selector["matchLabels"].json.object?[key.text] != nil || selected.contains(key.text) {
                errors.invalid(key, "exists in both matchLabelKeys and labelSelector")
            }
        }
    }

    /// Source: `validateMatchLabelKeysAndMismatchLabelKeys`.
    private static func affinityKeys(_ term: Field, _ errors: inout FieldErrors) {
        for list in ["matchLabelKeys", "mismatchLabelKeys"] where !term[list].json.items.isEmpty {
            if term["labelSelector"].isAbsent {
                errors.forbidden(term[list], "must not be specified when labelSelector is not set")
            } else {
                for key in term[list].items { errors.check(key, NameText.qualified(key.text)) }
            }
        }
        let others = term["mismatchLabelKeys"].json.items
        for key in term["matchLabelKeys"].items where others.contains(key.json) {
            errors.invalid(key, "exists in both matchLabelKeys and mismatchLabelKeys")
        }
    }

    static func affinity(_ affinity: Field, _ errors: inout FieldErrors) {
        let node = affinity["nodeAffinity"]
        let required = node["requiredDuringSchedulingIgnoredDuringExecution"]
        if required.isPresent { nodeSelector(required, &errors) }
        for term in node["preferredDuringSchedulingIgnoredDuringExecution"].items {
            weight(term["weight"], &errors)
            // Any value is taken here, since a node that has it can but be preferred.
            nodeSelectorTerm(term["preference"], checksValues: false, &errors)
        }
        for kind in ["podAffinity", "podAntiAffinity"] {
            for term in affinity[kind]["requiredDuringSchedulingIgnoredDuringExecution"].items {
                podTerm(term, &errors)
            }
            for term in affinity[kind]["preferredDuringSchedulingIgnoredDuringExecution"].items {
                weight(term["weight"], &errors)
                podTerm(term["podAffinityTerm"], &errors)
            }
        }
    }
    private static func weight(_ weight: Field, _ errors: inout FieldErrors) {
        if !(1...100).contains(weight.int ?? 0) { errors.invalid(weight, "must be in the range 1-100") }
    }
    private static func podTerm(_ term: Field, _ errors: inout FieldErrors) {
        // Kubernetes names the selector so.
        if term["labelSelector"].isPresent {
            selector(term["matchExpressions"].with(term["labelSelector"].json), &errors)
        }
        if term["namespaceSelector"].isPresent { selector(term["namespaceSelector"], &errors) }
        for namespace in term["namespaces"].items {
            errors.check(term["namespace"].with(namespace.json), NameText.label(namespace.text))
        }
        affinityKeys(term, &errors)
        if term["topologyKey"].text.isEmpty { errors.required(term["topologyKey"], "can not be empty") }
        errors.check(
            term["topologyKey"].with(.string(term["topologyKey"].text)), NameText.qualified(term["topologyKey"].text))
    }

    static func nodeSelector(_ nodeSelector: Field, _ errors: inout FieldErrors) {
        let terms = nodeSelector["nodeSelectorTerms"]
        if terms.json.items.isEmpty { errors.required(terms, "must have at least one node selector term") }
        for term in terms.items { nodeSelectorTerm(term, checksValues: true, &errors) }
    }
    private static func nodeSelectorTerm(_ term: Field, checksValues: Bool, _ errors: inout FieldErrors) {
        for requirement in term["matchExpressions"].items {
            let values = requirement["values"]
            switch requirement["operator"].text {
            case "In", "NotIn":
                if values.json.items.isEmpty {
                    errors.required(values, "must be specified when `operator` is 'In' or 'NotIn'")
                }
            case "Exists", "DoesNotExist":
                if !values.json.items.isEmpty {
                    errors.forbidden(values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
                }
            case "Gt", "Lt":
                if values.json.items.count != 1 {
                    errors.required(values, "must be specified single value when `operator` is 'Lt' or 'Gt'")
                }
            default: errors.invalid(requirement["operator"], "not a valid selector operator")
            }
            errors.check(
                requirement["key"].with(.string(requirement["key"].text)),
                NameText.qualified(requirement["key"].text))
            guard checksValues else { continue }
            for value in values.items { errors.check(value, NameText.labelValue(value.text)) }
        }
        for requirement in term["matchFields"].items {
            let operation = requirement["operator"]
            if !["In", "NotIn"].contains(operation.text) {
                errors.invalid(operation.with(.string(operation.text)), "not a valid selector operator")
            } else if requirement["values"].json.items.count != 1 {
                errors.required(
                    requirement["values"],
                    "must be only one value when `operator` is 'In' or 'NotIn' for node field selector")
            }
            if requirement["key"].text != "metadata.name" {
                errors.invalid(requirement["key"], "not a valid field selector key")
                continue
            }
            for value in requirement["values"].items { errors.check(value, NameText.subdomain(value.text)) }
        }
    }
}
