import Glibc
import Shared
import Testing

@testable import Agent

/// Two nodes and an outside machine as network namespaces joined by a bridge; owns them and removes them.
///
/// Servers are listening sockets inside the namespaces of pods: the kernel completes the handshakes, so a test needs no
/// second process and waits for nothing but packets.
final class NetworkBed {
    static let isRoot = geteuid() == 0
    static let outsideAddress = IPv4Address(172, 31, 7, 1)
    let directory = "/run/kotohajime-test/\(getpid())-\(UInt32.random(in: 0 ... .max))"
    private(set) var namespaces: [NetworkNamespace] = []
    private var sockets: [Int32] = []

    struct Pod {
        let name: String
        let namespace: NetworkNamespace
        let address: IPv4Address
        let listener: Int32
    }
    struct Node {
        let name: String
        let namespace: NetworkNamespace
        let place: NodeNetwork
        let network: LinuxPodNetwork
    }
    let outside: NetworkNamespace

    init() throws {
        outside = NetworkNamespace(name: "outside", directory: directory)
        namespaces = [outside]
        try outside.create()
        let descriptor = try outside.open()
        defer { close(descriptor) }
        var netlink = try NetlinkSocket(.route, in: descriptor)
        try netlink.perform(Link.add("br0", .bridge))
        let bridge = try #require(try netlink.query(Link.get("br0")).compactMap(Link.init).first)
        try netlink.perform([
            Link.set(index: bridge.index, up: true),
            LinkAddress(link: bridge.index, NetworkBed.outsideAddress, prefix: 24).replace,
        ])
    }

    deinit {
        for socket in sockets { close(socket) }
        for namespace in namespaces { try? namespace.delete() }
        rmdir(directory)
    }

    func node(_ number: UInt8, services: ServiceTable = ServiceTable()) async throws -> Node {
        let namespace = try make("node-\(number)")
        let descriptor = try namespace.open(), far = try outside.open()
        defer {
            close(descriptor)
            close(far)
        }
        var inside = try NetlinkSocket(.route, in: descriptor), bridge = try NetlinkSocket(.route, in: far)
        try bridge.perform(Link.add("to-\(number)", .veth(peer: "eth0", namespace: descriptor)))
        let links = try bridge.query(Link.list).compactMap(Link.init)
        let port = try #require(links.first { $0.name == "to-\(number)" })
        let master = try #require(links.first { $0.name == "br0" })
        try bridge.perform(Link.set(index: port.index, up: true, master: master.index))
        let link = try #require(try inside.query(Link.get("eth0")).compactMap(Link.init).first)
        let address = IPv4Address(172, 31, 7, 10 + number)
        try inside.perform([
            Link.set(index: link.index, up: true), LinkAddress(link: link.index, address, prefix: 24).replace,
            Route(.all, via: NetworkBed.outsideAddress).replace,
        ])
        let place = NodeNetwork(
            name: "node-\(number)", address: address,
            podCIDR: IPv4Network(IPv4Address(10, 244, number, 0), prefix: 24),
            clusterCIDR: IPv4Network(IPv4Address(10, 244, 0, 0), prefix: 16),
            serviceCIDR: IPv4Network(IPv4Address(10, 96, 0, 0), prefix: 16))
        let network = try LinuxPodNetwork(log: Log("network"), namespace: namespace)
        #expect(try await network.setUp(place, running: []) == [])
        return Node(name: place.name, namespace: namespace, place: place, network: network)
    }

    /// A pod that listens on TCP port 8080.
    func pod(_ name: String, on node: Node) async throws -> Pod {
        let namespace = try make(name)
        let descriptor = try namespace.open()
        defer { close(descriptor) }
        let attachment = PodAttachment(uid: "uid-\(name)", namespace: "default", name: name)
        let told = try await node.network.attach(attachment, to: .descriptor(descriptor))
        return Pod(name: name, namespace: namespace, address: told.address, listener: try listen(namespace, 8080))
    }

    func make(_ name: String) throws -> NetworkNamespace {
        let namespace = NetworkNamespace(name: name, directory: directory)
        namespaces.append(namespace)
        try namespace.create()
        return namespace
    }

    func listen(_ namespace: NetworkNamespace, _ port: UInt16) throws -> Int32 {
        let socket = try open(namespace, Int32(SOCK_STREAM.rawValue))
        try withAddress(.any, port) { #expect(bind(socket, $0, $1) == 0) }
        #expect(Glibc.listen(socket, 64) == 0)
        return socket
    }

    /// Opens a non-blocking socket in the namespace; closed with the bed.
    func open(_ namespace: NetworkNamespace, _ type: Int32) throws -> Int32 {
        let socket = try namespace.run { Glibc.socket(AF_INET, type | Int32(SOCK_NONBLOCK.rawValue), 0) }
        try #require(socket >= 0)
        sockets.append(socket)
        return socket
    }

    /// Connects and returns 0 or the error number; ETIMEDOUT after two seconds without any answer.
    func connect(
        from namespace: NetworkNamespace, to address: IPv4Address, port: UInt16, source: IPv4Address? = nil
    ) throws -> Int32 {
        let socket = try open(namespace, Int32(SOCK_STREAM.rawValue))
        if let source { try withAddress(source, 0) { #expect(bind(socket, $0, $1) == 0) } }
        let direct = try withAddress(address, port) { Glibc.connect(socket, $0, $1) == 0 ? 0 : errno }
        guard direct == EINPROGRESS else { return direct }
        var wait = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
        guard poll(&wait, 1, 2000) == 1 else { return ETIMEDOUT }
        var code: Int32 = 0
        var length = socklen_t(4)
        getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &length)
        return code
    }

    /// Takes the waiting connections: who got them, from which address.
    func accepted(by pods: [Pod]) -> [(pod: String, from: IPv4Address)] {
        var result: [(String, IPv4Address)] = []
        for pod in pods {
            while true {
                var address = sockaddr_in()
                var length = socklen_t(MemoryLayout<sockaddr_in>.size)
                let socket = withUnsafeMutablePointer(to: &address) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { accept(pod.listener, $0, &length) }
                }
                guard socket >= 0 else { break }
                close(socket)
                result.append((pod.name, IPv4Address(value: UInt32(bigEndian: address.sin_addr.s_addr))))
            }
        }
        return result
    }

    func withAddress<R>(
        _ address: IPv4Address, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> R
    )
        throws -> R
    {
        var raw = sockaddr_in()
        raw.sin_family = sa_family_t(AF_INET)
        raw.sin_port = port.bigEndian
        raw.sin_addr.s_addr = address.value.bigEndian
        return try withUnsafePointer(to: &raw) {
            try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    static func service(
        _ name: String, _ address: IPv4Address, nodePort: UInt16 = 0, affinity: Int? = nil,
        backends: [(IPv4Address, String)]
    ) -> ServiceEntry {
        var entry = ServiceEntry(name: ServiceName(namespace: "default", name: name))
        entry.ports = [.init(name: "", transport: .tcp, port: 80, nodePort: nodePort)]
        entry.clusterIPs = [address]
        entry.affinitySeconds = affinity
        entry.groups = [
            EndpointGroup(
                ports: [.init(name: "", transport: .tcp, number: 8080)],
                endpoints: backends.map { Endpoint(address: $0.0, nodeName: $0.1) })
        ]
        return entry
    }
}
