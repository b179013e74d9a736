/// What a pod needs before its first container.
struct SandboxConfig: Sendable, Equatable {
    var uid: String
    var namespace: String
    var name: String
    var hostname: String
    /// The pod's cgroup below the root of every cgroup tree, without a leading slash: `kotohajime/node-1/pod-UID`.
    /// Missing parents are made.
    var cgroup: String
    /// Of all containers together.
    var limits = ResourceLimits()
    /// Uses the node's network namespace and hostname.
    var hostNetwork = false
    var hostPID = false
    var hostIPC = false
    /// Text of `/etc/resolv.conf` and `/etc/hosts` in each container; empty keeps the image's.
    var resolvConf = ""
    var hosts = ""
    /// By dotted name, as in `securityContext.sysctls`.
    var sysctls: [String: String] = [:]
    /// All containers are in one PID namespace, whose first process is the shim's.
    var sharesProcesses = false
    /// Largest size of the pod's `/dev/shm`, bytes. Source: Docker's and containerd's 64 MiB.
    var sharedMemoryBytes: Int64 = 64 << 20
}

/// What `createSandbox` made.
struct SandboxInfo: Sendable, Equatable {
    let uid: String
    /// The process that holds the namespaces.
    let shimPID: Int32
    /// Opens the pod's network namespace: `/proc/SHIM/ns/net`; nil when the pod uses the node's.
    let networkNamespace: String?
    /// Sentences about what this machine does not offer and what is done instead; empty in the usual case.
    var notes: [String] = []
}

/// A sandbox as it is found.
struct SandboxState: Sendable, Equatable {
    var uid: String
    var namespace: String
    var name: String
    var shimPID: Int32
    var networkNamespace: String?
    /// False when the shim is gone; nothing of the pod runs then.
    var isAlive: Bool
    /// All attempts that are not removed, oldest first.
    var containers: [ContainerState]
}

/// A container attempt as it is found.
struct ContainerState: Sendable, Equatable {
    enum Phase: String, Sendable { case running, exited }
    var id: ContainerID
    var phase: Phase
    /// Of its first process, as the node counts them.
    var pid: Int32
    /// Nanoseconds since the epoch, of the machine's wall clock.
    var startedAt: Int64
    var exit: ContainerExit?
    /// The image as configured, and its digest.
    var image = ""
    var imageID = ""
    var logPath = ""
}

/// How a container ended.
struct ContainerExit: Sendable, Equatable {
    /// The exit code; 128 + signal when a signal ended it, as Kubernetes shows it.
    var code: Int32
    /// The signal that ended it, else 0.
    var signal: Int32 = 0
    /// The kernel killed a process of it for lack of memory.
    var oomKilled = false
    /// Nanoseconds since the epoch.
    var finishedAt: Int64 = 0
    /// The end of the file at `terminationMessagePath`, at most 4096 bytes; empty when there is none.
    var message = ""
}

enum RuntimeEvent: Sendable, Equatable {
    case started(ContainerState)
    case exited(ContainerState)
    /// The shim is gone: all containers of the pod have exited.
    case sandboxLost(uid: String)
}

struct SandboxStats: Sendable, Equatable {
    /// Nanoseconds since the epoch.
    var at: Int64
    var pod = Usage()
    /// By container name; running attempts only.
    var containers: [String: Usage] = [:]
}
