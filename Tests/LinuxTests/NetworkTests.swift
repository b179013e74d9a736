import Glibc
import Shared
import Testing

@testable import Agent

@Suite(.enabled(if: NetworkBed.isRoot, "These tests make network namespaces and need root."), .serialized)
struct NetworkTests {
    static let address = IPv4Address(10, 96, 0, 10)

    /// Two nodes, two pods on the first and one on the second, all behind one service.
    struct Cluster {
        let bed: NetworkBed
        let nodes: [NetworkBed.Node]
        let pods: [NetworkBed.Pod]
        var backends: [(IPv4Address, String)] {
            [(pods[0].address, "node-1"), (pods[1].address, "node-1"), (pods[2].address, "node-2")]
        }

        init() async throws {
            bed = try NetworkBed()
            nodes = [try await bed.node(1), try await bed.node(2)]
            let peers = nodes.map { PeerNode(name: $0.name, address: $0.place.address, podCIDR: $0.place.podCIDR) }
            for node in nodes { try await node.network.apply(peers: peers) }
            pods = [
                try await bed.pod("a", on: nodes[0]), try await bed.pod("b", on: nodes[0]),
                try await bed.pod("c", on: nodes[1]),
            ]
        }
        func offer(_ entry: ServiceEntry) async throws {
            for node in nodes { try await node.network.update(services: [entry.name: entry]) }
        }
        /// Connects so many times; all must succeed.
        func reach(
            _ count: Int, from namespace: NetworkNamespace, _ address: IPv4Address, _ port: UInt16
        ) throws -> [(pod: String, from: IPv4Address)] {
            for _ in 0..<count {
                #expect(try bed.connect(from: namespace, to: address, port: port) == 0)
            }
            return bed.accepted(by: pods)
        }
    }

    @Test func `pods reach each other across nodes with their own addresses`() async throws {
        let cluster = try await Cluster()
        let got = try cluster.reach(1, from: cluster.pods[0].namespace, cluster.pods[2].address, 8080)
        #expect(got.map(\.pod) == ["c"] && got.map(\.from) == [cluster.pods[0].address])
        let near = try cluster.reach(1, from: cluster.pods[0].namespace, cluster.pods[1].address, 8080)
        #expect(near.map(\.pod) == ["b"] && near.map(\.from) == [cluster.pods[0].address])
    }

    @Test func `a service is balanced over all pods, from a pod and from a node`() async throws {
        let cluster = try await Cluster()
        try await cluster.offer(NetworkBed.service("web", Self.address, backends: cluster.backends))
        let fromPod = try cluster.reach(40, from: cluster.pods[0].namespace, Self.address, 80)
        #expect(fromPod.count == 40 && Set(fromPod.map(\.pod)) == ["a", "b", "c"])
        // Seen by others, the client keeps its address; seen by itself, it is the node.
        #expect(Set(fromPod.filter { $0.pod != "a" }.map(\.from)) == [cluster.pods[0].address])
        let fromNode = try cluster.reach(40, from: cluster.nodes[1].namespace, Self.address, 80)
        #expect(fromNode.count == 40 && Set(fromNode.map(\.pod)) == ["a", "b", "c"])
        #expect(Set(fromNode.map(\.from)) == [IPv4Address(10, 244, 2, 1)])
    }

    @Test func `a pod reaches itself through its service`() async throws {
        let cluster = try await Cluster()
        let own = [(cluster.pods[0].address, "node-1")]
        try await cluster.offer(NetworkBed.service("web", Self.address, backends: own))
        let got = try cluster.reach(3, from: cluster.pods[0].namespace, Self.address, 80)
        #expect(got.map(\.pod) == ["a", "a", "a"] && !got.map(\.from).contains(cluster.pods[0].address))
    }

    @Test func `a node port answers from outside, on localhost and for pods`() async throws {
        let cluster = try await Cluster()
        try await cluster.offer(
            NetworkBed.service("web", Self.address, nodePort: 30080, backends: cluster.backends))
        for node in cluster.nodes {
            let outside = try cluster.reach(30, from: cluster.bed.outside, node.place.address, 30080)
            #expect(outside.count == 30 && Set(outside.map(\.pod)) == ["a", "b", "c"])
            let local = try cluster.reach(30, from: node.namespace, .loopback, 30080)
            #expect(local.count == 30 && Set(local.map(\.pod)) == ["a", "b", "c"])
        }
        let fromPod = try cluster.reach(30, from: cluster.pods[0].namespace, cluster.nodes[1].place.address, 30080)
        #expect(fromPod.count == 30)
    }

    @Test func `a service without endpoints is refused at once`() async throws {
        let cluster = try await Cluster()
        try await cluster.offer(NetworkBed.service("web", Self.address, nodePort: 30080, backends: []))
        #expect(try cluster.bed.connect(from: cluster.pods[0].namespace, to: Self.address, port: 80) == ECONNREFUSED)
        #expect(try cluster.bed.connect(from: cluster.nodes[0].namespace, to: Self.address, port: 80) == ECONNREFUSED)
        let node = cluster.nodes[0].place.address
        #expect(try cluster.bed.connect(from: cluster.bed.outside, to: node, port: 30080) == ECONNREFUSED)
    }

    @Test func `a client stays with its endpoint until that is gone`() async throws {
        let cluster = try await Cluster()
        var entry = NetworkBed.service("web", Self.address, affinity: 60, backends: cluster.backends)
        try await cluster.offer(entry)
        let first = try cluster.reach(20, from: cluster.pods[0].namespace, Self.address, 80)
        #expect(first.count == 20 && Set(first.map(\.pod)).count == 1)
        entry.groups[0].endpoints.removeAll { endpoint in
            cluster.pods.contains { $0.name == first[0].pod && $0.address == endpoint.address }
        }
        try await cluster.offer(entry)
        let second = try cluster.reach(20, from: cluster.pods[0].namespace, Self.address, 80)
        #expect(second.count == 20 && Set(second.map(\.pod)).count == 1 && second[0].pod != first[0].pod)
    }

    @Test func `pods reach the outside with the node's address`() async throws {
        let cluster = try await Cluster()
        let outside = NetworkBed.Pod(
            name: "outside", namespace: cluster.bed.outside, address: NetworkBed.outsideAddress,
            listener: try cluster.bed.listen(cluster.bed.outside, 9090))
        let code = try cluster.bed.connect(
            from: cluster.pods[0].namespace, to: NetworkBed.outsideAddress, port: 9090)
        #expect(code == 0)
        #expect(cluster.bed.accepted(by: [outside]).map(\.from) == [cluster.nodes[0].place.address])
    }

    @Test func `a detached pod is unreachable at once and its address is not reused soon`() async throws {
        let cluster = try await Cluster()
        try await cluster.nodes[0].network.detach(uid: "uid-b")
        let code = try cluster.bed.connect(
            from: cluster.pods[2].namespace, to: cluster.pods[1].address, port: 8080)
        #expect(code == EHOSTUNREACH)
        let next = try await cluster.bed.pod("d", on: cluster.nodes[0])
        #expect(next.address != cluster.pods[1].address)
    }

    @Test func `peers in another subnet are reached through a tunnel`() async throws {
        let cluster = try await Cluster()
        // The nodes see each other's second addresses through a route only.
        let far = [IPv4Address(172, 31, 8, 11), IPv4Address(172, 31, 9, 12)]
        for (index, node) in cluster.nodes.enumerated() {
            let descriptor = try node.namespace.open()
            defer { close(descriptor) }
            var netlink = try NetlinkSocket(.route, in: descriptor)
            let link = try #require(try netlink.query(Link.get("eth0")).compactMap(Link.init).first)
            try netlink.perform([
                LinkAddress(link: link.index, far[index], prefix: 32).replace,
                Route(
                    IPv4Network(far[1 - index], prefix: 32), via: cluster.nodes[1 - index].place.address,
                    source: far[index]
                ).replace,
            ])
            let place = NodeNetwork(
                name: node.name, address: far[index], podCIDR: node.place.podCIDR,
                clusterCIDR: node.place.clusterCIDR, serviceCIDR: node.place.serviceCIDR)
            let running = cluster.pods.filter { node.place.podCIDR.contains($0.address) }.map {
                PodAttachment(uid: "uid-\($0.name)", namespace: "default", name: $0.name, address: $0.address)
            }
            _ = try await node.network.setUp(place, running: running)
            let other = 1 - index
            try await node.network.apply(peers: [
                PeerNode(
                    name: cluster.nodes[other].name, address: far[other],
                    podCIDR: cluster.nodes[other].place.podCIDR)
            ])
        }
        let got = try cluster.reach(2, from: cluster.pods[0].namespace, cluster.pods[2].address, 8080)
        #expect(got.map(\.pod) == ["c", "c"] && got.map(\.from) == [cluster.pods[0].address, cluster.pods[0].address])
    }

    @Test func `a pod asks its gateway for the name of a service`() async throws {
        let cluster = try await Cluster()
        let entry = NetworkBed.service("web", Self.address, backends: cluster.backends)
        try await cluster.offer(entry)
        var zone = Zone(networks: [cluster.nodes[0].place.clusterCIDR, cluster.nodes[0].place.serviceCIDR])
        zone.set(entry.name, entry)
        let server = try cluster.nodes[0].namespace.run {
            try NameServer(
                on: IPv4Endpoint(LinuxPodNetwork.gateway, port: 53), zone: zone, upstream: [], clock: SystemClock(),
                log: Log("dns"), randomIdentifier: { 1 })
        }
        let client = try cluster.pods[0].namespace.run {
            try DatagramSocket(connect: IPv4Endpoint(LinuxPodNetwork.gateway, port: 53))
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            var query = DNSMessage(identifier: 5)
            let name = try #require(DNSName("web.default.svc.cluster.local"))
            query.questions = [.init(name: name, kind: DNSMessage.Kind.address)]
            try client.send(query.encoded())
            let bytes = try await client.receive(until: SystemClock().uptime() + .seconds(2)).bytes
            #expect(try DNSMessage(bytes).answers.map(\.content) == [.address(Self.address)])
            group.cancelAll()
            while let result = await group.nextResult() { _ = result }
        }
    }

    @Test func `a node port answers on localhost of the machine that carries the nodes`() async throws {
        let cluster = try await Cluster()
        try await cluster.offer(
            NetworkBed.service("web", Self.address, nodePort: 30080, backends: cluster.backends))
        let descriptor = try cluster.bed.outside.open()
        defer { close(descriptor) }
        try cluster.bed.outside.run {
            let setting = Glibc.open("/proc/sys/" + MachineTable.localhostSetting(bridge: "br0"), O_WRONLY)
            #expect(write(setting, "1", 1) == 1)
            close(setting)
        }
        var filter = try NetlinkSocket(.netfilter, in: descriptor)
        let network = IPv4Network(NetworkBed.outsideAddress, prefix: 24)
        for nodes in [cluster.nodes.map(\.place.address), [cluster.nodes[1].place.address]] {
            try filter.transact(MachineTable.rebuild(bridge: "br0", network: network, nodes: nodes).transaction)
            let got = try cluster.reach(40, from: cluster.bed.outside, .loopback, 30080)
            #expect(got.count == 40 && Set(got.map(\.pod)) == ["a", "b", "c"])
        }
        try filter.transact(MachineTable.remove().transaction)
        #expect(try filter.query(NetfilterBatch.listTables(.ipv4)).isEmpty)
    }

    @Test func `tearing down leaves nothing behind`() async throws {
        let cluster = try await Cluster()
        try await cluster.offer(NetworkBed.service("web", Self.address, backends: cluster.backends))
        let node = cluster.nodes[0]
        try await node.network.tearDown()
        let descriptor = try node.namespace.open()
        defer { close(descriptor) }
        var netlink = try NetlinkSocket(.route, in: descriptor), filter = try NetlinkSocket(.netfilter, in: descriptor)
        #expect(try netlink.query(Link.list).compactMap(Link.init).map(\.name).sorted() == ["eth0", "lo"])
        #expect(try filter.query(NetfilterBatch.listTables(.ipv4)).compactMap(NetfilterBatch.names).isEmpty)
        let routes = try netlink.query(Route.list).compactMap(Route.init).map(\.destination.description)
        #expect(routes.sorted() == ["0.0.0.0/0", "172.31.7.0/24"])
    }

    @Test func `one endpoint among a thousand services changes in little time`() async throws {
        let bed = try NetworkBed()
        let node = try await bed.node(1)
        var changes: [ServiceName: ServiceEntry?] = [:]
        for number in 0..<1000 {
            let address = IPv4Address(10, 96, UInt8(1 + number / 250), UInt8(number % 250))
            let backends = (0..<4).map { (IPv4Address(10, 244, 9, UInt8($0 + 2)), "node-9") }
            let entry = NetworkBed.service("s\(number)", address, nodePort: UInt16(30000 + number), backends: backends)
            changes[entry.name] = entry
        }
        let clock = SystemClock()
        let start = clock.uptime()
        try await node.network.update(services: changes)
        let all = clock.uptime() - start
        var entry = NetworkBed.service(
            "s7", IPv4Address(10, 96, 1, 7), nodePort: 30007, backends: [(IPv4Address(10, 244, 9, 2), "node-9")])
        var times: [Duration] = []
        for round in 0..<100 {
            entry.groups[0].endpoints.append(Endpoint(address: IPv4Address(10, 244, 8, UInt8(round + 2))))
            let start = clock.uptime()
            try await node.network.update(services: [entry.name: entry])
            times.append(clock.uptime() - start)
        }
        times.sort()
        print("1000 services: \(all); one endpoint change: median \(times[50]), 99th \(times[99])")
        #expect(times[50] < .milliseconds(50))
    }
}
