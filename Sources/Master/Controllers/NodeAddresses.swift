import Shared
import Synchronization

/// Gives each node a part of the pod network. A class: it remembers what it has handed out, so that two nodes that
/// register at the same time never get the same part while the cache still lags.
final class NodeAddresses: Reconciler {
    private let client: Client
    private let nodes: Informer<Node>
    private let recorder: Recorder
    private let blocks: NodeBlocks
    private let given = Mutex<[String: String]>([:])

    init(client: Client, nodes: Informer<Node>, recorder: Recorder, blocks: NodeBlocks) {
        self.client = client
        self.nodes = nodes
        self.recorder = recorder
        self.blocks = blocks
    }

    func reconcile(_ key: ObjectKey) async throws -> Outcome {
        guard let node = nodes.get(name: key.name) else {
            given.withLock { _ = $0.removeValue(forKey: key.name) }
            return .settled
        }
        guard node.podCIDR.isEmpty else { return .settled }
        let used = nodes.list().map(\.podCIDR).filter { !$0.isEmpty }
        let block = given.withLock { given -> String? in
            if let own = given[key.name] { return own }
            let taken = Set(used).union(given.values)
            let free = blocks.first { !taken.contains($0) }
            given[key.name] = free
            return free
        }
        guard let block else {
            recorder.event(node, .warning, "CIDRNotAvailable", "Node \(node.name) status is now: CIDRNotAvailable")
            return .again(after: .seconds(10))
        }
        let patch: JSON = [
            "metadata": ["uid": .string(node.metadata.uid)],
            "spec": ["podCIDR": .string(block), "podCIDRs": [.string(block)]],
        ]
        _ = try await client.patch(Node.self, name: node.name, .merge, patch)
        return .settled
    }
}

/// The parts of the pod network, one per node: `10.244.0.0/16` gives 256 blocks of 254 addresses.
struct NodeBlocks: Sequence, Sendable {
    private let base: UInt32
    private let count: Int
    private let bits: Int

    /// - Parameter cidr: IPv4; blocks are /24, or a 256th of a network that is smaller than /16. Nil for other text.
    init?(_ cidr: String) {
        let parts = cidr.split(separator: "/")
        let octets = parts.first?.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) } ?? []
        guard parts.count == 2, let length = Int(parts[1]), (8...24).contains(length), octets.count == 4,
            !octets.contains(nil)
        else { return nil }
        let address = octets.reduce(UInt32(0)) { $0 << 8 | UInt32($1 ?? 0) }
        bits = length <= 20 ? 24 : Swift.min(28, length + 4)
        base = address & ~UInt32(0) << (32 - length)
        count = 1 << (bits - length)
    }

    func makeIterator() -> AnyIterator<String> {
        var next = 0
        return AnyIterator {
            guard next < count else { return nil }
            defer { next += 1 }
            return text(next)
        }
    }

    private func text(_ index: Int) -> String {
        let address = base + UInt32(index) << (32 - bits)
        let octets = [24, 16, 8, 0].map { String(address >> $0 & 0xFF) }
        return octets.joined(separator: ".") + "/\(bits)"
    }
}
