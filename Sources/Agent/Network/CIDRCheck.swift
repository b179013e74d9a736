import Shared

/// Tells whether a block of addresses is free on this machine. Pure.
enum CIDRCheck {
    struct Collision: Error, Hashable, CustomStringConvertible {
        let wanted: IPv4Network
        let route: IPv4Network
        /// A block of the same size that is free; nil when there is none.
        let proposal: IPv4Network?
        var description: String {
            let advice = proposal.map { "choose another, such as \($0)" } ?? "choose another block"
            return "This machine already routes \(route), which overlaps \(wanted); \(advice)."
        }
    }

    /// - Parameters:
    ///   - routes: destinations the machine routes; the default route does not count.
    ///   - taken: other blocks of the cluster, which a proposal has to avoid.
    static func collision(
        of wanted: IPv4Network, routes: [IPv4Network], taken: [IPv4Network] = []
    ) -> Collision? {
        let busy = routes.filter { $0.prefix > 0 }
        guard let route = busy.first(where: { $0.overlaps(wanted) }) else { return nil }
        let room = [
            IPv4Network(IPv4Address(10, 0, 0, 0), prefix: 8), IPv4Network(IPv4Address(172, 16, 0, 0), prefix: 12),
            IPv4Network(IPv4Address(192, 168, 0, 0), prefix: 16),
        ]
        for area in room where wanted.prefix >= area.prefix {
            // From the end, where networks of companies and of other clusters are rare.
            let count = min(1 << (wanted.prefix - area.prefix), 4096)
            for index in stride(from: count - 1, through: 0, by: -1) {
                guard let block = area.subnet(prefix: wanted.prefix, index: index) else { continue }
                if !(busy + taken).contains(where: { $0.overlaps(block) }) {
                    return Collision(wanted: wanted, route: route, proposal: block)
                }
            }
        }
        return Collision(wanted: wanted, route: route, proposal: nil)
    }
}
