import Shared

/// A pod as a service sees it: an address with conditions.
struct ServiceTarget: Equatable {
    let endpoint: EndpointSlice.Endpoint
    /// `[{name, port, protocol, appProtocol}]` as slices list them.
    let ports: [JSON]
    /// Uid of the pod; tells endpoints apart.
    let uid: String

    /// Nil for a pod that has no address or has finished. One that offers none of the ports has none here.
    init?(_ pod: Pod, of service: ClusterService, family: AddressFamily, zone: String) {
        guard !pod.isFinished, let address = pod.address(family) else { return nil }
        let ports = service.ports.compactMap { pod.resolve($0) }
        self.ports = ports
        uid = pod.metadata.uid
        let isServing = pod.isReady
        let isTerminating = pod.metadata.isDeleting
        var json: JSON = [
            "addresses": [.string(address)],
            "conditions": [
                "ready": .bool(service.publishesNotReady || (isServing && !isTerminating)),
                "serving": .bool(isServing), "terminating": .bool(isTerminating),
            ],
        ]
        let spec = pod.spec
        if let hostname = pod.hostname(in: service) { json["hostname"] = .string(hostname) }
        if !spec.nodeName.isEmpty { json["nodeName"] = .string(spec.nodeName) }
        json["targetRef"] = pod.reference
        if !zone.isEmpty { json["zone"] = .string(zone) }
        if let hints = service.hints(node: spec.nodeName, zone: zone) { json["hints"] = hints }
        endpoint = EndpointSlice.Endpoint(json)
    }
}

enum AddressFamily: String, Sendable { case four = "IPv4", six = "IPv6" }

extension ClusterService {
    var publishesNotReady: Bool { json.at("spec", "publishNotReadyAddresses").bool ?? false }
    /// The families that slices are made for; IPv4 unless the service says otherwise.
    var families: [AddressFamily] {
        let named = json.at("spec", "ipFamilies").items.compactMap { $0.string.flatMap(AddressFamily.init(rawValue:)) }
        return named.isEmpty ? [.four] : named
    }
    /// Has endpoints made for it: it selects pods and is no mere alias.
    var selectsPods: Bool { !selector.isEmpty && type != "ExternalName" }
    /// For whom an endpoint is meant first, when the service wants its traffic to stay near.
    /// Source: KEP-2433, KEP-3015 (`spec.trafficDistribution`).
    func hints(node: String, zone: String) -> JSON? {
        let wish = json.at("spec", "trafficDistribution").string ?? ""
        guard ["PreferClose", "PreferSameZone", "PreferSameNode"].contains(wish), !zone.isEmpty else { return nil }
        var hints: JSON = ["forZones": [["name": .string(zone)]]]
        if wish == "PreferSameNode", !node.isEmpty { hints["forNodes"] = [["name": .string(node)]] }
        return hints
    }
    /// Labels that endpoints and slices take over.
    var inheritedLabels: [String: String] {
        var labels = metadata.labels
        labels["service.kubernetes.io/headless"] = isHeadless ? "" : nil
        return labels
    }
}

extension Pod {
    fileprivate func address(_ family: AddressFamily) -> String? {
        let known = status.json["podIPs"].items.compactMap { $0["ip"].string }
        let addresses = known.isEmpty ? [status.podIP] : known
        return addresses.first { !$0.isEmpty && $0.contains(":") == (family == .six) }
    }

    /// The name under which a headless service publishes the pod.
    func hostname(in service: ClusterService) -> String? {
        guard let hostname = spec.json["hostname"].string, !hostname.isEmpty,
            spec.json["subdomain"].string == service.name, namespace == service.namespace
        else { return nil }
        return hostname
    }

    /// An object reference to the pod.
    var reference: JSON {
        [
            "kind": "Pod", "namespace": .string(namespace), "name": .string(name), "uid": .string(metadata.uid),
        ]
    }

    /// The port of the pod that a port of a service leads to; nil when its name is not known here.
    fileprivate func resolve(_ port: JSON) -> JSON? {
        let transport = port["protocol"].string ?? "TCP"
        let target = port["targetPort"]
        let number: Int
        if let name = target.string, !name.isEmpty {
            let sidecars = spec.initContainers.filter { $0.json["restartPolicy"].string == "Always" }
            let match = (spec.containers + sidecars).lazy.flatMap(\.ports).first {
                $0["name"].string == name && ($0["protocol"].string ?? "TCP") == transport
            }
            guard let match = match?["containerPort"].int else { return nil }
            number = match
        } else {
            number = target.int.flatMap { $0 == 0 ? nil : $0 } ?? port["port"].int ?? 0
        }
        var json: JSON = [
            "name": .string(port["name"].string ?? ""), "protocol": .string(transport), "port": JSON(number),
        ]
        if let application = port["appProtocol"].string { json["appProtocol"] = .string(application) }
        return json
    }
}

/// What has to be written so that the slices of a service list its targets: as few writes as possible first, then as
/// few slices as possible. Source: the reconciler of the EndpointSlice controller.
struct SlicePlan: Equatable {
    var create: [EndpointSlice] = []
    var update: [EndpointSlice] = []
    var delete: [EndpointSlice] = []

    init(
        service: ClusterService, family: AddressFamily, targets: [ServiceTarget], existing: [EndpointSlice],
        capacity: Int = Limits.endpointsPerSliceMax
    ) {
        let slices = existing.filter { $0.addressType == family.rawValue && !$0.metadata.isDeleting }
            .sorted { $0.name < $1.name }
        var wanted: [[JSON]: [ServiceTarget]] = [:]
        for target in targets { wanted[target.ports, default: []].append(target) }
        // A service without endpoints keeps one empty slice, so that readers see that it is known.
        if wanted.isEmpty { wanted[[]] = [] }
        var unused = slices.filter { wanted[$0.ports] == nil }
        for ports in wanted.keys.sorted(by: SlicePlan.isBefore) {
            let own = slices.filter { $0.ports == ports }
            fill(wanted[ports] ?? [], ports, own, &unused, service, family, capacity)
        }
        delete += unused
    }

    private static func isBefore(_ left: [JSON], _ right: [JSON]) -> Bool {
        JSON.array(left).text < JSON.array(right).text
    }

    private mutating func fill(
        _ targets: [ServiceTarget], _ ports: [JSON], _ own: [EndpointSlice], _ unused: inout [EndpointSlice],
        _ service: ClusterService, _ family: AddressFamily, _ capacity: Int
    ) {
        var missing: [String: EndpointSlice.Endpoint] = [:]
        for target in targets { missing[target.uid] = target.endpoint }
        var kept: [(slice: EndpointSlice, endpoints: [EndpointSlice.Endpoint])] = own.map { slice in
            let endpoints = slice.endpoints.compactMap { old in
                old.json.at("targetRef", "uid").string.flatMap { missing.removeValue(forKey: $0) }
            }
            return (slice, Array(endpoints))
        }
        var rest = targets.filter { missing[$0.uid] != nil }
            .sorted { $0.endpoint.targetName < $1.endpoint.targetName }.map(\.endpoint)[...]
        // Slices that are written anyway take the new endpoints first, then any with room.
        let changed = kept.indices.filter { kept[$0].endpoints != kept[$0].slice.endpoints }
        for index in changed + kept.indices.filter({ !changed.contains($0) }) where !rest.isEmpty {
            let room = max(0, capacity - kept[index].endpoints.count)
            kept[index].endpoints += rest.prefix(room)
            rest = rest.dropFirst(room)
        }
        while !rest.isEmpty || kept.isEmpty {
            var slice = unused.popLast() ?? EndpointSlice.new(for: service, family)
            let isNew = slice.name.isEmpty
            slice.endpoints = Array(rest.prefix(capacity))
            slice.ports = ports
            slice.label(for: service)
            if isNew { create.append(slice) } else { update.append(slice) }
            rest = rest.dropFirst(capacity)
            kept.append((slice, slice.endpoints))
        }
        let written = Set(update.map(\.metadata.uid))
        var spared = kept.contains { !$0.endpoints.isEmpty }
        for (slice, endpoints) in kept where !slice.name.isEmpty && !written.contains(slice.metadata.uid) {
            if endpoints.isEmpty, spared {
                delete.append(slice)
                continue
            }
            spared = true
            var copy = slice
            if slice.endpoints != endpoints { copy.endpoints = endpoints }
            copy.label(for: service)
            if copy != slice { update.append(copy) }
        }
    }
}

extension EndpointSlice.Endpoint {
    fileprivate var targetName: String { json.at("targetRef", "name").string ?? "" }
}

extension EndpointSlice {
    static let manager = "endpointslice-controller.k8s.io"

    fileprivate static func new(for service: ClusterService, _ family: AddressFamily) -> EndpointSlice {
        var slice = EndpointSlice([
            "apiVersion": .string(type.apiVersion), "kind": .string(type.kind),
            "addressType": .string(family.rawValue),
        ])
        var metadata = ObjectMeta([:])
        metadata.generateName = service.name + "-"
        metadata.namespace = service.namespace
        metadata.ownerReferences = [OwnerReference(controller: service)]
        slice.metadata = metadata
        return slice
    }

    fileprivate mutating func label(for service: ClusterService) {
        var labels = service.inheritedLabels
        labels[EndpointSlice.serviceLabel] = service.name
        labels[EndpointSlice.managerLabel] = EndpointSlice.manager
        if metadata.labels != labels { metadata.labels = labels }
    }
}
