import Shared

/// Kinds of what may happen in the cluster, as far as waiting pods care.
struct ClusterChange: OptionSet, Hashable, Sendable {
    let rawValue: Int
    /// A node appeared or changed.
    static let node = ClusterChange(rawValue: 1 << 0)
    /// A pod left its node, or will not take the room that was kept for it.
    static let podLeft = ClusterChange(rawValue: 1 << 1)
    /// A pod came to a node, or its labels changed.
    static let podCame = ClusterChange(rawValue: 1 << 2)
    /// A claim, a volume or a storage class changed.
    static let volume = ClusterChange(rawValue: 1 << 3)
    /// A namespace got other labels.
    static let namespace = ClusterChange(rawValue: 1 << 4)
}

/// Something that happened, with what a filter needs to tell whether it helps a pod.
enum ClusterEvent: Sendable {
    /// - Parameter isMoved: it is new, or its labels changed.
    case node(NodeSummary, isMoved: Bool)
    case podLeft(PodDemand)
    case podCame(PodDemand)
    case volume
    case namespace

    var change: ClusterChange {
        switch self {
        case .node: .node
        case .podLeft: .podLeft
        case .podCame: .podCame
        case .volume: .volume
        case .namespace: .namespace
        }
    }
}
