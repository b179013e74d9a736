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
            if spec["controller"].text.isEmpty {
                errors.required(spec["controller"])
            } else if !spec["controller"].text.contains("/") {
                errors.invalid(spec["controller"], "must be a domain-prefixed path (such as \"acme.io/foo\")")
            }
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
                if errors.count > before { errors.invalid(item, "invalid label selector") }
            }
        case "rolebindings.rbac.authorization.k8s.io": binding(object, ["Role", "ClusterRole"], &errors)
        case "clusterrolebindings.rbac.authorization.k8s.io": binding(object, ["ClusterRole"], &errors)
        case "priorityclasses.scheduling.k8s.io": priority(object, &errors)
        case "storageclasses.storage.k8s.io": storageClass(object, &errors)
        case "runtimeclasses.node.k8s.io":
            errors.check(
                object["handler"].with(.string(object["handler"].text)), NameText.label(object["handler"].text))
        case "certificatesigningrequests.certificates.k8s.io": signing(spec, &errors)
        case "volumeattachments.storage.k8s.io":
            if spec["attacher"].text.isEmpty { errors.required(spec["attacher"]) }
            errors.check(
                spec["attacher"].with(.string(spec["attacher"].text)), NameText.subdomain(spec["attacher"].text))
            if spec["nodeName"].text.isEmpty { errors.required(spec["nodeName"]) }
            if spec["source"]["persistentVolumeName"].isAbsent, spec["source"]["inlineVolumeSpec"].isAbsent {
                errors.required(spec["source"], "must specify exactly one of inlineVolumeSpec and persistentVolumeName")
            }
        default: extensions(object, resource, &errors)
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
        let target = spec["scaleTargetRef"]
        for key in ["kind", "name"] {
            if target[key].text.isEmpty {
                errors.required(target[key])
            } else {
                errors.check(target[key], NameText.pathSegment(target[key].text))
            }
        }
        if let share = spec["targetCPUUtilizationPercentage"].int, share < 1 {
            errors.invalid(
                spec["metrics"][0]["resource"]["target"]["averageUtilization"].with(JSON(share)),
                "must be greater than 0")
        }
        for metric in spec["metrics"].items {
            let kinds = ["ContainerResource", "External", "Object", "Pods", "Resource"]
            errors.oneOf(metric["type"], kinds, required: true)
            guard kinds.contains(metric["type"].text) else { continue }
            let key = metric["type"].text.prefix(1).lowercased() + metric["type"].text.dropFirst()
            if metric[key].isAbsent {
                errors.required(metric[key], "must populate information for the given metric source")
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

    private static func budget(_ spec: Field, _ errors: inout FieldErrors) {
        if spec["minAvailable"].isPresent, spec["maxUnavailable"].isPresent {
            errors.invalid(spec, "minAvailable and maxUnavailable cannot be both set")
        }
        for key in ["minAvailable", "maxUnavailable"] where spec[key].isPresent {
            countOrPercent(spec[key], &errors)
            atMostAll(spec[key], &errors)
        }
        if spec["selector"].isPresent { selector(spec["selector"], &errors) }
    }

    private static func ingress(_ object: Field, _ errors: inout FieldErrors) {
        let spec = object["spec"]
        if spec["rules"].json.items.isEmpty, spec["defaultBackend"].isAbsent {
            errors.invalid(spec.with(.array([])), "either `defaultBackend` or `rules` must be specified")
        }
        if spec["defaultBackend"].isPresent { backend(spec["defaultBackend"], &errors) }
        for rule in spec["rules"].items {
            let host = rule["host"]
            if !host.text.isEmpty {
                if IPAddress(host.text) != nil { errors.invalid(host, "must be a DNS name, not an IP address") }
                errors.check(
                    host,
                    host.text.contains("*") ? NameText.wildcardSubdomain(host.text) : NameText.subdomain(host.text))
            }
            guard rule["http"].isPresent else { continue }
            if rule["http"]["paths"].json.items.isEmpty { errors.required(rule["http"]["paths"]) }
            for path in rule["http"]["paths"].items {
                ingressPath(path, &errors)
                backend(path["backend"], &errors)
            }
        }
        for tls in spec["tls"].items {
            for host in tls["hosts"].items {
                errors.check(
                    host,
                    host.text.contains("*") ? NameText.wildcardSubdomain(host.text) : NameText.subdomain(host.text))
            }
            if !tls["secretName"].text.isEmpty {
                errors.check(tls["secretName"], NameText.subdomain(tls["secretName"].text))
            }
        }
        if !spec["ingressClassName"].text.isEmpty {
            errors.check(spec["ingressClassName"], NameText.subdomain(spec["ingressClassName"].text))
            let legacy = object["metadata"]["annotations"].entry("kubernetes.io/ingress.class")
            if legacy.isPresent {
                errors.invalid(
                    Field(object["metadata"].json)["annotations"]["kubernetes.io/ingress.class"],
                    "can not be set when the class field is also set")
            }
        }
    }
    private static func ingressPath(_ path: Field, _ errors: inout FieldErrors) {
        guard !path["pathType"].text.isEmpty else {
            errors.required(path["pathType"], "pathType must be specified")
            return
        }
        let kind = path["pathType"].text
        let text = path["path"].text
        switch kind {
        case "Exact", "Prefix":
            if !text.hasPrefix("/") { errors.invalid(path["path"].with(.string(text)), "must be an absolute path") }
            for part in ["//", "/./", "/../", "%2f", "%2F", "%5c", "%5C"] where text.contains(part) {
                errors.invalid(path["path"], "must not contain '\(part)'")
            }
            for end in ["/..", "/."] where text.hasSuffix(end) {
                errors.invalid(path["path"], "cannot end with '\(end)'")
            }
        case "ImplementationSpecific":
            if !text.isEmpty, !text.hasPrefix("/") { errors.invalid(path["path"], "must be an absolute path") }
        default: errors.notSupported(path["pathType"], ["Exact", "ImplementationSpecific", "Prefix"])
        }
    }
    private static func backend(_ backend: Field, _ errors: inout FieldErrors) {
        let service = backend["service"]
        if service.isPresent, backend["resource"].isPresent {
            errors.invalid(backend.with(""), "cannot set both resource and service backends")
        } else if service.isPresent {
            if service["name"].text.isEmpty {
                errors.required(service["name"])
            } else {
                errors.check(service["name"], NameText.label1035(service["name"].text))
            }
            let hasName = !service["port"]["name"].text.isEmpty
            let hasNumber = (service["port"]["number"].int ?? 0) != 0
            if hasName, hasNumber {
                errors.invalid(backend.with(""), "cannot set both port name & port number")
            } else if hasName {
                errors.check(service["port"]["name"], NameText.portName(service["port"]["name"].text))
            } else if hasNumber {
                portNumber(service["port"]["number"], &errors)
            } else {
                errors.required(backend, "port name or number is required")
            }
        } else if backend["resource"].isAbsent {
            errors.invalid(backend.with(""), "resource or service backend is required")
        }
    }

    private static func networkPolicy(_ spec: Field, _ errors: inout FieldErrors) {
        selector(spec["podSelector"], &errors)
        for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
            for rule in spec[direction].items {
                for port in rule["ports"].items {
                    errors.oneOf(port["protocol"], ["SCTP", "TCP", "UDP"])
                    if port["port"].isPresent { numberOrName(port["port"], &errors) }
                }
                for peer in rule[peers].items { networkPeer(peer, &errors) }
            }
        }
        if spec["policyTypes"].json.items.count > 2 {
            errors.invalid(spec["policyTypes"], "may not specify more than two policyTypes")
        }
        for type in spec["policyTypes"].items where !["Ingress", "Egress"].contains(type.text) {
            errors.notSupported(type, ["Egress", "Ingress"])
        }
    }
    private static func networkPeer(_ peer: Field, _ errors: inout FieldErrors) {
        let block = peer["ipBlock"]
        let hasSelector = peer["podSelector"].isPresent || peer["namespaceSelector"].isPresent
        for key in ["podSelector", "namespaceSelector"] where peer[key].isPresent { selector(peer[key], &errors) }
        if block.isPresent {
            if hasSelector { errors.forbidden(peer, "may not specify both ipBlock and another peer") }
            if block["cidr"].text.isEmpty {
                errors.required(block["cidr"])
                return
            }
            guard let outer = IPAddress.prefix(block["cidr"].text) else {
                errors.invalid(block["cidr"], "not a valid CIDR")
                return
            }
            for hole in block["except"].items {
                guard let inner = IPAddress.prefix(hole.text) else {
                    errors.invalid(hole, "not a valid CIDR")
                    continue
                }
                if !outer.contains(inner) {
                    errors.invalid(hole, "must be a strict subset of `cidr`")
                }
            }
        } else if !hasSelector {
            errors.required(peer, "must specify a peer")
        }
    }

    private static func slice(_ object: Field, _ errors: inout FieldErrors) {
        errors.oneOf(object["addressType"], ["FQDN", "IPv4", "IPv6"], required: true)
        let endpoints = object["endpoints"]
        if endpoints.json.items.count > 1000 { errors.tooMany(endpoints, count: endpoints.json.items.count, max: 1000) }
        for endpoint in endpoints.items {
            let addresses = endpoint["addresses"]
            if addresses.json.items.isEmpty { errors.required(addresses, "must contain at least 1 address") }
            if addresses.json.items.count > 100 {
                errors.tooMany(addresses, count: addresses.json.items.count, max: 100)
            }
            for address in addresses.items {
                switch object["addressType"].text {
                case "IPv4", "IPv6":
                    if let parsed = IPAddress(address.text), parsed.isIPv6 != (object["addressType"].text == "IPv6") {
                        errors.invalid(address, "must be an \(object["addressType"].text) address")
                    } else if !isMaster(object) {
                        endpointAddress(address, &errors)
                    }
                default: errors.check(address, NameText.subdomain(address.text))
                }
            }
            if endpoint["hostname"].isPresent {
                errors.check(endpoint["hostname"], NameText.label(endpoint["hostname"].text))
            }
        }
        var names: Set<String> = []
        let ports = object["ports"]
        if ports.json.items.count > 100 { errors.tooMany(ports, count: ports.json.items.count, max: 100) }
        for port in ports.items {
            if !port["name"].text.isEmpty { errors.check(port["name"], NameText.label(port["name"].text)) }
            if !names.insert(port["name"].text).inserted {
                errors.duplicate(port["name"].with(.string(port["name"].text)))
            }
            errors.oneOf(port["protocol"], ["SCTP", "TCP", "UDP"], required: true)
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
                "priority class names with 'system-' prefix are reserved for system use only")
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
        for (key, _) in object["parameters"].entries where key.isEmpty {
            errors.invalid(object["parameters"].with(""), "field can not be empty.")
        }
        errors.oneOf(object["reclaimPolicy"], ["Delete", "Retain"])
        for topology in object["allowedTopologies"].items {
            for expression in topology["matchLabelExpressions"].items where expression["values"].json.items.isEmpty {
                errors.required(expression["values"])
            }
        }
        errors.oneOf(object["volumeBindingMode"], ["Immediate", "WaitForFirstConsumer"])
    }

    private static func isSignerName(_ name: String) -> Bool {
        let parts = name.split(separator: "/", maxSplits: 1)
        return parts.count == 2 && parts[0].contains(".") && Names.isDNSSubdomain(String(parts[0]))
    }

    private static func signing(_ spec: Field, _ errors: inout FieldErrors) {
        let bytes = Base64.decode(spec["request"].text) ?? []
        if !String(decoding: bytes, as: UTF8.self).contains("-----BEGIN CERTIFICATE REQUEST-----") {
            errors.invalid(spec["request"], "PEM block type must be CERTIFICATE REQUEST")
        }
        if spec["usages"].json.items.isEmpty { errors.required(spec["usages"], "usages must be provided") }
        if spec["signerName"].text.isEmpty {
            errors.required(spec["signerName"])
        } else if !isSignerName(spec["signerName"].text) {
            errors.invalid(
                spec["signerName"], "must be a fully qualified domain and path of the form 'example.com/signer-name'")
        }
        for usage in spec["usages"].items {
            errors.oneOf(usage, Schema.closedValues(of: "certificates.v1.KeyUsage") ?? [])
        }
        if let seconds = spec["expirationSeconds"].int, seconds < 600 {
            errors.invalid(spec["expirationSeconds"], "may not specify a duration less than 600 seconds (10 minutes)")
        }
    }
}
