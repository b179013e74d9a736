import Shared

/// The addresses of one node's pods. Never gives one address to two pods, and gives a freed one away as late as
/// possible, so that clients of a dead pod do not meet a stranger.
///
/// The first two addresses of the block (the network and the node's own pod-side address) and the last are never given.
struct AddressPool: Sendable {
    struct Exhausted: Error, CustomStringConvertible {
        let network: IPv4Network
        var description: String {
            "All addresses of \(network) are in use on this node; delete pods, or give the node a larger pod CIDR."
        }
    }
    let network: IPv4Network
    private(set) var owners: [IPv4Address: String] = [:]
    private var addresses: [String: IPv4Address] = [:]
    /// Where addresses begin that were never given.
    private var fresh = 2
    /// Freed addresses, longest free first.
    private var freed: [IPv4Address] = []

    init(_ network: IPv4Network) { self.network = network }

    func address(of uid: String) -> IPv4Address? { addresses[uid] }

    /// The address of `uid`: the one that it has, else the one it wants when that is free, else the next.
    mutating func allocate(uid: String, wanted: IPv4Address? = nil) throws(Exhausted) -> IPv4Address {
        if let address = addresses[uid] { return address }
        if let wanted, network.contains(wanted), owners[wanted] == nil {
            freed.removeAll { $0 == wanted }
            return give(wanted, to: uid)
        }
        while fresh < network.count - 1 {
            defer { fresh += 1 }
            guard let address = network.address(at: fresh), owners[address] == nil else { continue }
            if freed.contains(address) { continue }
            return give(address, to: uid)
        }
        guard !freed.isEmpty else { throw Exhausted(network: network) }
        return give(freed.removeFirst(), to: uid)
    }

    /// Takes the address back; an unknown uid is no error.
    @discardableResult
    mutating func release(uid: String) -> IPv4Address? {
        guard let address = addresses.removeValue(forKey: uid) else { return nil }
        owners[address] = nil
        freed.append(address)
        return address
    }

    private mutating func give(_ address: IPv4Address, to uid: String) -> IPv4Address {
        owners[address] = uid
        addresses[uid] = address
        return address
    }
}
