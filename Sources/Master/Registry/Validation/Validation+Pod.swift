import Shared

/// Pods and pod templates, without their containers and volumes. Source: `ValidatePodSpec`.
extension Validation {
    static func pod(_ pod: Field, _ errors: inout FieldErrors) {
        podAnnotations(pod["metadata"]["annotations"], pod["spec"], &errors)
        podSpec(pod["spec"], &errors)
    }

    /// Annotations that say something about how a pod is run. Source: `ValidatePodSpecificAnnotations`.
    private static func podAnnotations(_ annotations: Field, _ spec: Field, _ errors: inout FieldErrors) {
        let names = Set(
            ["initContainers", "containers", "ephemeralContainers"].flatMap {
                spec[$0].json.items.compactMap { $0["name"].string }
            })
        if annotations["kubernetes.io/config.mirror"].isPresent, spec["nodeName"].text.isEmpty {
            errors.invalid(
                annotations["kubernetes.io/config.mirror"], "must set spec.nodeName if mirror pod annotation is set")
        }
        for (key, field) in annotations.entries {
            let value = field.text
            if key == "seccomp.security.alpha.kubernetes.io/pod"
                || key.hasPrefix("container.seccomp.security.alpha.kubernetes.io/")
            {
                if value.hasPrefix("localhost/") {
                    localPath(annotations[key].with(.string(String(value.dropFirst("localhost/".count)))), &errors)
                } else if !["runtime/default", "docker/default", "unconfined"].contains(value) {
                    errors.invalid(annotations[key], "must be a valid seccomp profile")
                }
            } else if key.hasPrefix("container.apparmor.security.beta.kubernetes.io/") {
                let name = String(key.split(separator: "/").last ?? "")
                if !names.contains(name) { errors.invalid(field.with(.string(name)), "container not found") }
                if !value.isEmpty, value != "runtime/default", value != "unconfined", !value.hasPrefix("localhost/") {
                    errors.invalid(field, "invalid AppArmor profile name: \(value.goQuoted)")
                }
            }
        }
    }
    /// A path below a folder of the node. Source: `validateLocalDescendingPath`.
    private static func localPath(_ path: Field, _ errors: inout FieldErrors) {
        if path.text.hasPrefix("/") { errors.invalid(path, "must be a relative path") }
        if path.text.split(separator: "/").contains("..") { errors.invalid(path, "must not contain '..'") }
    }

    static func podTemplate(_ template: Field, _ errors: inout FieldErrors) {
        // Kubernetes leaves `metadata` out of these paths.
        labels(template["labels"].with(template["metadata"]["labels"].json), &errors)
        annotations(template["annotations"].with(template["metadata"]["annotations"].json), &errors)
        podAnnotations(
            template["annotations"].with(template["metadata"]["annotations"].json), template["spec"], &errors)
        podSpec(template["spec"], &errors)
        if !template["spec"]["ephemeralContainers"].json.items.isEmpty {
            errors.forbidden(
                template["spec"]["ephemeralContainers"], "ephemeral containers not allowed in pod template")
        }
    }

    static func podSpec(_ spec: Field, _ errors: inout FieldErrors) {
        let volumes = volumes(spec["volumes"], &errors)
        containers(spec, volumes: volumes, &errors)
        errors.oneOf(spec["restartPolicy"], ["Always", "OnFailure", "Never"], required: true)
        dns(spec, &errors)
        securityContext(spec, &errors)
        affinity(spec["affinity"], &errors)
        for label in spec["nodeSelector"].entries {
            for text in NameText.qualified(label.key) {
                errors.invalid(spec["nodeSelector"].with(.string(label.key)), text)
            }
            for text in NameText.labelValue(label.field.text) {
                errors.invalid(spec["nodeSelector"].with(label.field.json), text)
            }
        }
        if let grace = spec["terminationGracePeriodSeconds"].int, grace < 0 {
            errors.invalid(spec["terminationGracePeriodSeconds"], "must be greater than or equal to 0")
        }
        if let seconds = spec["activeDeadlineSeconds"].int, !(1...2_147_483_647).contains(seconds) {
            errors.invalid(spec["activeDeadlineSeconds"], "must be between 1 and 2147483647, inclusive")
        }
        if !spec["serviceAccountName"].text.isEmpty {
            errors.check(spec["serviceAccountName"], NameText.subdomain(spec["serviceAccountName"].text))
        }
        if !spec["nodeName"].text.isEmpty { errors.check(spec["nodeName"], NameText.subdomain(spec["nodeName"].text)) }
        for key in ["hostname", "subdomain"] where !spec[key].text.isEmpty {
            errors.check(spec[key], NameText.label(spec[key].text))
        }
        tolerations(spec["tolerations"], &errors)
        // Kubernetes names the list here, not the item.
        for alias in spec["hostAliases"].items {
            let address = spec["hostAliases"]["ip"].with(.string(alias["ip"].text))
            if IPAddress(alias["ip"].text) == nil { errors.invalid(address, "must be valid IP address") }
            for name in alias["hostnames"].items {
                for text in NameText.subdomain(name.text) {
                    errors.invalid(spec["hostAliases"]["hostnames"].with(name.json), text)
                }
            }
        }
        for key in ["priorityClassName", "runtimeClassName"] where !spec[key].text.isEmpty {
            errors.check(spec[key], NameText.subdomain(spec[key].text))
        }
        if !spec["preemptionPolicy"].isAbsent {
            errors.oneOf(spec["preemptionPolicy"], ["PreemptLowerPriority", "Never"])
        }
        for gate in spec["readinessGates"].items {
            errors.check(gate["conditionType"], NameText.qualified(gate["conditionType"].text))
        }
        var gates: Set<String> = []
        for gate in spec["schedulingGates"].items {
            errors.check(gate["name"], NameText.qualified(gate["name"].text))
            if !gates.insert(gate["name"].text).inserted { errors.duplicate(gate["name"]) }
        }
        if !spec["schedulingGates"].json.items.isEmpty, !spec["nodeName"].text.isEmpty {
            errors.forbidden(spec["nodeName"], "cannot be set until all schedulingGates have been cleared")
        }
        operatingSystem(spec["os"], &errors)
        amounts(overhead: spec["overhead"], &errors)
        spread(spec["topologySpreadConstraints"], &errors)
    }

    private static func operatingSystem(_ system: Field, _ errors: inout FieldErrors) {
        guard system.isPresent else { return }
        if system["name"].text.isEmpty {
            errors.required(system["name"])
        } else if !["linux", "windows"].contains(system["name"].text) {
            errors.notSupported(system["name"], ["linux", "windows"])
        }
    }
    private static func amounts(overhead: Field, _ errors: inout FieldErrors) {
        for (_, amount) in overhead.entries {
            if let quantity = amount.quantity, quantity.isNegative {
                errors.invalid(amount, "must be greater than or equal to 0")
            }
        }
    }

    private static func dns(_ spec: Field, _ errors: inout FieldErrors) {
        let policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"]
        if spec["dnsPolicy"].text.isEmpty {
            errors.required(spec["dnsPolicy"])
        } else if !policies.contains(spec["dnsPolicy"].text) {
            errors.notSupported(spec["dnsPolicy"], policies)
        }
        let config = spec["dnsConfig"]
        if spec["dnsPolicy"].text == "None" {
            if config.isAbsent {
                errors.required(config, "must provide `dnsConfig` when `dnsPolicy` is None")
                return
            }
            if config["nameservers"].json.items.isEmpty {
                errors.required(
                    config["nameservers"], "must provide at least one DNS nameserver when `dnsPolicy` is None")
                return
            }
        }
        let servers = config["nameservers"].items
        if servers.count > 3 { errors.invalid(config["nameservers"], "must not have more than 3 nameservers") }
        for server in servers where IPAddress(server.text) == nil { errors.invalid(server, "must be valid IP address") }
        let searches = config["searches"].items
        if searches.count > 32 { errors.invalid(config["searches"], "must not have more than 32 search paths") }
        let length = searches.map(\.text).joined(separator: " ").utf8.count
        if length > 2048 {
            errors.invalid(
                config["searches"], "must not have more than 2048 characters (including spaces) in the search list")
        }
        for search in searches {
            let name = search.text.hasSuffix(".") ? String(search.text.dropLast()) : search.text
            errors.check(search, NameText.subdomain(name))
        }
        for option in config["options"].items where option["name"].text.isEmpty {
            errors.required(option, "must not be empty")
        }
    }

    private static func securityContext(_ spec: Field, _ errors: inout FieldErrors) {
        let context = spec["securityContext"]
        if spec["shareProcessNamespace"].bool, spec["hostPID"].bool {
            errors.invalid(
                context["shareProcessNamespace"].with(true), "ShareProcessNamespace and HostPID cannot both be enabled")
        }
        if spec["hostUsers"].json == false {
            for key in ["hostNetwork", "hostPID", "hostIPC"] where spec[key].bool {
                errors.forbidden(context[key], "when `hostUsers` is false")
            }
        }
        for key in ["fsGroup", "runAsUser", "runAsGroup"] { identity(context[key], &errors) }
        for group in context["supplementalGroups"].items { identity(group, &errors) }
        var names: Set<String> = []
        for entry in context["sysctls"].items {
            let name = entry["name"]
            if name.text.isEmpty {
                errors.required(name)
            } else if !isSystemControl(name.text) {
                errors.invalid(
                    name,
                    "must have at most 253 characters and match regex "
                        + "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$")
            } else if !names.insert(name.text).inserted {
                errors.duplicate(name)
            }
        }
        if !context["fsGroupChangePolicy"].isAbsent {
            errors.oneOf(context["fsGroupChangePolicy"], ["Always", "OnRootMismatch"])
        }
        seccomp(context["seccompProfile"], &errors)
        windowsOptions(context["windowsOptions"], &errors)
    }

    static func identity(_ field: Field, _ errors: inout FieldErrors) {
        if let number = field.int, !(0...2_147_483_647).contains(number) {
            errors.invalid(field, "must be between 0 and 2147483647, inclusive")
        }
    }

    static func seccomp(_ profile: Field, _ errors: inout FieldErrors) {
        guard profile.isPresent else { return }
        let types = ["Localhost", "RuntimeDefault", "Unconfined"]
        if profile["type"].text.isEmpty {
            errors.required(profile["type"], "type is required when seccompProfile is set")
        } else if !types.contains(profile["type"].text) {
            errors.notSupported(profile["type"], types)
        }
        let path = profile["localhostProfile"]
        if profile["type"].text == "Localhost" {
            if path.isAbsent {
                errors.required(path, "must be set when seccomp type is Localhost")
            } else {
                localPath(path, &errors)
            }
        } else if path.isPresent {
            errors.invalid(path, "can only be set when seccomp type is Localhost")
        }
    }

    private static func isSystemControl(_ name: String) -> Bool {
        guard name.utf8.count <= 253 else { return false }
        return name.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "." || $0 == "/" }).allSatisfy {
            part in
            guard let first = part.utf8.first, let last = part.utf8.last else { return false }
            func isPlain(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) }
            return isPlain(first) && isPlain(last) && part.utf8.allSatisfy { isPlain($0) || $0 == 0x2D || $0 == 0x5F }
        }
    }

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
                errors.check(operation.with(toleration["value"].json), NameText.labelValue(toleration["value"].text))
            case "Exists":
                if !toleration["value"].text.isEmpty {
                    errors.invalid(
                        operation.with(toleration.json), "value must be empty when `operator` is 'Exists'")
                }
            default: errors.notSupported(operation, ["Equal", "Exists"])
            }
            let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"]
            if !toleration["effect"].text.isEmpty, !effects.contains(toleration["effect"].text) {
                errors.notSupported(toleration["effect"], effects)
            }
        }
    }

    private static func spread(_ constraints: Field, _ errors: inout FieldErrors) {
        func pair(_ constraint: Field) -> String {
            "{\(constraint["topologyKey"].text), \(constraint["whenUnsatisfiable"].text)}"
        }
        for (index, constraint) in constraints.items.enumerated() {
            if (constraint["maxSkew"].int ?? 0) <= 0 {
                errors.invalid(constraint["maxSkew"], "must be greater than zero")
            }
            if constraint["topologyKey"].text.isEmpty { errors.required(constraint["topologyKey"], "can not be empty") }
            errors.check(
                constraint["topologyKey"],
                constraint["topologyKey"].text.isEmpty ? [] : NameText.qualified(constraint["topologyKey"].text))
            let actions = ["DoNotSchedule", "ScheduleAnyway"]
            if !actions.contains(constraint["whenUnsatisfiable"].text) {
                errors.notSupported(constraint["whenUnsatisfiable"], actions)
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
                if !["Honor", "Ignore"].contains(constraint[key].text) {
                    errors.notSupported(constraint[key], ["Honor", "Ignore"])
                }
            }
            for other in constraints.items.dropFirst(index + 1) where pair(other) == pair(constraint) {
                errors.duplicate(
                    constraint["{topologyKey, whenUnsatisfiable}"], shown: pair(constraint).goQuoted)
            }
            if constraint["labelSelector"].isPresent { selector(constraint["labelSelector"], &errors) }
        }
    }

    private static func affinity(_ affinity: Field, _ errors: inout FieldErrors) {
        let node = affinity["nodeAffinity"]
        let required = node["requiredDuringSchedulingIgnoredDuringExecution"]
        if required.isPresent { nodeSelector(required, &errors) }
        for term in node["preferredDuringSchedulingIgnoredDuringExecution"].items {
            weight(term["weight"], &errors)
            nodeSelectorTerm(term["preference"], &errors)
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
        if term["topologyKey"].text.isEmpty { errors.required(term["topologyKey"], "can not be empty") }
        errors.check(
            term["topologyKey"].with(.string(term["topologyKey"].text)), NameText.qualified(term["topologyKey"].text))
    }

    static func nodeSelector(_ nodeSelector: Field, _ errors: inout FieldErrors) {
        let terms = nodeSelector["nodeSelectorTerms"]
        if terms.json.items.isEmpty { errors.required(terms, "must have at least one node selector term") }
        for term in terms.items { nodeSelectorTerm(term, &errors) }
    }
    private static func nodeSelectorTerm(_ term: Field, _ errors: inout FieldErrors) {
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
