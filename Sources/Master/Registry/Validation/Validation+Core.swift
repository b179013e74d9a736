import Shared

/// Services, endpoints, configuration, namespaces, nodes, quotas and events.
extension Validation {
    /// The endpoints of service `kubernetes`, which the master writes itself and which may be on loopback only.
    static func isMaster(_ object: Field) -> Bool {
        object["metadata"]["name"].text == "kubernetes" && object["metadata"]["namespace"].text == "default"
    }

    static func endpoints(_ object: Field, _ errors: inout FieldErrors) {
        let isMaster = isMaster(object)
        for subset in object["subsets"].items {
            let addresses = subset["addresses"].items
            let waiting = subset["notReadyAddresses"].items
            if addresses.isEmpty, waiting.isEmpty {
                errors.required(subset, "must specify `addresses` or `notReadyAddresses`")
            }
            for address in addresses + waiting {
                let (ip, text) = (address["ip"], address["ip"].text)
                if !isMaster, IPAddress(text) == nil {
                    errors.invalid(
                        ip.with(.string(text)), "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
                }
                if !address["hostname"].text.isEmpty {
                    errors.check(address["hostname"], NameText.label(address["hostname"].text))
                }
                if address["nodeName"].isPresent {
                    errors.check(address["nodeName"], NameText.subdomain(address["nodeName"].text))
                }
                if !isMaster { specialAddress(ip, &errors) }
            }
            let ports = subset["ports"].items
            for port in ports {
                if port["name"].text.isEmpty {
                    if ports.count > 1 { errors.required(port["name"]) }
                } else {
                    errors.check(port["name"], NameText.label(port["name"].text))
                }
                portNumber(port["port"], &errors)
                errors.oneOf(port["protocol"], ["SCTP", "TCP", "UDP"], required: true)
                if port["appProtocol"].isPresent {
                    errors.check(port["appProtocol"], NameText.qualified(port["appProtocol"].text))
                }
            }
        }
    }

    /// An address that traffic may be sent to. Unlike Kubernetes, 127.0.0.0/8 is refused only in its first address,
    /// which every machine is itself: pods of runtime `process` have the others.
    static func endpointAddress(_ field: Field, _ errors: inout FieldErrors) {
        if IPAddress(field.text) == nil {
            errors.invalid(
                field.with(.string(field.text)), "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
        } else {
            specialAddress(field, &errors)
        }
    }
    /// Source: `ValidateNonSpecialIP`.
    static func specialAddress(_ field: Field, _ errors: inout FieldErrors) {
        guard let address = IPAddress(field.text) else {
            return errors.invalid(field.with(.string(field.text)), "must be a valid IP address")
        }
        let bytes = address.bytes
        let isLoopback =
            address.isIPv6 ? bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1 : bytes == [127, 0, 0, 1]
        if bytes.allSatisfy({ $0 == 0 }) { errors.invalid(field, "may not be unspecified (\(field.text))") }
        if isLoopback { errors.invalid(field, "may not be in the loopback range (127.0.0.0/8, ::1/128)") }
        if address.isIPv6 ? bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80 : bytes[0] == 169 && bytes[1] == 254 {
            errors.invalid(field, "may not be in the link-local range (169.254.0.0/16, fe80::/10)")
        }
        let isMulticast =
            address.isIPv6
            ? bytes[0] == 0xFF && bytes[1] & 0x0F == 2 : bytes[0] == 224 && bytes[1] == 0 && bytes[2] == 0
        if isMulticast {
            errors.invalid(field, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")
        }
    }

    static func configMap(_ object: Field, _ errors: inout FieldErrors) {
        var size = 0
        for (key, value) in object["data"].entries {
            errors.check(object["data"].entry(key).with(.string(key)), NameText.configKey(key))
            if object["binaryData"].json.object?[key] != nil {
                errors.invalid(value.with(.string(key)), "duplicate of key present in binaryData")
            }
            size += value.text.utf8.count
        }
        for (key, value) in object["binaryData"].entries {
            errors.check(value.with(.string(key)), NameText.configKey(key))
            size += value.text.utf8.count / 4 * 3
        }
        if size > 1_048_576 { errors.tooLong(Field.whole, bytes: 1_048_576) }
    }

    static func secret(_ object: Field, _ errors: inout FieldErrors) {
        let data = object["data"]
        var size = 0
        for (key, value) in data.entries {
            errors.check(value.with(.string(key)), NameText.configKey(key))
            size += value.text.utf8.count / 4 * 3
        }
        if size > 1_048_576 { errors.tooLong(data, bytes: 1_048_576) }
        func need(_ key: String) {
            if data.json.object?[key] == nil { errors.required(data.entry(key)) }
        }
        switch object["type"].text {
        case "kubernetes.io/service-account-token":
            let account = object["metadata"]["annotations"].entry("kubernetes.io/service-account.name")
            if account.text.isEmpty { errors.required(account) }
        case "kubernetes.io/dockercfg": configFile(data, ".dockercfg", &errors)
        case "kubernetes.io/dockerconfigjson": configFile(data, ".dockerconfigjson", &errors)
        case "kubernetes.io/basic-auth":
            if data.json.object?["username"] == nil, data.json.object?["password"] == nil {
                // The path is Kubernetes's own, slip included: clients see it so.
                errors.required(data.entry("%s").entry("username"))
                errors.required(data.entry("%s").entry("password"))
            }
        case "kubernetes.io/ssh-auth":
            if data["ssh-privatekey"].text.isEmpty { errors.required(data.entry("ssh-privatekey")) }
        case "kubernetes.io/tls":
            need("tls.crt")
            need("tls.key")
        default: break
        }
    }
    private static func configFile(_ data: Field, _ key: String, _ errors: inout FieldErrors) {
        guard let text = data.json.object?[key]?.string else {
            errors.required(data.entry(key))
            return
        }
        if let complaint = GoSyntax.complaint(about: Base64.decode(text) ?? []) {
            errors.invalid(data.entry(key).with("<secret contents redacted>"), complaint)
        }
    }

    static func namespace(_ spec: Field, _ errors: inout FieldErrors) {
        // Kubernetes names the list, not the item.
        for item in spec["finalizers"].items { finalizer(spec["finalizers"].with(item.json), &errors) }
    }
    static func finalizer(_ finalizer: Field, _ errors: inout FieldErrors) {
        let texts = NameText.qualified(finalizer.text)
        errors.check(finalizer, texts)
        if texts.isEmpty, !finalizer.text.contains("/"),
            !["kubernetes", "orphan", "foregroundDeletion"].contains(finalizer.text)
        {
            errors.invalid(finalizer, "name is neither a standard finalizer name nor is it fully qualified")
        }
    }

    static func node(_ object: Field, _ errors: inout FieldErrors) {
        taints(object, &errors)
        nodeAmounts(object["status"], &errors)
        let ranges = object["spec"]["podCIDRs"].items
        if ranges.isEmpty, !object["spec"]["podCIDR"].text.isEmpty, !IPAddress.isPrefix(object["spec"]["podCIDR"].text)
        {
            errors.invalid(
                object["spec"]["podCIDRs"][0].with(object["spec"]["podCIDR"].json),
                "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")
        }
        for range in ranges where !IPAddress.isPrefix(range.text) {
            errors.invalid(range, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")
        }
        for (index, range) in ranges.enumerated() where ranges[..<index].contains(where: { $0.json == range.json }) {
            errors.duplicate(range)
        }
        let families = ranges.map { IPAddress.prefix($0.text)?.address.isIPv6 }
        if ranges.count > 2 || ranges.count == 2 && families[0] == families[1] {
            errors.invalid(
                object["spec"]["podCIDRs"], shown: GoText.strings(object["spec"]["podCIDRs"].json),
                "may specify no more than one CIDR for each IP family")
        }
    }

    /// Kubernetes names them in metadata. Source: `validateNodeTaints`.
    static func taints(_ node: Field, _ errors: inout FieldErrors) {
        var seen: Set<String> = []
        for taint in node["metadata"]["taints"].with(node["spec"]["taints"].json).items {
            errors.check(taint["key"].with(.string(taint["key"].text)), NameText.qualified(taint["key"].text))
            let texts = NameText.labelValue(taint["value"].text)
            if !texts.isEmpty { errors.invalid(taint["value"], texts.joined(separator: ";")) }
            errors.oneOf(taint["effect"], ["NoSchedule", "PreferNoSchedule", "NoExecute"], required: true)
            if !seen.insert("\(taint["key"].text):\(taint["effect"].text)").inserted {
                errors.duplicate(taint, "taints must be unique by key and effect pair")
            }
        }
    }

    /// Source: `ValidateNodeResources`.
    static func nodeAmounts(_ status: Field, _ errors: inout FieldErrors) {
        let counted = [
            "pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps",
            "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
        ]
        for list in ["capacity", "allocatable"] {
            for (name, _) in status[list].json.members {
                let amount = status[list][name]
                guard let quantity = amount.quantity else { continue }
                if quantity.isNegative { errors.invalid(amount, "must be greater than or equal to 0") }
                if counted.contains(name) || isExtended(name), quantity.milli % 1000 != 0 {
                    errors.invalid(amount, "must be an integer")
                }
            }
        }
    }

    static let quotaNames: Set<String> = [
        "cpu", "memory", "ephemeral-storage", "pods", "services", "replicationcontrollers",
        "resourcequotas", "secrets", "configmaps", "persistentvolumeclaims", "services.nodeports",
        "services.loadbalancers", "requests.cpu", "requests.memory", "requests.storage",
        "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage",
    ]

    static func quota(_ spec: Field, _ errors: inout FieldErrors) {
        quotaAmounts(spec["hard"], &errors)
        quotaScopes(spec, &errors)
    }

    static func quotaAmounts(_ amounts: Field, _ errors: inout FieldErrors) {
        let known = quotaNames
        for (name, amount) in amounts.entries {
            let texts = NameText.qualified(name)
            errors.check(amount.with(.string(name)), texts)
            if !name.contains("/"), !known.contains(name), !name.contains("hugepages-") {
                if texts.isEmpty, name != "storage" {
                    errors.invalid(amount.with(.string(name)), "must be a standard resource type or fully qualified")
                }
                errors.invalid(amount.with(.string(name)), "must be a standard resource for quota")
            }
            guard let quantity = amount.quantity else { continue }
            if quantity.isNegative { errors.invalid(amount, "must be greater than or equal to 0") }
            let isCount =
                isExtended(name)
                || known.contains(name) && !["cpu", "memory", "storage"].contains { name.hasSuffix($0) }
            if isCount, quantity.milli % 1000 != 0 { errors.invalid(amount, "must be an integer") }
        }
    }

    private static func quotaScopes(_ spec: Field, _ errors: inout FieldErrors) {
        let scopes: Set<String> = [
            "Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass",
            "CrossNamespacePodAffinity", "VolumeAttributesClass",
        ]
        let compute: Set<String> = [
            "cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory",
        ]
        func shown(_ field: Field) -> String {
            field.json.items.isEmpty ? field.shown : GoText.strings(field.json, of: "core.ResourceQuotaScope")
        }
        func check(_ scope: String, _ field: Field, of list: Field) {
            guard scopes.contains(scope) else {
                errors.invalid(field, shown: shown(field), "unsupported scope")
                return
            }
            guard scope != "VolumeAttributesClass" else { return }
            for name in spec["hard"].json.members.map(\.key).sorted() where quotaNames.contains(name) {
                let fits = name == "pods" || scope != "BestEffort" && compute.contains(name)
                if !fits { errors.invalid(list, shown: shown(list), "unsupported scope applied to resource") }
            }
        }
        for scope in spec["scopes"].json.items { check(scope.string ?? "", spec["scopes"], of: spec["scopes"]) }
        let given = spec["scopes"].json.items
        for (one, other) in [("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating")]
        where given.contains(.string(one)) && given.contains(.string(other)) {
            errors.invalid(spec["scopes"], shown: shown(spec["scopes"]), "conflicting scopes")
        }
        let plain = ["BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity"]
        let list = spec["scopeSelector"]["matchExpressions"]
        let selected = list.json.items.map { $0["scopeName"] }
        defer {
            for (one, other) in [("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating")]
            where selected.contains(.string(one)) && selected.contains(.string(other)) {
                errors.invalid(spec["scopes"], shown: shown(spec["scopes"]), "conflicting scopes")
            }
        }
        // Kubernetes names the list, not the item.
        for item in list.json.items.map(list.with) {
            let scope = item["scopeName"].text
            check(scope, item["scopeName"], of: list.with(spec["scopeSelector"].json))
            let values = item["values"]
            if plain.contains(scope), item["operator"].text != "Exists" {
                errors.invalid(
                    item["operator"],
                    "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
                        + "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or "
                        + "ResourceQuotaScopeCrossNamespacePodAffinity")
            }
            switch item["operator"].text {
            case "In", "NotIn":
                if values.json.items.isEmpty {
                    errors.required(
                        values, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector")
                }
            case "Exists", "DoesNotExist":
                if !values.json.items.isEmpty {
                    errors.invalid(
                        values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector")
                }
            default: errors.invalid(item["operator"], "not a valid selector operator")
            }
        }
    }

    static func limitRange(_ spec: Field, _ errors: inout FieldErrors) {
        var types: Set<String> = []
        for limit in spec["limits"].items {
            let type = limit["type"]
            if type.text.isEmpty {
                errors.check(type.with(""), NameText.qualified(""))
            } else {
                errors.check(type, NameText.qualified(type.text))
                if !type.text.contains("/"), !["Pod", "Container", "PersistentVolumeClaim"].contains(type.text) {
                    errors.invalid(type, "must be a standard limit type or fully qualified")
                }
            }
            if !types.insert(type.text).inserted { errors.duplicate(type) }
            limitNames(limit, &errors)
            if type.text == "Pod" {
                for key in ["default", "defaultRequest"] where !limit[key].json.members.isEmpty {
                    errors.forbidden(limit[key], "may not be specified when `type` is 'Pod'")
                }
            }
            if type.text == "PersistentVolumeClaim", limit["min"]["storage"].isAbsent, limit["max"]["storage"].isAbsent
            {
                errors.required(
                    limit["limits"], "either minimum or maximum storage value is required, but neither was provided")
            }
            let pairs = [
                ("min", "max"), ("min", "defaultRequest"), ("defaultRequest", "max"), ("defaultRequest", "default"),
                ("min", "default"), ("default", "max"),
            ]
            for (low, high) in pairs {
                for (name, amount) in limit[low].entries {
                    guard let first = amount.quantity, let second = limit[high].entry(name).quantity, first > second
                    else { continue }
                    let names = ["defaultRequest": "default request"]
                    let other = low == "defaultRequest" && high == "default" ? "default limit" : names[high] ?? high
                    // Kubernetes blames the default, and for the least amount of one shows the default request.
                    let blamed = low == "min" && high != "max" ? limit[high].entry(name) : amount
                    let shown =
                        switch (low, high) {
                        case ("min", "default"): amount.json
                        case ("default", "max"): limit[high].entry(name).json
                        default: blamed.json
                        }
                    errors.invalid(
                        blamed.with(shown),
                        "\(names[low] ?? low) value \(first) is greater than \(other) value \(second)")
                }
            }
            ratios(limit, &errors)
        }
    }

    /// What is limited: the resources of pods are those of containers.
    private static func limitNames(_ limit: Field, _ errors: inout FieldErrors) {
        let isOfPods = ["Pod", "Container"].contains(limit["type"].text)
        let defaults = limit["type"].text == "Pod" ? [] : ["default", "defaultRequest"]
        for list in ["max", "min"] + defaults + ["maxLimitRequestRatio"] {
            for (name, field) in limit[list].entries {
                let shown = field.with(.string(name))
                let texts = NameText.qualified(name)
                errors.check(shown, texts)
                guard !name.contains("/") else { continue }
                let isOfContainers =
                    ["cpu", "memory", "ephemeral-storage"].contains(name) || name.hasPrefix("hugepages-")
                let isKnown = isOfContainers || quotaNames.contains(name) || name == "storage"
                if !isKnown, texts.isEmpty {
                    errors.invalid(shown, "must be a standard resource type or fully qualified")
                }
                if isOfPods, !isOfContainers { errors.invalid(shown, "must be a standard resource for containers") }
            }
        }
        guard limit["type"].text != "Pod" else { return }
        for (name, field) in limit["default"].entries {
            let request = limit["defaultRequest"].entry(name)
            guard isExtended(name) || name.hasPrefix("hugepages-"), let most = field.quantity,
                let asked = request.quantity, most != asked
            else { continue }
            errors.invalid(
                request, "default value \(most) must equal to defaultRequest value \(asked) in \(name)")
        }
    }

    private static func ratios(_ limit: Field, _ errors: inout FieldErrors) {
        for (name, field) in limit["maxLimitRequestRatio"].entries {
            guard let ratio = field.quantity else { continue }
            if ratio < Quantity(1) { errors.invalid(field, "ratio \(ratio) is less than 1") }
            guard let least = limit["min"].entry(name).quantity, let most = limit["max"].entry(name).quantity,
                !least.isZero
            else { continue }
            let widest = most.double / least.double
            if ratio.double > widest {
                errors.invalid(
                    field, "ratio \(ratio) is greater than max/min = \(GoNumber.fixed(widest, digits: 6))")
            }
        }
    }

    static func event(_ object: Field, _ errors: inout FieldErrors) {
        let namespace = object["metadata"]["namespace"].text
        let involved = object["involvedObject"]["namespace"]
        if involved.text.isEmpty {
            if !["", "default", "kube-system"].contains(namespace) {
                errors.invalid(involved.with(""), "does not match event.namespace")
            }
        } else if involved.text != namespace {
            errors.invalid(involved, "does not match event.namespace")
        }
        if object["eventTime"].isPresent { newFields(object, reporter: "reportingComponent", &errors) }
    }
    static func newEvent(_ object: Field, _ errors: inout FieldErrors) {
        if object["eventTime"].isAbsent { errors.required(object["eventTime"]) }
        newFields(object, reporter: "reportingController", &errors)
        if !["Normal", "Warning"].contains(object["type"].text) {
            errors.invalid(
                object["type"].with(""), "has invalid value: \(object["type"].text)")
        }
    }
    private static func newFields(_ object: Field, reporter: String, _ errors: inout FieldErrors) {
        if object[reporter].text.isEmpty { errors.required(object["reportingController"]) }
        errors.check(
            object["reportingController"].with(.string(object[reporter].text)),
            NameText.qualified(object[reporter].text))
        for key in ["reportingInstance", "action", "reason"] {
            if object[key].text.isEmpty {
                errors.required(object[key])
            } else if object[key].text.utf8.count > 128 {
                errors.invalid(object[key].with(""), "can have at most 128 characters")
            }
        }
        let note = object["note"].isPresent ? object["note"] : object["message"]
        if note.text.utf8.count > 1024 {
            errors.invalid(object["message"].with(""), "can have at most 1024 characters")
        }
    }
}
