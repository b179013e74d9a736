import Shared

/// The kinds of all other groups.
extension Validation {
    static func other(_ object: Field, _ resource: Resource, _ errors: inout FieldErrors) {
        let spec = object["spec"]
        switch resource.groupResource.description {
        case "horizontalpodautoscalers.autoscaling": autoscaler(spec, &errors)
        case "poddisruptionbudgets.policy": budget(spec, &errors)
        case "ingresses.networking.k8s.io": ingress(object, &errors)
        case "ingressclasses.networking.k8s.io":
            if spec["controller"].text.utf8.count > 250 { errors.tooLong(spec["controller"], bytes: 250) }
            ingressParameters(spec["parameters"], &errors)
            domainPrefixed(spec["controller"], &errors)
        case "networkpolicies.networking.k8s.io": networkPolicy(spec, &errors)
        case "endpointslices.discovery.k8s.io": slice(object, &errors)
        case "leases.coordination.k8s.io":
            if let seconds = spec["leaseDurationSeconds"].int, seconds <= 0 {
                errors.invalid(spec["leaseDurationSeconds"], "must be greater than 0")
            }
            errors.nonNegative(spec["leaseTransitions"])
        case "roles.rbac.authorization.k8s.io": rules(object["rules"], isNamespaced: true, &errors)
        case "clusterroles.rbac.authorization.k8s.io":
            rules(object["rules"], isNamespaced: false, &errors)
            let selectors = object["aggregationRule"]["clusterRoleSelectors"]
            if object["aggregationRule"].isPresent, selectors.json.items.isEmpty {
                errors.required(selectors, "at least one clusterRoleSelector required if aggregationRule is non-nil")
            }
            for item in selectors.items {
                let before = errors.count
                selector(item, &errors)
                if errors.count > before { errors.invalid(item, shown: "\"null\"", "invalid label selector.") }
            }
        case "rolebindings.rbac.authorization.k8s.io": binding(object, ["Role", "ClusterRole"], &errors)
        case "clusterrolebindings.rbac.authorization.k8s.io": binding(object, ["ClusterRole"], &errors)
        case "priorityclasses.scheduling.k8s.io": priority(object, &errors)
        case "storageclasses.storage.k8s.io": storageClass(object, &errors)
        case "runtimeclasses.node.k8s.io":
            errors.check(
                object["handler"].with(.string(object["handler"].text)), NameText.label(object["handler"].text))
            resources(object["overhead"].with(["limits": object["overhead"]["podFixed"].json]), &errors)
            labels(object["scheduling"]["nodeSelector"], &errors)
            runtimeTolerations(object["scheduling"]["tolerations"], &errors)
        case "certificatesigningrequests.certificates.k8s.io": signing(spec, &errors)
        case "volumeattachments.storage.k8s.io":
            // Told twice, as by a real server.
            if spec["attacher"].text.isEmpty { for _ in 1...2 { errors.required(spec["attacher"]) } }
            errors.check(
                spec["attacher"].with(.string(spec["attacher"].text)), NameText.subdomain(spec["attacher"].text))
            if spec["nodeName"].text.isEmpty { errors.required(spec["nodeName"]) }
            let volumes = ["persistentVolumeName", "inlineVolumeSpec"].filter { spec["source"][$0].isPresent }
            if volumes.isEmpty {
                errors.required(spec["source"], "must specify exactly one of inlineVolumeSpec and persistentVolumeName")
            } else if volumes.count > 1 {
                errors.forbidden(
                    spec["source"], "must specify exactly one of inlineVolumeSpec and persistentVolumeName")
            }
        default: extensions(object, resource, &errors)
        }
    }

    private static func runtimeTolerations(_ list: Field, _ errors: inout FieldErrors) {
        tolerations(list, &errors)
        var seen: Set<[String]> = []
        for item in list.items
        where !seen.insert(["key", "operator", "value", "effect"].map { item[$0].text }).inserted {
            errors.duplicate(item)
        }
    }

    /// `example.com/name`. Source: `IsDomainPrefixedPath`.
    private static func domainPrefixed(_ field: Field, _ errors: inout FieldErrors) {
        let parts = field.text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if field.text.isEmpty {
            errors.required(field)
        } else if parts.count != 2 || parts.contains("") {
            errors.invalid(field, "must be a domain-prefixed path (such as \"acme.io/foo\")")
        } else {
            errors.check(field.with(.string(parts[0])), NameText.subdomain(parts[0]))
        }
    }

    private static func autoscaler(_ spec: Field, _ errors: inout FieldErrors) {
        let least = spec["minReplicas"].int ?? 1
        if least < 1 { errors.invalid(spec["minReplicas"], "must be greater than or equal to 1") }
        let most = spec["maxReplicas"].int ?? 0
        if most < 1 { errors.invalid(spec["maxReplicas"].with(JSON(most)), "must be greater than 0") }
        if most < least {
            errors.invalid(spec["maxReplicas"].with(JSON(most)), "must be greater than or equal to `minReplicas`")
        }
        objectReference(spec["scaleTargetRef"], &errors)
        if let share = spec["targetCPUUtilizationPercentage"].int, share < 1 {
            errors.invalid(
                spec["metrics"][0]["resource"]["target"]["averageUtilization"].with(JSON(share)),
                "must be greater than 0")
        }
        if spec["minReplicas"].int == 0,
            !spec["metrics"].items.contains(where: { ["Object", "External"].contains($0["type"].text) })
        {
            errors.forbidden(
                spec["metrics"],
                "must specify at least one Object or External metric to support scaling to zero replicas")
        }
        for metric in spec["metrics"].items {
            let kinds = ["ContainerResource", "External", "Object", "Pods", "Resource"]
            if metric["type"].text.isEmpty { errors.required(metric["type"], "must specify a metric source type") }
            guard kinds.contains(metric["type"].text) else {
                // Told twice, as by a real server.
                for _ in 1...2 { errors.notSupported(metric["type"].with(.string(metric["type"].text)), kinds) }
                continue
            }
            let key = metric["type"].text.prefix(1).lowercased() + metric["type"].text.dropFirst()
            if metric[key].isAbsent {
                errors.required(metric[key], "must populate information for the given metric source")
            } else {
                metricSource(metric[key], metric["type"].text, &errors)
            }
            for other in ["object", "pods", "resource", "containerResource", "external"]
            where other != key && metric[other].isPresent {
                errors.forbidden(metric[other], "must populate the given metric source only")
            }
        }
        for direction in ["scaleUp", "scaleDown"] where spec["behavior"][direction].isPresent {
            let rules = spec["behavior"][direction]
            if let seconds = rules["stabilizationWindowSeconds"].int {
                if seconds < 0 {
                    errors.invalid(rules["stabilizationWindowSeconds"], "must be greater than or equal to zero")
                }
                if seconds > 3600 {
                    errors.invalid(rules["stabilizationWindowSeconds"], "must be less than or equal to 3600")
                }
            }
            if rules["selectPolicy"].isPresent { errors.oneOf(rules["selectPolicy"], ["Disabled", "Max", "Min"]) }
            if rules["policies"].json.items.isEmpty {
                errors.required(rules["policies"], "must specify at least one Policy")
            }
            for policy in rules["policies"].items {
                errors.oneOf(policy["type"], ["Percent", "Pods"])
                if (policy["value"].int ?? 0) <= 0 { errors.invalid(policy["value"], "must be greater than zero") }
                if (policy["periodSeconds"].int ?? 0) <= 0 {
                    errors.invalid(policy["periodSeconds"], "must be greater than zero")
                }
                if (policy["periodSeconds"].int ?? 0) > 1800 {
                    errors.invalid(policy["periodSeconds"], "must be less than or equal to 1800")
                }
            }
        }
    }

    /// Source: `ValidateCrossVersionObjectReference`.
    private static func objectReference(_ reference: Field, _ errors: inout FieldErrors) {
        for key in ["kind", "name"] {
            if reference[key].text.isEmpty {
                errors.required(reference[key])
            } else {
                errors.check(reference[key], NameText.pathSegment(reference[key].text))
            }
        }
    }

    /// What a metric is compared with. Source: `validateObjectSource` and its kin.
    private static func metricSource(_ source: Field, _ type: String, _ errors: inout FieldErrors) {
        let target = source["target"]
        let names: [(Field, String)]
        switch type {
        case "Object":
            objectReference(source["describedObject"], &errors)
            names = [(source["metric"]["name"], "must specify a metric name")]
        case "Pods", "External": names = [(source["metric"]["name"], "must specify a metric name")]
        case "ContainerResource":
            names = [
                (source["name"], "must specify a resource name"), (source["container"], "must specify a container"),
            ]
        default: names = [(source["name"], "must specify a resource name")]
        }
        for (name, text) in names {
            if name.text.isEmpty {
                errors.required(name, text)
            } else if source["metric"].isPresent {
                errors.check(name, NameText.pathSegment(name.text))
            }
        }
        if target["type"].text.isEmpty { errors.required(target["type"], "must specify a metric target type") }
        if !["AverageValue", "Utilization", "Value"].contains(target["type"].text) {
            errors.invalid(
                target["type"].with(.string(target["type"].text)), "must be either Utilization, Value, or AverageValue")
        }
        for key in ["value", "averageValue"] {
            if let quantity = target[key].quantity, quantity.isZero || quantity.isNegative {
                errors.invalid(target[key], "must be positive")
            }
        }
        if let share = target["averageUtilization"].int, share < 1 {
            errors.invalid(target["averageUtilization"], "must be greater than 0")
        }
        let hasShare = target["averageUtilization"].isPresent
        let hasAverage = target["averageValue"].isPresent
        let hasValue = target["value"].isPresent
        switch type {
        case "Resource", "ContainerResource":
            if hasShare, hasAverage {
                errors.forbidden(
                    target["averageValue"],
                    "may not set both a target raw value and a target utilization")
            } else if !hasShare, !hasAverage {
                errors.required(
                    target["averageUtilization"], "must set either a target raw value or a target utilization")
            }
        case "Pods":
            if target["averageValue"].quantity.map({ $0.isZero || $0.isNegative }) ?? true {
                errors.required(target["averageValue"], "must specify a positive target averageValue")
            }
        default:
            if hasValue, hasAverage, type == "External" {
                errors.forbidden(target["value"], "may not set both a target value for metric and a per-pod target")
            } else if !hasValue, !hasAverage {
                errors.required(
                    target["averageValue"],
                    "must set either a target value for metric or a per-pod target")
            }
        }
    }

    private static func budget(_ spec: Field, _ errors: inout FieldErrors) {
        if spec["minAvailable"].isPresent, spec["maxUnavailable"].isPresent {
            errors.invalid(spec, "minAvailable and maxUnavailable cannot be both set")
        }
        for key in ["minAvailable", "maxUnavailable"] where spec[key].isPresent {
            countOrPercent(spec[key], &errors)
            atMostAll(spec[key], &errors)
        }
        if spec["selector"].isPresent { selector(spec["selector"], &errors) }
        let policy = spec["unhealthyPodEvictionPolicy"]
        if policy.isPresent, !["AlwaysAllow", "IfHealthyBudget"].contains(policy.text) {
            errors.notSupported(policy, ["AlwaysAllow", "IfHealthyBudget"])
        }
    }

    private static func rules(_ rules: Field, isNamespaced: Bool, _ errors: inout FieldErrors) {
        for rule in rules.items {
            func isEmpty(_ key: String) -> Bool { rule[key].json.items.isEmpty }
            if isEmpty("verbs") { errors.required(rule["verbs"], "verbs must contain at least one value") }
            if !isEmpty("nonResourceURLs") {
                if isNamespaced {
                    errors.invalid(rule["nonResourceURLs"], "namespaced rules cannot apply to non-resource URLs")
                }
                if !isEmpty("apiGroups") || !isEmpty("resources") || !isEmpty("resourceNames") {
                    errors.invalid(
                        rule["nonResourceURLs"], "rules cannot apply to both regular resources and non-resource URLs")
                }
                continue
            }
            if isEmpty("apiGroups") {
                errors.required(rule["apiGroups"], "resource rules must supply at least one api group")
            }
            if isEmpty("resources") {
                errors.required(rule["resources"], "resource rules must supply at least one resource")
            }
        }
    }

    private static func binding(_ object: Field, _ kinds: [String], _ errors: inout FieldErrors) {
        let group = "rbac.authorization.k8s.io"
        let role = object["roleRef"]
        if role["apiGroup"].text != group { errors.notSupported(role["apiGroup"], [group]) }
        if !kinds.contains(role["kind"].text) {
            errors.notSupported(role["kind"].with(.string(role["kind"].text)), kinds)
        }
        if role["name"].text.isEmpty {
            errors.required(role["name"])
        } else {
            errors.check(role["name"], NameText.pathSegment(role["name"].text))
        }
        for subject in object["subjects"].items {
            if subject["name"].text.isEmpty { errors.required(subject["name"]) }
            switch subject["kind"].text {
            case "ServiceAccount":
                if !subject["name"].text.isEmpty {
                    errors.check(subject["name"], NameText.subdomain(subject["name"].text))
                }
                if !subject["apiGroup"].text.isEmpty { errors.notSupported(subject["apiGroup"], [""]) }
                if subject["namespace"].text.isEmpty, kinds == ["ClusterRole"] { errors.required(subject["namespace"]) }
            case "User", "Group":
                if subject["apiGroup"].text != group { errors.notSupported(subject["apiGroup"], [group]) }
            default:
                errors.notSupported(
                    subject["kind"].with(.string(subject["kind"].text)), ["ServiceAccount", "User", "Group"])
            }
        }
    }

    private static func priority(_ object: Field, _ errors: inout FieldErrors) {
        let name = object["metadata"]["name"].text
        let isSystem = ["system-cluster-critical", "system-node-critical"].contains(name)
        if name.hasPrefix("system-"), !isSystem {
            errors.forbidden(
                object["metadata"]["name"],
                "priority class names with 'system-' prefix are reserved for system use only. error: \(name) is not a known system priority class"
            )
        } else if !isSystem, (object["value"].int ?? 0) > 1_000_000_000 {
            errors.forbidden(object["value"], "maximum allowed value of a user defined priority is 1000000000")
        }
        if object["preemptionPolicy"].isPresent {
            errors.oneOf(object["preemptionPolicy"], ["PreemptLowerPriority", "Never"])
        }
    }

    private static func storageClass(_ object: Field, _ errors: inout FieldErrors) {
        if object["provisioner"].text.isEmpty {
            errors.required(object["provisioner"])
        } else {
            errors.check(object["provisioner"], NameText.qualified(object["provisioner"].text.lowercased()))
        }
        let parameters = object["parameters"].json.members
        if parameters.count > 512 {
            errors.append(FieldError(reason: .tooLong, field: "parameters", detail: "may not be more than 512 bytes"))
        }
        if parameters.reduce(0, { $0 + $1.key.utf8.count + ($1.value.string ?? "").utf8.count }) > 262_144 {
            errors.tooLong(object["parameters"], bytes: 262_144)
        }
        for (key, _) in object["parameters"].entries where key.isEmpty {
            errors.invalid(object["parameters"].with(""), "field can not be empty.")
        }
        errors.oneOf(object["reclaimPolicy"], ["Delete", "Retain"])
        errors.oneOf(object["volumeBindingMode"], ["Immediate", "WaitForFirstConsumer"])
        topologies(object["allowedTopologies"], &errors)
    }

    /// Source: `validateAllowedTopologies`.
    private static func topologies(_ topologies: Field, _ errors: inout FieldErrors) {
        var terms: Set<[String: Set<String>]> = []
        for topology in topologies.items {
            var keys: [String: Set<String>] = [:]
            for expression in topology["matchLabelExpressions"].items {
                var values: Set<String> = []
                if expression["values"].json.items.isEmpty { errors.required(expression["values"]) }
                for value in expression["values"].items where !values.insert(value.text).inserted {
                    errors.duplicate(value)
                }
                let key = expression["key"]
                errors.check(key.with(.string(key.text)), NameText.qualified(key.text))
                if keys.updateValue(values, forKey: key.text) != nil { errors.duplicate(key) }
            }
            if !terms.insert(keys).inserted { errors.duplicate(topology["matchLabelExpressions"], shown: "\"\"") }
        }
    }

    /// `example.com/serving`. Source: `ValidateSignerName`.
    private static func signerName(_ field: Field, _ errors: inout FieldErrors) {
        let parts = field.text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else {
            errors.invalid(field, "must be a fully qualified domain and path of the form 'example.com/signer-name'")
            return
        }
        let domain = field.with(.string(parts[0]))
        if parts[0].utf8.count > 253 { errors.tooLong(domain, bytes: 253) }
        let labels = parts[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        for label in labels {
            let texts = NameText.label(label)
            for text in texts { errors.invalid(domain, "validating label \(label.goQuoted): \(text)") }
            if !texts.isEmpty { break }
        }
        if labels.count < 2 {
            errors.invalid(domain, "should be a domain with at least two segments separated by dots")
        }
        let path = field.with(.string(parts[1]))
        for label in parts[1].split(separator: ".", omittingEmptySubsequences: false).map(String.init) {
            let texts = NameText.subdomain(label)
            for text in texts { errors.invalid(path, "validating label \(label.goQuoted): \(text)") }
            if !texts.isEmpty { break }
        }
        if parts[1].utf8.count > 253 + 63 + 1 { errors.tooLong(path, bytes: 253 + 63 + 1) }
    }

    private static func signing(_ spec: Field, _ errors: inout FieldErrors) {
        let bytes = Base64.decode(spec["request"].text) ?? []
        if !String(decoding: bytes, as: UTF8.self).contains("-----BEGIN CERTIFICATE REQUEST-----") {
            errors.invalid(spec["request"], "PEM block type must be CERTIFICATE REQUEST")
        }
        let usages = spec["usages"].items
        if usages.isEmpty { errors.required(spec["usages"], "usages must be provided") }
        for usage in usages { errors.oneOf(usage, Schema.closedValues(of: "certificates.v1.KeyUsage") ?? []) }
        for (index, usage) in usages.enumerated() where usages[..<index].contains(where: { $0.json == usage.json }) {
            errors.duplicate(usage)
        }
        if spec["signerName"].text.isEmpty {
            errors.required(spec["signerName"], "signerName must be provided")
        } else if spec["signerName"].text == "kubernetes.io/legacy-unknown" {
            errors.invalid(spec["signerName"], "the legacy signerName is not allowed via this API version")
        } else {
            signerName(spec["signerName"], &errors)
        }
        if let seconds = spec["expirationSeconds"].int, seconds < 600 {
            errors.invalid(spec["expirationSeconds"], "may not specify a duration less than 600 seconds (10 minutes)")
        }
    }
}
