import Shared

extension Limits {
    /// Events that an unread stream of the runtime keeps; the oldest are dropped.
    static let runtimeEventsMax = 4096
    /// Output of a probe that is kept, bytes. Source: the kubelet's `maxReadLength`.
    static let probeOutputBytesMax = 10 * 1024
    /// Containers of one pod, attempts that are not removed included.
    static let attemptsMax = 200
}
