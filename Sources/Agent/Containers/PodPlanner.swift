import Shared

/// How pods are made on this machine: what the shim is asked to do. The two ways are `LinuxPods` and `ProcessPods`.
protocol PodPlanner: Sendable {
    var kind: RuntimeKind { get }
    /// Makes what must exist before the shim starts (cgroups, mounts) and says how it starts.
    func prepareSandbox(_ record: PodRecord) throws(RuntimeFailure) -> ShimMessage
    /// Makes what must exist before the container starts and says how it starts.
    func prepareContainer(_ config: ContainerConfig, in record: PodRecord) throws(RuntimeFailure) -> ShimMessage
    /// Kills what is left of a pod whose shim is gone or does not answer.
    func kill(_ record: PodRecord)
    /// Gives a running container other limits.
    func setLimits(_ limits: ResourceLimits, of id: ContainerID, in record: PodRecord) throws(RuntimeFailure)
    /// Removes cgroups and mounts; false when a process has not gone yet, to be tried again.
    func cleanSandbox(_ record: PodRecord) -> Bool
    func cleanContainer(_ id: ContainerID, in record: PodRecord)
    func usage(_ record: PodRecord, containers: [ContainerState]) -> SandboxStats?
    /// Sentences to say with the next sandbox, once.
    func takeNotes() -> [String]
}
