import Shared

extension Limits {
    /// Events that an unread stream of the runtime keeps; the oldest are dropped.
    static let runtimeEventsMax = 4096
    /// Output of a probe that is kept, bytes. Source: the kubelet's `maxReadLength`.
    static let probeOutputBytesMax = 10 * 1024
    /// Containers of one pod, attempts that are not removed included.
    static let attemptsMax = 200
}

extension Limits {
    /// Size at which a container's log is rotated, and how many files are kept. Source: the kubelet's defaults.
    static let logFileBytesMax = 10 << 20
    static let logFilesMax = 5
    /// Open files of a container's process, where the machine allows that many.
    static let containerFilesMax = 1_048_576
    /// Tries, 10 ms apart, to remove the cgroup of killed processes.
    static let removalAttemptsMax = 200
}
