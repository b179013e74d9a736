import Shared

extension Limits {
    /// Machines of a local cluster; more are refused with a sentence.
    static let localNodesMax = 32
    /// Seconds that a program of the local cluster may take to serve; then its log is named and `up` fails.
    static let localStartSeconds = 30
    /// Seconds that `up` waits for its nodes to be ready; then it says which are not.
    static let localReadySeconds = 60
    /// Bytes at the end of a log that are searched for the reason of a failed start.
    static let logTailBytes = 16_384
    /// Bytes of one manifest file; a larger one is refused.
    static let manifestBytesMax = 32 << 20
    /// Files of one manifest folder; more are refused.
    static let manifestFilesMax = 10_000
    /// How often one edit is shown again with what the server says against it.
    static let editsMax = 20
    /// Files and folders of one copied folder; more are refused.
    static let copyFilesMax = 1_000_000
    /// Bytes of one file that is copied out of a container.
    static let copyBytesMax = 1 << 40
}
