import Shared

/// What has to be written so that slices say what an Endpoints object without a controller says.
/// Source: the EndpointSlice mirroring controller, KEP-752.
struct MirrorPlan: Equatable {
    static let manager = "endpointslicemirroring-controller.k8s.io"
    static let skipLabel = "endpointslice.kubernetes.io/skip-mirror"
    private static let leader = "control-plane.alpha.kubernetes.io/leader"
    private static let privateAnnotations = [
        "kubectl.kubernetes.io/last-applied-configuration", "endpoints.kubernetes.io/last-change-trigger-time",
    ]

    var create: [EndpointSlice] = []
    var update: [EndpointSlice] = []
    var delete: [EndpointSlice] = []
    /// Addresses beyond the most that are mirrored of one subset.
    var skipped = 0

    /// Whether the endpoints are written by hand, for a service that selects no pods, and want to be mirrored.
    static func concerns(_ endpoints: Endpoints, of service: ClusterService?) -> Bool {
        guard let service, service.selector.isEmpty, !endpoints.metadata.isDeleting else { return false }
        return endpoints.metadata.labels[skipLabel] != "true" && endpoints.metadata.annotations[leader] == nil
    }

    init(_ endpoints: Endpoints, existing: [EndpointSlice], capacity: Int = Limits.endpointsAddressesMax) {
        var unused = existing.filter { !$0.metadata.isDeleting }.sorted { $0.name < $1.name }
        let subsets = endpoints.json["subsets"].items.map { subset in
            let all = MirrorPlan.endpoints(subset)
            skipped += max(0, all.count - Limits.endpointsAddressesMax)
            return (MirrorPlan.ports(subset), all.prefix(Limits.endpointsAddressesMax))
        }
        for family in [AddressFamily.four, .six] {
            var groups: [(ports: [JSON], endpoints: [JSON])] = []
            for (ports, all) in subsets {
                let addresses = all.filter { $0["addresses"][0].string?.contains(":") == (family == .six) }
                guard !addresses.isEmpty else { continue }
                if let index = groups.firstIndex(where: { $0.ports == ports }) {
                    groups[index].endpoints += addresses
                } else {
                    groups.append((ports, addresses))
                }
            }
            for group in groups {
                var rest = group.endpoints[...]
                while !rest.isEmpty {
                    put(Array(rest.prefix(capacity)), group.ports, family, endpoints, &unused)
                    rest = rest.dropFirst(capacity)
                }
            }
        }
        delete = unused
    }

    private mutating func put(
        _ addresses: [JSON], _ ports: [JSON], _ family: AddressFamily, _ endpoints: Endpoints,
        _ unused: inout [EndpointSlice]
    ) {
        // The slice that says it already, else one of the same ports, else a new one.
        let index =
            unused.firstIndex {
                $0.addressType == family.rawValue && $0.ports == ports && $0.json["endpoints"].items == addresses
            } ?? unused.firstIndex { $0.addressType == family.rawValue && $0.ports == ports }
        let known = index.map { unused.remove(at: $0) }
        var slice = known ?? MirrorPlan.new(endpoints, family)
        slice.json["endpoints"] = .array(addresses)
        slice.ports = ports
        var metadata = slice.metadata
        var labels = endpoints.metadata.labels
        labels[EndpointSlice.serviceLabel] = endpoints.name
        labels[EndpointSlice.managerLabel] = MirrorPlan.manager
        if metadata.labels != labels { metadata.labels = labels }
        let annotations = endpoints.metadata.annotations.filter { !MirrorPlan.privateAnnotations.contains($0.key) }
        if metadata.annotations != annotations { metadata.annotations = annotations }
        slice.metadata = metadata
        if known == nil { create.append(slice) } else if slice != known { update.append(slice) }
    }

    private static func new(_ endpoints: Endpoints, _ family: AddressFamily) -> EndpointSlice {
        var slice = EndpointSlice([
            "apiVersion": .string(EndpointSlice.type.apiVersion), "kind": .string(EndpointSlice.type.kind),
            "addressType": .string(family.rawValue),
        ])
        var metadata = ObjectMeta([:])
        metadata.generateName = endpoints.name + "-"
        metadata.namespace = endpoints.namespace
        metadata.ownerReferences = [OwnerReference(controller: endpoints)]
        slice.metadata = metadata
        return slice
    }

    private static func ports(_ subset: JSON) -> [JSON] {
        subset["ports"].items.map { port in
            var json: JSON = [
                "name": .string(port["name"].string ?? ""), "protocol": .string(port["protocol"].string ?? "TCP"),
                "port": port["port"],
            ]
            if let application = port["appProtocol"].string { json["appProtocol"] = .string(application) }
            return json
        }
    }

    /// Ready ones first.
    private static func endpoints(_ subset: JSON) -> [JSON] {
        [("addresses", true), ("notReadyAddresses", false)].flatMap { list, isReady in
            subset[list].items.compactMap { address -> JSON? in
                guard let ip = address["ip"].string else { return nil }
                var json: JSON = ["addresses": [.string(ip)], "conditions": ["ready": .bool(isReady)]]
                for key in ["hostname", "nodeName", "targetRef"] where !address[key].isNull { json[key] = address[key] }
                return json
            }
        }
    }
}
