import Shared

/// Services. Source: `pkg/apis/core/validation`, `ValidateService`.
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
            if !spec["clusterIP"].text.isEmpty {
                errors.forbidden(spec["clusterIPs"], "may not be set when `type` is 'ExternalName'")
            }
            for key in ["ipFamilies", "ipFamilyPolicy"] where spec[key].isPresent && spec[key].json != [] {
                errors.forbidden(spec[key], "may not be set when `type` is 'ExternalName'")
            }
            let name = spec["externalName"].text
            if name.isEmpty {
                errors.required(spec["externalName"])
            } else {
                errors.check(
                    spec["externalName"], NameText.subdomain(name.hasSuffix(".") ? String(name.dropLast()) : name))
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
        if spec["sessionAffinity"].text == "None", spec["sessionAffinityConfig"].isPresent {
            errors.forbidden(
                spec["sessionAffinityConfig"], "must not be set when session affinity is None")
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
        if type == "ClusterIP" {
            for port in ports where (port["nodePort"].int ?? 0) != 0 {
                errors.forbidden(port["nodePort"], "may not be used when `type` is 'ClusterIP'")
            }
        }
        sourceRanges(object, &errors)
    }

    /// Who may reach a load balancer, by field or by annotation. Source: `GetLoadBalancerSourceRanges`.
    private static func sourceRanges(_ object: Field, _ errors: inout FieldErrors) {
        let spec = object["spec"]
        var ranges = spec["loadBalancerSourceRanges"].json.items.map { $0.string ?? "" }
        var field = spec["LoadBalancerSourceRanges"].with(.string("[\(ranges.joined(separator: " "))]"))
        if ranges.isEmpty {
            let key = "service.beta.kubernetes.io/load-balancer-source-ranges"
            field = object["metadata"]["annotations"].entry(key)
            guard field.isPresent else { return }
            let text = field.text.trimmingWhitespace
            ranges = text.isEmpty ? [] : text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        if spec["type"].text != "LoadBalancer" {
            errors.forbidden(field, "may only be used when `type` is 'LoadBalancer'")
        }
        if !ranges.allSatisfy({ IPAddress.isPrefix($0.trimmingWhitespace) }) {
            errors.invalid(field, "must be a list of IP ranges. For example, 10.240.0.0/24,10.250.0.0/24 ")
        }
    }

    private static func serviceTraffic(_ spec: Field, _ errors: inout FieldErrors) {
        let policy = spec["externalTrafficPolicy"]
        let type = spec["type"].text
        if policy.isPresent {
            let isExternal = ["LoadBalancer", "NodePort"].contains(type) || !spec["externalIPs"].json.items.isEmpty
            if !isExternal {
                errors.invalid(policy, "may only be set for externally-accessible services")
            } else {
                errors.oneOf(policy, ["Cluster", "Local"])
            }
        }
        let inside = spec["internalTrafficPolicy"]
        if inside.isPresent, !["Cluster", "Local"].contains(inside.text) {
            errors.notSupported(inside, ["Cluster", "Local"])
        }
        if let port = spec["healthCheckNodePort"].int, port != 0 {
            if !(0...65_535).contains(port) {
                errors.invalid(spec["healthCheckNodePort"], "must be between 0 and 65535, inclusive")
            } else if type != "LoadBalancer" || policy.text != "Local" {
                errors.invalid(
                    spec["healthCheckNodePort"],
                    "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'")
            }
        }
        if spec["allocateLoadBalancerNodePorts"].isPresent, type != "LoadBalancer" {
            errors.forbidden(
                spec["allocateLoadBalancerNodePorts"], "may only be used when `type` is 'LoadBalancer'")
        }
        if spec["loadBalancerClass"].isPresent {
            if type != "LoadBalancer" {
                errors.forbidden(spec["loadBalancerClass"], "may only be used when `type` is 'LoadBalancer'")
            } else {
                errors.check(spec["loadBalancerClass"], NameText.qualified(spec["loadBalancerClass"].text))
            }
        }
        if spec["trafficDistribution"].isPresent {
            errors.oneOf(spec["trafficDistribution"], ["PreferClose", "PreferSameNode", "PreferSameZone"])
        }
        families(spec, &errors)
        clusterAddresses(spec, &errors)
    }

    /// Source: `ValidateServiceClusterIPsRelatedFields`.
    private static func families(_ spec: Field, _ errors: inout FieldErrors) {
        let families = spec["ipFamilies"]
        let policy = spec["ipFamilyPolicy"]
        guard spec["type"].text != "ExternalName" else { return }
        var seen: Set<String> = []
        for family in families.items {
            errors.oneOf(family, ["IPv4", "IPv6"])
            if !seen.insert(family.text).inserted { errors.duplicate(family) }
        }
        if families.json.items.count > 2 {
            errors.invalid(
                families, shown: GoText.strings(families.json, of: "core.IPFamily"), "may only hold up to 2 values")
        }
        if policy.isPresent { errors.oneOf(policy, ["PreferDualStack", "RequireDualStack", "SingleStack"]) }
        for (list, noun) in [(families, "ipFamilies"), (spec["clusterIPs"], "clusterIPs")]
        where policy.text == "SingleStack" && list.json.items.count > 1 {
            errors.invalid(
                policy, "must be RequireDualStack or PreferDualStack when multiple \(noun) are specified")
        }
    }

    /// The addresses must fit to each other. Source: `ValidateServiceClusterIPsRelatedFields`.
    private static func clusterAddresses(_ spec: Field, _ errors: inout FieldErrors) {
        let addresses = spec["clusterIPs"].items
        let first = spec["clusterIP"].text
        guard spec["type"].text != "ExternalName", !addresses.isEmpty else { return }
        let before = errors.count
        if first.isEmpty {
            errors.invalid(
                spec["clusterIPs"], shown: GoText.strings(spec["clusterIPs"].json),
                "must be empty when `clusterIP` is not specified")
        } else if addresses[0].text != first {
            errors.invalid(spec["clusterIPs"], "first value must match `clusterIP`")
        }
        if addresses.count > 2 { errors.invalid(spec["clusterIPs"], "may only hold up to 2 values") }
        if first == "None", addresses.count > 1 {
            errors.invalid(
                spec["clusterIPs"], shown: GoText.strings(spec["clusterIPs"].json),
                "'None' must be the first and only value")
        }
        for (index, address) in addresses.enumerated() where index > 0 {
            if address.text == "None" {
                errors.invalid(address, "'None' must be the first and only value")
            } else if IPAddress(address.text) == nil {
                errors.invalid(address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
            }
        }
        guard errors.count == before, addresses.count > 1 else { return }
        if Set(addresses.map { IPAddress($0.text)?.isIPv6 }).count < addresses.count {
            errors.invalid(spec["clusterIPs"], "may specify no more than one IP for each IP family")
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
            if port["appProtocol"].isPresent {
                errors.check(port["appProtocol"], NameText.qualified(port["appProtocol"].text))
            }
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
}
