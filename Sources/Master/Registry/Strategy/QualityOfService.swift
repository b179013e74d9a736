import Shared

/// The class that decides which pods suffer first when a node runs short. Source: `pkg/apis/core/v1/helper/qos`.
enum QualityOfService: String, Sendable {
    case guaranteed = "Guaranteed"
    case burstable = "Burstable"
    case bestEffort = "BestEffort"

    /// Guaranteed: every container limits cpu and memory and requests just that. BestEffort: nobody asks for anything.
    init(pod: JSON) {
        let spec = pod["spec"]
        var asks = false
        var isGuaranteed = true
        for container in spec["containers"].items + spec["initContainers"].items {
            let limits = container["resources"]["limits"]
            let requests = container["resources"]["requests"]
            for resource in ["cpu", "memory"] {
                let limit = QualityOfService.quantity(limits[resource])
                let request = QualityOfService.quantity(requests[resource])
                asks = asks || limit != nil || request != nil
                isGuaranteed = isGuaranteed && limit != nil && (request == nil || request == limit)
            }
        }
        self = !asks ? .bestEffort : isGuaranteed ? .guaranteed : .burstable
    }

    /// Zero counts as not given.
    private static func quantity(_ value: JSON) -> Quantity? {
        guard let quantity = value.string.flatMap({ Quantity($0) }), !quantity.isZero else { return nil }
        return quantity
    }
}
