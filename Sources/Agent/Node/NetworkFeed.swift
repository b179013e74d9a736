import Shared
import Synchronization

/// Carries services, endpoints and nodes from the API to the node's network and name server, in order.
final class NetworkFeed: Service {
    private struct State {
        var table = ServiceTable()
        var changed: Set<ServiceName> = []
        var peersChanged = true
        var isFirst = true
    }
    private let network: any PodNetwork
    private let names: NameServer?
    private let services: Informer<ClusterService>
    private let slices: Informer<EndpointSlice>
    private let nodes: Informer<Node>
    private let nodeName: String
    private let log: Log
    private let state = Mutex(State())
    private let signal: AsyncStream<Void>
    private let ring: AsyncStream<Void>.Continuation

    init(
        _ network: any PodNetwork, names: NameServer?, services: Informer<ClusterService>,
        slices: Informer<EndpointSlice>,
        nodes: Informer<Node>, nodeName: String, log: Log
    ) {
        self.network = network
        self.names = names
        self.services = services
        self.slices = slices
        self.nodes = nodes
        self.nodeName = nodeName
        self.log = log
        (signal, ring) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func entry(_ name: ServiceName) -> ServiceEntry? { state.withLock { $0.table[name] } }

    var entries: [ServiceEntry] { state.withLock { Array($0.table.entries.values) } }

    func run() async throws {
        await services.waitUntilSynced()
        await slices.waitUntilSynced()
        await nodes.waitUntilSynced()
        services.add { [self] change in
            switch change {
            case .added(let service), .updated(_, let service): note { $0.set(service) }
            case .removed(let service): note { $0.remove(service) }
            }
        }
        slices.add { [self] change in
            switch change {
            case .added(let slice), .updated(_, let slice): note { $0.set(slice) }
            case .removed(let slice): note { $0.remove(slice) }
            }
        }
        nodes.add { [self] _ in
            state.withLock { $0.peersChanged = true }
            ring.yield()
        }
        ring.yield()
        for await _ in signal { await apply() }
        throw CancellationError()
    }

    private func note(_ change: (inout ServiceTable) -> ServiceName?) {
        let isNew = state.withLock { state -> Bool in
            guard let name = change(&state.table) else { return false }
            state.changed.insert(name)
            return true
        }
        if isNew { ring.yield() }
    }

    private func apply() async {
        let (table, changed, peers, isFirst) = state.withLock { state in
            defer {
                state.changed = []
                state.peersChanged = false
                state.isFirst = false
            }
            return (state.table, state.changed, state.peersChanged, state.isFirst)
        }
        do {
            if peers { try await network.apply(peers: Self.peers(nodes.list(), without: nodeName)) }
            if isFirst {
                try await network.apply(services: table)
                names?.apply(services: table)
            } else if !changed.isEmpty {
                var entries: [ServiceName: ServiceEntry?] = [:]
                for name in changed { entries.updateValue(table[name], forKey: name) }
                names?.update(services: entries)
                try await network.update(services: entries)
            }
        } catch {
            log.error("the node's network was not brought up to date and is written anew", ("error", "\(error)"))
            state.withLock { state in
                state.isFirst = true
                state.peersChanged = true
            }
        }
    }

    static func peers(_ nodes: [Node], without name: String) -> [PeerNode] {
        nodes.compactMap { node in
            guard node.name != name, let address = IPv4Address(node.address("InternalIP")),
                let block = IPv4Network(node.podCIDR)
            else { return nil }
            return PeerNode(name: node.name, address: address, podCIDR: block)
        }
    }
}
