import Shared

/// Services' ways in and out: Ingress, NetworkPolicy, Endpoints, EndpointSlice and what belongs to them.
extension DescribeText {
    mutating func endpoints(_ object: JSON) {
        heading(object)
        line(0, "Subsets:")
        for subset in object["subsets"].items {
            for (title, key) in [("Addresses", "addresses"), ("NotReadyAddresses", "notReadyAddresses")] {
                let addresses = subset[key].items.compactMap { $0["ip"].string }
                line(1, "\(title):\t\(addresses.isEmpty ? "<none>" : addresses.joined(separator: ","))")
            }
            let ports = subset["ports"].items
            if !ports.isEmpty {
                line(1, "Ports:")
                line(2, "Name\tPort\tProtocol")
                line(2, "----\t----\t--------")
            }
            for port in ports {
                line(
                    2,
                    "\(DescribeText.orUnset(port["name"]))\t\(port["port"].int ?? 0)\t\(port["protocol"].string ?? "")")
            }
            line(0, "")
        }
    }

    mutating func endpointSlice(_ object: JSON) {
        heading(object)
        line(0, "AddressType:\t\(object["addressType"].string ?? "")")
        let ports = object["ports"].items
        if ports.isEmpty {
            line(0, "Ports: <unset>")
        } else {
            line(0, "Ports:")
            line(1, "Name\tPort\tProtocol")
            line(1, "----\t----\t--------")
        }
        for port in ports {
            let number = port["port"].int.map(String.init) ?? "<unset>"
            line(1, "\(DescribeText.orUnset(port["name"]))\t\(number)\t\(port["protocol"].string ?? "TCP")")
        }
        let all = object["endpoints"].items
        guard !all.isEmpty else { return line(0, "Endpoints: <none>") }
        line(0, "Endpoints:")
        let isBeta = object["apiVersion"].string == "discovery.k8s.io/v1beta1"
        for endpoint in all {
            let addresses = endpoint["addresses"].items.compactMap(\.string)
            line(1, "- Addresses:\t\(addresses.isEmpty ? "<none>" : addresses.joined(separator: isBeta ? "," : ", "))")
            line(2, "Conditions:")
            line(3, "Ready:\t\(endpoint.at("conditions", "ready").bool.map { "\($0)" } ?? "<unset>")")
            line(2, "Hostname:\t\(DescribeText.orUnset(endpoint["hostname"]))")
            if !endpoint["targetRef"].isNull {
                let target = endpoint["targetRef"]
                line(2, "TargetRef:\t\(target["kind"].string ?? "")/\(target["name"].string ?? "")")
            }
            if isBeta {
                let places = endpoint["topology"].strings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                line(0, "    Topology:\t\(places.first ?? "<none>")")
                for place in places.dropFirst() { line(0, "    \t\(place)") }
            } else {
                line(2, "NodeName:\t\(DescribeText.orUnset(endpoint["nodeName"]))")
                line(2, "Zone:\t\(DescribeText.orUnset(endpoint["zone"]))")
            }
        }
    }

    private static func orUnset(_ json: JSON) -> String { json.string.flatMap { $0.isEmpty ? nil : $0 } ?? "<unset>" }

    mutating func ingress(_ object: JSON, _ context: DescribeContext) {
        let spec = object["spec"]
        let metadata = Object(object).metadata
        line(0, "Name:\t\(metadata.name)")
        labels("Labels", metadata.labels)
        line(0, "Namespace:\t\(metadata.namespace)")
        let addresses = object.at("status", "loadBalancer", "ingress").items.compactMap { entry in
            entry["ip"].string.flatMap { $0.isEmpty ? nil : $0 } ?? entry["hostname"].string
        }
        line(0, "Address:\t\(Set(addresses).sorted().joined(separator: ","))")
        line(0, "Ingress Class:\t\(spec["ingressClassName"].string ?? "<none>")")
        let fallback = spec["defaultBackend"].isNull ? "<default>" : backend(spec["defaultBackend"], context)
        line(0, "Default backend:\t\(fallback)")
        if !spec["tls"].items.isEmpty { line(0, "TLS:") }
        for entry in spec["tls"].items {
            let hosts = entry["hosts"].items.compactMap(\.string).joined(separator: ",")
            let secret = entry["secretName"].string ?? ""
            line(1, secret.isEmpty ? "SNI routes \(hosts)" : "\(secret) terminates \(hosts)")
        }
        line(0, "Rules:\n  Host\tPath\tBackends")
        line(1, "----\t----\t--------")
        let rules = spec["rules"].items.filter { !$0["http"].isNull }
        for rule in rules {
            let host = rule["host"].string ?? ""
            line(1, "\(host.isEmpty ? "*" : host)\t")
            for path in rule.at("http", "paths").items {
                line(2, "\t\(path["path"].string ?? "") \t\(backend(path["backend"], context))")
            }
        }
        if rules.isEmpty { line(1, "*\t* \t\(fallback)") }
        annotations(metadata.annotations)
    }

    private func backend(_ backend: JSON, _ context: DescribeContext) -> String {
        let resource = backend["resource"]
        guard backend["service"].isNull else {
            let service = backend["service"], port = service["port"]
            let name = service["name"].string ?? ""
            let number = port["number"].int ?? 0
            let title = "\(name):\(number != 0 ? "\(number)" : port["name"].string ?? "")"
            if let why = context.backendProblem { return "\(title) (<error: \(why)>)" }
            guard let known = context.services.first(where: { Object($0).name == name }) else {
                return "\(title) (<error: services \"\(name)\" not found>)"
            }
            let named = known.at("spec", "ports").items.first { candidate in
                number != 0
                    ? candidate["port"].int == number
                    : candidate["name"].string == port["name"].string && !candidate["name"].isNull
            }
            let own = context.slices.filter { Object($0).metadata.labels[EndpointSlice.serviceLabel] == name }
            return "\(title) (\(DescribeText.endpoints(own, named?["name"].string ?? "")))"
        }
        guard !resource.isNull else { return "" }
        return "APIGroup: \(resource["apiGroup"].string ?? "<none>"), Kind: \(resource["kind"].string ?? ""), "
            + "Name: \(resource["name"].string ?? "")"
    }

    mutating func ingressClass(_ object: JSON) {
        heading(object, isNamespaced: false)
        line(0, "Controller:\t\(object.at("spec", "controller").string ?? "")")
        let parameters = object.at("spec", "parameters")
        guard !parameters.isNull else { return }
        line(0, "Parameters:")
        if let group = parameters["apiGroup"].string { line(1, "APIGroup:\t\(group)") }
        line(1, "Kind:\t\(parameters["kind"].string ?? "")")
        line(1, "Name:\t\(parameters["name"].string ?? "")")
    }

    mutating func networkPolicy(_ object: JSON) {
        let spec = object["spec"]
        let metadata = Object(object).metadata
        line(0, "Name:\t\(metadata.name)")
        line(0, "Namespace:\t\(metadata.namespace)")
        line(0, "Created on:\t\(plainTime(metadata.json["creationTimestamp"]))")
        labels("Labels", metadata.labels)
        annotations(metadata.annotations)
        line(0, "Spec:")
        let selector = DescribeText.selector(spec["podSelector"])
        let isEvery = selector == "<none>"
        line(
            1,
            "PodSelector:     \(selector)\(isEvery ? " (Allowing the specific traffic to all pods in this namespace)" : "")"
        )
        let types = spec["policyTypes"].items.compactMap(\.string)
        let isIngress = types.isEmpty || types.contains("Ingress")
        let isEgress = types.contains("Egress")
        if isIngress { line(1, "Allowing ingress traffic:") } else { line(1, "Not affecting ingress traffic") }
        if isIngress { peers(spec["ingress"].items, Direction.ingress) }
        if isEgress { line(1, "Allowing egress traffic:") } else { line(1, "Not affecting egress traffic") }
        if isEgress { peers(spec["egress"].items, Direction.egress) }
        line(1, "Policy Types: \(types.joined(separator: ", "))")
    }

    private enum Direction { case ingress, egress }

    private mutating func peers(_ rules: [JSON], _ direction: Direction) {
        let word = direction == .ingress ? "From" : "To"
        if rules.isEmpty {
            line(
                2,
                "<none> (Selected pods are isolated for \(direction == .ingress ? "ingress" : "egress") connectivity)")
        }
        for (index, rule) in rules.enumerated() {
            let ports = rule["ports"].items
            if ports.isEmpty { line(2, "To Port: <any> (traffic allowed to all ports)") }
            for port in ports {
                let number = port["port"].isNull ? "<nil>" : ServerTable.text(port["port"])
                let transport = port["protocol"].string ?? "TCP"
                if let end = port["endPort"].int {
                    line(2, "To Port Range: \(number)-\(end)/\(transport)")
                } else {
                    line(2, "To Port: \(number)/\(transport)")
                }
            }
            let peers = rule[direction == .ingress ? "from" : "to"].items
            if peers.isEmpty {
                line(
                    2, "\(word): <any> (traffic not restricted by \(direction == .ingress ? "source" : "destination"))")
            }
            for peer in peers { self.peer(peer, word) }
            if index < rules.count - 1 { line(2, "----------") }
        }
    }

    private mutating func peer(_ peer: JSON, _ word: String) {
        line(2, "\(word):")
        if !peer["namespaceSelector"].isNull {
            line(3, "NamespaceSelector: \(DescribeText.selector(peer["namespaceSelector"]))")
        }
        if !peer["podSelector"].isNull { line(3, "PodSelector: \(DescribeText.selector(peer["podSelector"]))") }
        let block = peer["ipBlock"]
        guard !block.isNull, peer["podSelector"].isNull, peer["namespaceSelector"].isNull else { return }
        line(3, "IPBlock:")
        line(4, "CIDR: \(block["cidr"].string ?? "")")
        line(4, "Except: \(block["except"].items.compactMap(\.string).joined(separator: ", "))")
    }

    mutating func ipAddress(_ object: JSON) {
        heading(object, isNamespaced: false)
        let parent = object.at("spec", "parentRef")
        guard !parent.isNull else { return }
        line(0, "Parent Reference:")
        for (title, key) in [
            ("Group", "group"), ("Resource", "resource"), ("Namespace", "namespace"), ("Name", "name"),
        ] { line(1, "\(title):\t\(parent[key].string ?? "")") }
    }

    mutating func serviceCIDR(_ object: JSON) {
        heading(object, isNamespaced: false)
        line(0, "CIDRs:\t\(object.at("spec", "cidrs").items.compactMap(\.string).joined(separator: ", "))")
        let conditions = object.at("status", "conditions").items
        guard !conditions.isEmpty else { return }
        line(0, "Status:")
        line(0, "Conditions:\n  Type\tStatus\tLastTransitionTime\tReason\tMessage")
        line(1, "----\t------\t------------------\t------\t-------")
        for condition in conditions {
            line(
                1,
                "\(condition["type"].string ?? "")\t\(condition["status"].string ?? "")\t\(time(condition["lastTransitionTime"]))\t"
                    + "\(condition["reason"].string ?? "")\t\(condition["message"].string ?? "")")
        }
    }
}
