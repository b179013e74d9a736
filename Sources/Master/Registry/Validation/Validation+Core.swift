import Shared

/// Services, endpoints, configuration, namespaces, nodes, quotas and events.
extension Validation {
    static func service(_ object: Field, _ errors: inout FieldErrors) {
        let spec = object["spec"]
        let type = spec["type"].text
        let ports = spec["ports"].items
        let isHeadless = spec["clusterIP"].text == "None"
        if ports.isEmpty, !isHeadless, type != "ExternalName" { errors.required(spec["ports"]) }
        if type == "LoadBalancer", isHeadless {
            errors.invalid(
                spec["clusterIPs"].entry("0").with("None"), "may not be set to 'None' for LoadBalancer services")
        }
        if type == "NodePort", isHeadless {
            errors.invalid(spec["clusterIPs"][0].with("None"), "may not be set to 'None' for NodePort services")
        }
        if type == "ExternalName" {
            let name = spec["externalName"].text
            if name.isEmpty {
                errors.required(spec["externalName"])
            } else {
                errors.check(
                    spec["externalName"], NameText.subdomain(name.hasSuffix(".") ? String(name.dropLast()) : name))
            }
            if !spec["clusterIP"].text.isEmpty {
                errors.forbidden(spec["clusterIPs"], "may not be set when `type` is 'ExternalName'")
            }
        }
        servicePorts(ports, &errors)
        labels(spec["selector"], &errors)
        if spec["sessionAffinity"].text.isEmpty {
            errors.required(spec["sessionAffinity"])
        } else {
            errors.oneOf(spec["sessionAffinity"], ["ClientIP", "None"])
        }
        if let seconds = spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"].int,
            !(1...86_400).contains(seconds)
        {
            errors.invalid(
                spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"],
                "must be greater than 0 and less than 86400")
        }
        if !spec["clusterIP"].text.isEmpty, !isHeadless, type != "ExternalName",
            IPAddress(spec["clusterIP"].text) == nil
        {
            errors.invalid(
                spec["clusterIPs"][0].with(spec["clusterIP"].json),
                "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
        }
        for address in spec["externalIPs"].items { endpointAddress(address, &errors) }
        serviceTraffic(spec, &errors)
        errors.oneOf(spec["type"], ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"], required: true)
        for range in spec["loadBalancerSourceRanges"].items {
            if type != "LoadBalancer" {
                errors.forbidden(spec["LoadBalancerSourceRanges"], "may only be used when `type` is 'LoadBalancer'")
                break
            }
            if !IPAddress.isPrefix(range.text.trimmingWhitespace) {
                errors.invalid(
                    spec["LoadBalancerSourceRanges"].with(.string("[\(range.text)]")),
                    "must be a list of IP ranges. For example, 10.240.0.0/24,10.250.0.0/24 ")
            }
        }
        if type == "ClusterIP" {
            for port in ports where (port["nodePort"].int ?? 0) != 0 {
                errors.forbidden(port["nodePort"], "may not be used when `type` is 'ClusterIP'")
            }
        }
    }

    private static func serviceTraffic(_ spec: Field, _ errors: inout FieldErrors) {
        let policy = spec["externalTrafficPolicy"]
        let type = spec["type"].text
        if policy.isPresent {
            let isExternal = ["LoadBalancer", "NodePort"].contains(type) || !spec["externalIPs"].json.items.isEmpty
            if !isExternal {
                errors.invalid(policy, "may only be set for externally-accessible services")
            } else if !["Cluster", "Local"].contains(policy.text) {
                errors.invalid(policy, "must be one of Cluster, Local")
            }
        }
        if let port = spec["healthCheckNodePort"].int, !(0...65_535).contains(port) {
            errors.invalid(spec["healthCheckNodePort"], "must be between 0 and 65535, inclusive")
        }
        let addresses = spec["clusterIPs"].items
        if addresses.count > 1, Set(addresses.map { IPAddress($0.text)?.isIPv6 }).count < addresses.count {
            errors.invalid(spec["clusterIPs"], "may specify no more than one IP for each IP family")
        }
        if spec["clusterIP"].text.isEmpty, !addresses.isEmpty {
            errors.invalid(spec["clusterIPs"], "must be empty when `clusterIP` is not specified")
        }
    }

    private static func servicePorts(_ ports: [Field], _ errors: inout FieldErrors) {
        var names: Set<String> = []
        var pairs: Set<String> = []
        var nodePorts: Set<String> = []
        for port in ports {
            let name = port["name"]
            if name.text.isEmpty {
                if ports.count > 1 { errors.required(name) }
            } else {
                errors.check(name, NameText.label(name.text))
                if !names.insert(name.text).inserted { errors.duplicate(name) }
            }
            portNumber(port["port"], &errors)
            errors.oneOf(port["protocol"], ["SCTP", "TCP", "UDP"], required: true)
            numberOrName(port["targetPort"], &errors)
            let key = "\(port["protocol"].text)/\(port["port"].int ?? 0)"
            if !pairs.insert(key).inserted {
                errors.duplicate(
                    port,
                    shown: JSON.object(
                        JSON.Members([("protocol", port["protocol"].json), ("port", port["port"].json)])
                    ).encodedText)
            }
            if let node = port["nodePort"].int, node != 0,
                !nodePorts.insert("\(port["protocol"].text)/\(node)").inserted
            {
                errors.duplicate(port["nodePort"])
            }
        }
    }

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
                if !isMaster { endpointAddress(address["ip"], &errors) }
                if !address["hostname"].text.isEmpty {
                    errors.check(address["hostname"], NameText.label(address["hostname"].text))
                }
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
            }
        }
    }

    /// An address that traffic may be sent to. Unlike Kubernetes, 127.0.0.0/8 is refused only in its first address,
    /// which every machine is itself: pods of runtime `process` have the others.
    static func endpointAddress(_ field: Field, _ errors: inout FieldErrors) {
        guard let address = IPAddress(field.text) else {
            errors.invalid(
                field.with(.string(field.text)), "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
            return
        }
        let bytes = address.bytes
        let isLoopback =
            address.isIPv6 ? bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1 : bytes == [127, 0, 0, 1]
        if bytes.allSatisfy({ $0 == 0 }) { errors.invalid(field, "may not be unspecified (0.0.0.0 or ::)") }
        if isLoopback { errors.invalid(field, "may not be in the loopback range (127.0.0.0/8, ::1/128)") }
        if !address.isIPv6, bytes[0] == 169, bytes[1] == 254 {
            errors.invalid(field, "may not be in the link-local range (169.254.0.0/16, fe80::/10)")
        }
        if !address.isIPv6, bytes[0] == 224, bytes[1] == 0, bytes[2] == 0 {
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
        if size > 1_048_576 { errors.tooLong(Field(.null), bytes: 1_048_576) }
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
        let bytes = Base64.decode(text) ?? []
        if (try? JSON(parsing: bytes)) == nil {
            errors.invalid(data.entry(key).with("<secret contents redacted>"), "the file is not JSON")
        }
    }

    static func namespace(_ spec: Field, _ errors: inout FieldErrors) {
        for finalizer in spec["finalizers"].items {
            let texts = NameText.qualified(finalizer.text)
            for text in texts { errors.invalid(spec["finalizers"].with(finalizer.json), text) }
            if texts.isEmpty, !finalizer.text.contains("/"), finalizer.text != "kubernetes" {
                errors.invalid(
                    spec["finalizers"].with(finalizer.json),
                    "name is neither a standard finalizer name nor is it fully qualified")
            }
        }
    }

    static func node(_ object: Field, _ errors: inout FieldErrors) {
        var seen: Set<String> = []
        for taint in object["metadata"]["taints"].with(object["spec"]["taints"].json).items {
            errors.check(taint["key"], NameText.qualified(taint["key"].text))
            errors.check(taint["value"], NameText.labelValue(taint["value"].text))
            errors.oneOf(taint["effect"], ["NoSchedule", "PreferNoSchedule", "NoExecute"], required: true)
            if !seen.insert("\(taint["key"].text):\(taint["effect"].text)").inserted { errors.duplicate(taint) }
        }
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
    }

    static func quota(_ spec: Field, _ errors: inout FieldErrors) {
        let known: Set<String> = [
            "cpu", "memory", "ephemeral-storage", "storage", "pods", "services", "replicationcontrollers",
            "resourcequotas",
            "secrets", "configmaps", "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
            "requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage", "limits.cpu",
            "limits.memory", "limits.ephemeral-storage",
        ]
        for (name, amount) in spec["hard"].entries {
            errors.check(amount.with(.string(name)), NameText.qualified(name))
            if !name.contains("/"), !known.contains(name), !name.contains("hugepages-") {
                errors.invalid(amount.with(.string(name)), "must be a standard resource for quota")
            }
            guard let quantity = amount.quantity else { continue }
            if quantity.isNegative { errors.invalid(amount, "must be greater than or equal to 0") }
            let isCount =
                name.hasPrefix("count/")
                || known.contains(name) && !["cpu", "memory", "storage"].contains { name.hasSuffix($0) }
            if isCount, quantity.milli % 1000 != 0 { errors.invalid(amount, "must be an integer") }
        }
        let scopes: Set<String> = [
            "Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass",
            "CrossNamespacePodAffinity",
            "VolumeAttributesClass",
        ]
        for scope in spec["scopes"].json.items where !scopes.contains(scope.string ?? "") {
            errors.invalid(spec["scopes"], "unsupported scope")
        }
        for (one, other) in [("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating")] {
            let given = spec["scopes"].json.items
            if given.contains(.string(one)), given.contains(.string(other)) {
                errors.invalid(spec["scopes"], "conflicting scopes")
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
            }
            if !types.insert(type.text).inserted { errors.duplicate(type) }
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
                ("min", "max"), ("min", "defaultRequest"), ("min", "default"), ("defaultRequest", "default"),
                ("default", "max"), ("defaultRequest", "max"),
            ]
            for (low, high) in pairs {
                for (name, amount) in limit[low].entries {
                    guard let first = amount.quantity, let second = limit[high].entry(name).quantity, first > second
                    else { continue }
                    let names = ["min": "min", "max": "max", "default": "default", "defaultRequest": "default request"]
                    errors.invalid(
                        (low == "min" && high != "max" ? limit[low] : limit[low]).entry(name),
                        "\(names[low] ?? low) value \(first) is greater than \(names[high] ?? high) value \(second)")
                }
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
                object["type"].with(.string(object["type"].text)), "has invalid value: \(object["type"].text)")
        }
    }
    private static func newFields(_ object: Field, reporter: String, _ errors: inout FieldErrors) {
        if object[reporter].text.isEmpty { errors.required(object["reportingController"]) }
        do {
            errors.check(
                object["reportingController"].with(.string(object[reporter].text)),
                NameText.qualified(object[reporter].text))
        }
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
