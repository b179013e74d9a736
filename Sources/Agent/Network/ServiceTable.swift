import Shared

/// A transport of a service port. The raw value is how Kubernetes writes it.
enum PortProtocol: String, Hashable, Sendable, CaseIterable {
    case tcp = "TCP"
    case udp = "UDP"
    case sctp = "SCTP"

    /// The protocol number in the IP header. Source: IANA protocol numbers.
    var number: UInt8 {
        switch self {
        case .tcp: 6
        case .udp: 17
        case .sctp: 132
        }
    }
    /// `tcp`, `udp`, `sctp`: as rules and SRV names write it.
    var label: String { rawValue.lowercased() }
}

struct ServiceName: Hashable, Sendable, Comparable, CustomStringConvertible {
    let namespace: String
    let name: String
    var description: String { "\(namespace)/\(name)" }
    static func < (left: ServiceName, right: ServiceName) -> Bool {
        (left.namespace, left.name) < (right.namespace, right.name)
    }
}

/// One address behind a service. Source: discovery.k8s.io/v1 Endpoint.
struct Endpoint: Hashable, Sendable {
    let address: IPv4Address
    /// True also when `conditions.ready` is missing, as the API defines.
    var isReady = true
    var isServing = true
    var isTerminating = false
    /// The node it runs on; empty when unknown.
    var nodeName = ""
    /// The name that it has below the service's own, for pods of a StatefulSet.
    var hostname = ""
}

/// Endpoints that share a list of ports: one EndpointSlice.
struct EndpointGroup: Hashable, Sendable {
    /// Port numbers by (name, transport); an unnamed port has the empty name.
    var ports: [Port]
    var endpoints: [Endpoint]

    struct Port: Hashable, Sendable {
        let name: String
        let transport: PortProtocol
        let number: UInt16
    }
}

/// A service and what is behind it: all that rules and DNS answers are made from.
struct ServiceEntry: Hashable, Sendable {
    let name: ServiceName
    var ports: [Port] = []
    /// Empty for headless services and ExternalName.
    var clusterIPs: [IPv4Address] = []
    /// `externalIPs` and the addresses of a load balancer.
    var externalIPs: [IPv4Address] = []
    /// The name that an ExternalName service stands for; empty otherwise.
    var externalName = ""
    var isHeadless = false
    /// Ready or not, all addresses are published in DNS.
    var publishesNotReady = false
    /// Seconds that a client stays with its endpoint (`sessionAffinity: ClientIP`); nil for none.
    var affinitySeconds: Int?
    /// `externalTrafficPolicy: Local`.
    var isExternalLocal = false
    /// `internalTrafficPolicy: Local`.
    var isInternalLocal = false
    /// Sorted by slice name, so that equal tables compare equal.
    var groups: [EndpointGroup] = []

    struct Port: Hashable, Sendable {
        let name: String
        let transport: PortProtocol
        let port: UInt16
        /// 0 when there is none.
        var nodePort: UInt16 = 0
    }
}

/// All services of the cluster with their endpoints.
struct ServiceTable: Hashable, Sendable {
    private(set) var entries: [ServiceName: ServiceEntry] = [:]
    private var services: [ServiceName: ClusterService] = [:]
    private var slices: [ServiceName: [String: EndpointSlice]] = [:]

    init() {}
    init(services: some Sequence<ClusterService>, slices: some Sequence<EndpointSlice>) {
        for slice in slices { _ = set(slice) }
        for service in services { _ = set(service) }
    }

    subscript(name: ServiceName) -> ServiceEntry? { entries[name] }

    /// Takes a new or changed service in; returns its name when anything that matters changed.
    mutating func set(_ service: ClusterService) -> ServiceName? {
        let name = ServiceName(namespace: service.namespace, name: service.name)
        services[name] = service
        return rebuild(name)
    }

    /// Takes a new or changed slice in; returns the name of its service when anything that matters changed.
    mutating func set(_ slice: EndpointSlice) -> ServiceName? {
        guard let name = ServiceTable.serviceName(of: slice) else { return nil }
        slices[name, default: [:]][slice.name] = slice
        return rebuild(name)
    }

    mutating func remove(_ service: ClusterService) -> ServiceName? {
        let name = ServiceName(namespace: service.namespace, name: service.name)
        services[name] = nil
        return rebuild(name)
    }

    mutating func remove(_ slice: EndpointSlice) -> ServiceName? {
        guard let name = ServiceTable.serviceName(of: slice) else { return nil }
        slices[name]?[slice.name] = nil
        if slices[name]?.isEmpty ?? false { slices[name] = nil }
        return rebuild(name)
    }

    private mutating func rebuild(_ name: ServiceName) -> ServiceName? {
        let sorted = (slices[name] ?? [:]).sorted { $0.key < $1.key }.map(\.value)
        let entry = services[name].map { ServiceEntry($0, slices: sorted) }
        guard entries[name] != entry else { return nil }
        entries[name] = entry
        return name
    }

    /// The service a slice belongs to. Source: label `kubernetes.io/service-name`.
    private static func serviceName(of slice: EndpointSlice) -> ServiceName? {
        guard let service = slice.metadata.labels["kubernetes.io/service-name"], !service.isEmpty else { return nil }
        return ServiceName(namespace: slice.namespace, name: service)
    }
}
