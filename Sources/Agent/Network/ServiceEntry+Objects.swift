import Shared

extension ServiceEntry {
    /// Reads what matters out of the API's objects. Addresses and ports that do not read are left out; IPv6 ones too.
    init(_ service: ClusterService, slices: [EndpointSlice]) {
        self.init(name: ServiceName(namespace: service.namespace, name: service.name))
        let spec = service.json["spec"]
        ports = service.ports.compactMap(Port.init)
        isHeadless = service.isHeadless
        if service.type == "ExternalName" {
            externalName = spec["externalName"].string ?? ""
        } else if !isHeadless {
            let listed = spec["clusterIPs"].items.compactMap(\.string)
            clusterIPs = (listed.isEmpty ? [service.clusterIP] : listed).compactMap { IPv4Address($0) }
        }
        externalIPs = spec["externalIPs"].items.compactMap(\.string).compactMap { IPv4Address($0) }
        for ingress in service.json.at("status", "loadBalancer", "ingress").items {
            if let address = IPv4Address(ingress["ip"].string ?? ""), !externalIPs.contains(address) {
                externalIPs.append(address)
            }
        }
        publishesNotReady = spec["publishNotReadyAddresses"].bool ?? false
        if spec["sessionAffinity"].string == "ClientIP" {
            let seconds = spec.at("sessionAffinityConfig", "clientIP", "timeoutSeconds").int ?? 10_800
            affinitySeconds = min(max(seconds, 1), 86_400)
        }
        isExternalLocal = spec["externalTrafficPolicy"].string == "Local"
        isInternalLocal = spec["internalTrafficPolicy"].string == "Local"
        groups = slices.compactMap(EndpointGroup.init)
    }
}

extension ServiceEntry.Port {
    init?(_ json: JSON) {
        guard let transport = PortProtocol(rawValue: json["protocol"].string ?? "TCP"),
            let port = json["port"].int.flatMap(UInt16.init(exactly:)), port > 0
        else { return nil }
        self.init(
            name: json["name"].string ?? "", transport: transport, port: port,
            nodePort: json["nodePort"].int.flatMap(UInt16.init(exactly:)) ?? 0)
    }
}

extension EndpointGroup {
    /// Nil for slices of another address family.
    init?(_ slice: EndpointSlice) {
        guard slice.json["addressType"].string ?? "IPv4" == "IPv4" else { return nil }
        let ports = slice.json["ports"].items.compactMap { port -> Port? in
            guard let transport = PortProtocol(rawValue: port["protocol"].string ?? "TCP"),
                let number = port["port"].int.flatMap(UInt16.init(exactly:)), number > 0
            else { return nil }
            return Port(name: port["name"].string ?? "", transport: transport, number: number)
        }
        let endpoints = slice.json["endpoints"].items.compactMap { endpoint -> Endpoint? in
            guard let address = endpoint["addresses"][0].string.flatMap({ IPv4Address($0) }) else { return nil }
            let conditions = endpoint["conditions"]
            let isReady = conditions["ready"].bool ?? true
            return Endpoint(
                address: address, isReady: isReady, isServing: conditions["serving"].bool ?? isReady,
                isTerminating: conditions["terminating"].bool ?? false,
                nodeName: endpoint["nodeName"].string ?? "", hostname: endpoint["hostname"].string ?? "")
        }
        self.init(ports: ports, endpoints: endpoints)
    }
}
