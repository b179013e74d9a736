import Shared
import Testing

@testable import Agent

struct ServiceRulesTests {
    static let address = IPv4Address(10, 96, 0, 10)

    static func service(_ endpoints: [Endpoint], edit: (inout ServiceEntry) -> Void = { _ in }) -> ServiceEntry {
        var entry = ServiceEntry(name: ServiceName(namespace: "default", name: "web"))
        entry.ports = [.init(name: "http", transport: .tcp, port: 80, nodePort: 30080)]
        entry.clusterIPs = [address]
        entry.groups = [
            EndpointGroup(ports: [.init(name: "http", transport: .tcp, number: 8080)], endpoints: endpoints)
        ]
        edit(&entry)
        return entry
    }
    static func endpoint(_ last: UInt8, node: String = "n1") -> Endpoint {
        Endpoint(address: IPv4Address(10, 244, 1, last), nodeName: node)
    }
    static let key = ServiceRules.AddressPort(address: address, transport: .tcp, port: 80)

    @Test func `only ready endpoints get connections`() {
        var sick = Self.endpoint(3)
        sick.isReady = false
        let backends = Self.service([Self.endpoint(2), sick])
        #expect(backends.backends(of: backends.ports[0]).map(\.address) == [IPv4Address(10, 244, 1, 2)])
    }

    @Test func `when none is ready, those that still serve while they end are used`() {
        var leaving = Self.endpoint(3)
        (leaving.isReady, leaving.isServing, leaving.isTerminating) = (false, true, true)
        var dead = Self.endpoint(4)
        (dead.isReady, dead.isServing, dead.isTerminating) = (false, false, true)
        let entry = Self.service([leaving, dead])
        #expect(entry.backends(of: entry.ports[0]).map(\.address) == [IPv4Address(10, 244, 1, 3)])
    }

    @Test func `a service without endpoints leads nowhere`() {
        #expect(ServiceRules(Self.service([]), node: "n1") == ServiceRules())
    }

    @Test func `a headless service has no rules`() {
        let entry = Self.service([Self.endpoint(2)]) { $0.isHeadless = true }
        #expect(ServiceRules(entry, node: "n1") == ServiceRules())
    }

    @Test func `an internal policy of Local uses this node's endpoints only`() {
        let entry = Self.service([Self.endpoint(2), Self.endpoint(3, node: "n2")]) { $0.isInternalLocal = true }
        let rules = ServiceRules(entry, node: "n2")
        let chain = rules.addresses[Self.key].flatMap { rules.chains[$0] }
        #expect(chain?.backends.map(\.address) == [IPv4Address(10, 244, 1, 3)])
        #expect(ServiceRules(entry, node: "n3").addresses[Self.key] == nil)
    }

    @Test func `an external policy of Local keeps the source and the balance inside`() {
        let entry = Self.service([Self.endpoint(2), Self.endpoint(3, node: "n2")]) { $0.isExternalLocal = true }
        let rules = ServiceRules(entry, node: "n2")
        let port = rules.nodePorts[.init(transport: .tcp, port: 30080)]
        #expect(
            port.flatMap { rules.chains[$0] } == .local(all: "svc-default/web/tcp/80", local: "loc-default/web/tcp/80"))
        #expect(rules.addresses[Self.key] == "svc-default/web/tcp/80")
    }

    @Test func `one endpoint more changes one chain and no element`() {
        let old = ServiceRules(Self.service([Self.endpoint(2), Self.endpoint(3)]), node: "n1")
        let new = ServiceRules(Self.service([Self.endpoint(2), Self.endpoint(3), Self.endpoint(4)]), node: "n1")
        var batch = NetfilterBatch()
        ServiceRules.change(from: [old], to: [new], into: &batch)
        #expect(
            batch.messages.map(\.purpose) == [
                "empty chain svc-default/web/tcp/80", "add set __map%d", "add elements to __map%d",
                "add a rule to svc-default/web/tcp/80",
            ])
    }

    @Test func `no change makes no message`() {
        let rules = ServiceRules(Self.service([Self.endpoint(2)]), node: "n1")
        var batch = NetfilterBatch()
        ServiceRules.change(from: [rules], to: [rules], into: &batch)
        #expect(batch.isEmpty)
    }

    @Test func `a table tells which service a slice changed`() {
        var service = ClusterService(name: "web", namespace: "default")
        service.json["spec"] = ["clusterIP": "10.96.0.10", "ports": [["port": 80, "name": "http"]]]
        var slice = EndpointSlice(name: "web-x", namespace: "default")
        slice.metadata.labels = ["kubernetes.io/service-name": "web"]
        slice.json["addressType"] = "IPv4"
        slice.json["ports"] = [["name": "http", "port": 8080, "protocol": "TCP"]]
        slice.json["endpoints"] = [["addresses": ["10.244.1.2"], "conditions": ["ready": true]]]
        var table = ServiceTable()
        let name = ServiceName(namespace: "default", name: "web")
        #expect(table.set(slice) == nil)
        #expect(table.set(service) == name)
        #expect(table[name]?.groups.first?.endpoints.map(\.address) == [IPv4Address(10, 244, 1, 2)])
        #expect(table.set(slice) == nil)
        #expect(table.remove(slice) == name)
        #expect(table.remove(service) == name && table.entries.isEmpty)
    }
}

struct AddressPoolTests {
    let network = IPv4Network(IPv4Address(10, 244, 1, 0), prefix: 29)

    @Test func `no address is given twice and freed ones come last`() throws {
        var pool = AddressPool(network)
        let first = try pool.allocate(uid: "a")
        #expect(first == IPv4Address(10, 244, 1, 2))
        pool.release(uid: "a")
        let later = try ["b", "c", "d", "e"].map { try pool.allocate(uid: $0) }
        #expect(!later.contains(first) && Set(later).count == 4)
        #expect(try pool.allocate(uid: "f") == first)
        #expect(throws: AddressPool.Exhausted.self) { try pool.allocate(uid: "g") }
    }

    @Test func `a pod that runs keeps its address`() throws {
        var pool = AddressPool(network)
        #expect(try pool.allocate(uid: "a", wanted: IPv4Address(10, 244, 1, 4)) == IPv4Address(10, 244, 1, 4))
        #expect(try pool.allocate(uid: "b", wanted: IPv4Address(10, 244, 1, 4)) == IPv4Address(10, 244, 1, 2))
        #expect(try pool.allocate(uid: "a") == IPv4Address(10, 244, 1, 4))
    }
}

struct RoutePlanTests {
    let node = NodeNetwork(
        name: "n1", address: IPv4Address(172, 31, 0, 11), podCIDR: IPv4Network(IPv4Address(10, 244, 1, 0), prefix: 24),
        clusterCIDR: IPv4Network(IPv4Address(10, 244, 0, 0), prefix: 16),
        serviceCIDR: IPv4Network(IPv4Address(10, 96, 0, 0), prefix: 16))
    let addresses = [LinkAddress(link: 2, IPv4Address(172, 31, 0, 11), prefix: 24)]
    func peer(_ number: UInt8, at address: IPv4Address) -> PeerNode {
        PeerNode(
            name: "n\(number)", address: address, podCIDR: IPv4Network(IPv4Address(10, 244, number, 0), prefix: 24))
    }

    @Test func `a neighbour is reached directly, another node through the tunnel`() {
        let peers = [peer(2, at: IPv4Address(172, 31, 0, 12)), peer(3, at: IPv4Address(192, 168, 0, 3))]
        #expect(RoutePlan.needsTunnel(peers, addresses: addresses))
        let plan = RoutePlan.make(peers: peers, node: node, addresses: addresses, tunnel: 9)
        #expect(plan.routes.map(\.gateway) == [IPv4Address(172, 31, 0, 12), IPv4Address(10, 244, 3, 1)])
        #expect(plan.routes.map(\.link) == [0, 9] && plan.neighbours.count == 2)
    }

    @Test func `routes of nodes that left are removed and others are not touched`() {
        let gone = Route(IPv4Network(IPv4Address(10, 244, 7, 0), prefix: 24), via: IPv4Address(172, 31, 0, 17))
        let foreign = Route(IPv4Network(IPv4Address(10, 0, 0, 0), prefix: 24), via: IPv4Address(172, 31, 0, 1))
        let own = Route(IPv4Network(IPv4Address(10, 244, 1, 5), prefix: 32), link: 4)
        let changes = RoutePlan.changes(have: [gone, foreign, own], want: [], node: node)
        #expect(changes == [gone.delete])
    }

    @Test func `a block that the machine routes is refused with a free one`() throws {
        let wanted = IPv4Network(IPv4Address(10, 244, 0, 0), prefix: 16)
        let routed = try #require(IPv4Network("10.244.3.0/24"))
        let collision = try #require(CIDRCheck.collision(of: wanted, routes: [.all, routed]))
        #expect(collision.proposal?.prefix == 16 && collision.proposal?.overlaps(routed) == false)
        #expect(CIDRCheck.collision(of: wanted, routes: [.all]) == nil)
    }
}
