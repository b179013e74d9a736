import Shared

/// What runs pods on a node: the kernel's namespaces (`LinuxRuntime`), plain processes (`ProcessRuntime`) or a script
/// (`FakeRuntime`, for tests). A sandbox is one pod; containers are started inside it, one attempt after the other.
///
/// Sandboxes and containers outlive the program that started them: a new runtime on the same state folder finds them
/// again with `sandboxes()`. Every call may be repeated: removing what is gone succeeds, creating what exists gives
/// what exists. Callers may overlap calls of different sandboxes; calls of one sandbox come one after the other.
protocol Runtime: Sendable {
    var kind: RuntimeKind { get }

    /// Makes the pod's namespaces and cgroup, with no container in them yet. When it returns, the network namespace
    /// exists and only its loopback device is up, so that an address can be attached before any container starts.
    func createSandbox(_ config: SandboxConfig) async throws(RuntimeFailure) -> SandboxInfo
    /// Stops all containers, each with its own stop signal first and SIGKILL after `grace`; then every process of the
    /// pod is gone. The records of the containers, their logs and the sandbox's folder stay.
    func stopSandbox(_ uid: String, grace: Duration) async throws(RuntimeFailure)
    /// Kills what is left and removes processes, namespaces, cgroups, mounts and records of the pod. Logs stay.
    func removeSandbox(_ uid: String) async throws(RuntimeFailure)

    /// Starts one attempt of a container. When it returns, the program has been executed; a program that cannot be
    /// executed is a failure with reason `StartError` (its attempt is recorded as exited with 128), never an event.
    /// The image must have been made present by `ensureImage`.
    func startContainer(_ config: ContainerConfig, in uid: String) async throws(RuntimeFailure) -> ContainerState
    /// Gives a running container other limits of CPU and memory.
    func setLimits(_ limits: ResourceLimits, of id: ContainerID) async throws(RuntimeFailure)
    /// Sends a signal to the first process of the container; nothing happens when it has exited.
    func signalContainer(_ id: ContainerID, _ signal: Int32) async throws(RuntimeFailure)
    /// Sends the container's stop signal, after `grace` SIGKILL to all of it; returns when it has exited.
    func stopContainer(_ id: ContainerID, grace: Duration) async throws(RuntimeFailure)
    /// Forgets an attempt and removes its writable layer; kills it first when it still runs. Logs stay.
    func removeContainer(_ id: ContainerID) async throws(RuntimeFailure)

    /// Every sandbox of this state folder with all attempts of its containers that have not been removed, also those
    /// that a former agent made. A sandbox whose shim is gone is `isAlive == false` and its containers have exited.
    func sandboxes() async -> [SandboxState]
    /// What happens from now on, in order for each container. Each call is a stream of its own; a stream that is not
    /// read loses its oldest events after `Limits.runtimeEventsMax`, so read `sandboxes()` from time to time.
    func events() -> AsyncStream<RuntimeEvent>

    /// Runs another program inside a running container.
    func exec(_ request: ExecRequest, in id: ContainerID) async throws(RuntimeFailure) -> ExecSession
    /// Runs a program without input and waits for it; kills it after `timeout`. Output is cut at
    /// `Limits.probeOutputBytesMax`. Exit code nil means that the time was up.
    func execProbe(_ argv: [String], in id: ContainerID, timeout: Duration) async throws(RuntimeFailure) -> ProbeResult
    /// Joins the streams of the container's first process. Output from now on is copied to the session, input is
    /// given to it when the container was started with `stdin`. Its end is the session's end or the container's.
    /// - Parameter endsInput: the program's input ends with the session's.
    func attach(_ id: ContainerID, endsInput: Bool) async throws(RuntimeFailure) -> ExecSession
    /// Use of the pod and of each running container; nil when the sandbox is gone.
    func stats(_ uid: String) async -> SandboxStats?

    /// Makes an image present according to the policy and reads its configuration.
    /// - Throws: reason `ErrImagePull` (with one sentence that says why), `ErrImageNeverPull`, `InvalidImageName`.
    func ensureImage(_ reference: String, policy: PullPolicy, credentials: [RegistryCredential])
        async throws(RuntimeFailure) -> ImageInfo
    /// The images that are present.
    func images() async -> [ImageInfo]
    /// Removes an image and the layers that only it uses. A container that runs from it keeps running.
    func removeImage(_ reference: String) async throws(RuntimeFailure)
}

enum RuntimeKind: String, Sendable { case linux, process, fake }
