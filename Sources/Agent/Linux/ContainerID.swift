/// One attempt of one container.
struct ContainerID: Hashable, Sendable, CustomStringConvertible {
    /// The pod's uid.
    let sandbox: String
    let name: String
    /// 0 for the first start, one more with each restart.
    let attempt: Int

    /// `status.containerStatuses[].containerID`.
    var description: String { "kotohajime://\(sandbox)/\(name)/\(attempt)" }
}
