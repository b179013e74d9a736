/// Taints that the master puts on nodes. Source: core/v1 `well_known_taints.go`.
package enum NodeTaint {
    package static let notReady = "node.kubernetes.io/not-ready"
    package static let unreachable = "node.kubernetes.io/unreachable"
    package static let unschedulable = "node.kubernetes.io/unschedulable"
    package static let memoryPressure = "node.kubernetes.io/memory-pressure"
    package static let diskPressure = "node.kubernetes.io/disk-pressure"
    package static let processPressure = "node.kubernetes.io/pid-pressure"
    package static let networkUnavailable = "node.kubernetes.io/network-unavailable"
    /// The machine will not come back by itself. Source: KEP-2268.
    package static let outOfService = "node.kubernetes.io/out-of-service"
    /// Keys that only the node lifecycle controller writes, by effect.
    package static let ownNoSchedule: Set<String> = [
        notReady, unreachable, unschedulable, memoryPressure, diskPressure, processPressure, networkUnavailable,
    ]
    package static let ownNoExecute: Set<String> = [notReady, unreachable]
}
