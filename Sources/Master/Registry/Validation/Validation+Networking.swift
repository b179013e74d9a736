import Shared

/// Ingresses, network policies and endpoint slices. Source: `pkg/apis/networking/validation`, `pkg/apis/discovery/validation`.
extension Validation {
    static func ingress(_ object: Field, _ errors: inout FieldErrors) {
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
        }
    }

    /// The class is said by the field or by the old annotation, not by both.
    static func ingressClass(_ object: Field, _ errors: inout FieldErrors) {
        let legacy = Field(object["metadata"].json)["annotations"]["kubernetes.io/ingress.class"]
        if !object["spec"]["ingressClassName"].text.isEmpty, legacy.isPresent {
            errors.invalid(legacy, "can not be set when the class field is also set")
        }
    }

    /// An object that a backend or a class points at. Source: `validateIngressTypedLocalObjectReference`.
    private static func reference(_ reference: Field, _ errors: inout FieldErrors) {
        if reference["apiGroup"].isPresent {
            errors.check(reference["apiGroup"], NameText.subdomain(reference["apiGroup"].text))
        }
        for key in ["kind", "name"] {
            if reference[key].text.isEmpty {
                errors.required(reference[key], "\(key) is required")
            } else {
                errors.check(reference[key], NameText.pathSegment(reference[key].text))
            }
        }
    }
    static func ingressParameters(_ parameters: Field, _ errors: inout FieldErrors) {
        guard parameters.isPresent else { return }
        reference(parameters, &errors)
        let scope = parameters["scope"]
        if !["Cluster", "Namespace"].contains(scope.text) {
            errors.notSupported(scope, ["Cluster", "Namespace"])
        } else if scope.text == "Namespace", parameters["namespace"].text.isEmpty {
            errors.required(parameters["namespace"], "`parameters.scope` is set to 'Namespace'")
        } else if scope.text == "Cluster", parameters["namespace"].isPresent {
            errors.forbidden(parameters["namespace"], "`parameters.scope` is set to 'Cluster'")
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
    static func backend(_ backend: Field, _ errors: inout FieldErrors) {
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
        } else if backend["resource"].isPresent {
            reference(backend["resource"], &errors)
        } else {
            errors.invalid(backend.with(""), "resource or service backend is required")
        }
    }

    static func networkPolicy(_ spec: Field, _ errors: inout FieldErrors) {
        selector(spec["podSelector"], &errors)
        for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
            for rule in spec[direction].items {
                for port in rule["ports"].items {
                    errors.oneOf(port["protocol"], ["SCTP", "TCP", "UDP"])
                    if port["port"].isPresent { numberOrName(port["port"], &errors) }
                    lastPort(port, &errors)
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
    private static func lastPort(_ port: Field, _ errors: inout FieldErrors) {
        guard let last = port["endPort"].int else { return }
        if port["port"].isAbsent {
            errors.invalid(port["endPort"], "may not be specified when `port` is not specified")
        } else if let first = port["port"].int {
            if last < first { errors.invalid(port["endPort"], "must be greater than or equal to `port`") }
            portNumber(port["endPort"], &errors)
        } else {
            errors.invalid(port["endPort"], "may not be specified when `port` is non-numeric")
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

    static func slice(_ object: Field, _ errors: inout FieldErrors) {
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
                let type = object["addressType"].text
                switch type {
                case "IPv4", "IPv6":
                    if IPAddress(address.text)?.isIPv6 != (type == "IPv6") {
                        errors.invalid(address, "must be a valid \(type) address")
                    }
                    if !isMaster(object) { specialAddress(address, &errors) }
                case "FQDN": fullName(address, &errors)
                default: break
                }
            }
            if endpoint["nodeName"].isPresent {
                errors.check(endpoint["nodeName"], NameText.subdomain(endpoint["nodeName"].text))
            }
            let topology = endpoint["deprecatedTopology"]
            if topology.json.members.count > 16 {
                errors.tooMany(topology, count: topology.json.members.count, max: 16)
            }
            labels(topology, &errors)
            if endpoint["hostname"].isPresent {
                errors.check(endpoint["hostname"], NameText.label(endpoint["hostname"].text))
            }
            zones(endpoint["hints"]["forZones"], &errors)
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
            if port["appProtocol"].isPresent {
                errors.check(port["appProtocol"], NameText.qualified(port["appProtocol"].text))
            }
        }
    }

    /// Source: `validateHints`.
    private static func zones(_ zones: Field, _ errors: inout FieldErrors) {
        guard zones.json.items.count <= 8 else {
            return errors.tooMany(zones, count: zones.json.items.count, max: 8)
        }
        var seen: Set<String> = []
        for zone in zones.items {
            if !seen.insert(zone["name"].text).inserted { errors.duplicate(zone["name"]) }
            errors.check(zone["name"], NameText.labelValue(zone["name"].text))
        }
    }

    /// Source: `IsFullyQualifiedDomainName`.
    private static func fullName(_ field: Field, _ errors: inout FieldErrors) {
        let name = field.text.hasSuffix(".") ? String(field.text.dropLast()) : field.text
        let texts = NameText.subdomain(name)
        if name.isEmpty {
            errors.required(field)
        } else if !texts.isEmpty {
            errors.check(field.with(.string(name)), texts)
        } else if name.split(separator: ".", omittingEmptySubsequences: false).count < 2 {
            errors.invalid(field.with(.string(name)), "should be a domain with at least two segments separated by dots")
        }
    }
}
