import Shared

/// One attempt of a container, with nothing left to decide but what only its image can tell.
struct ContainerConfig: Sendable, Equatable {
    var name: String
    var attempt: Int
    /// As `ensureImage` gave it.
    var image: ImageInfo
    /// Program and arguments; image entrypoint and command are merged already (`ImageInfo.argv(command:arguments:)`).
    var argv: [String]
    /// `NAME=value`; later ones win. `PATH`, `HOME` and `HOSTNAME` are added when they are missing.
    var environment: [String]
    /// Empty: the image's, else `/`. Made when it is missing.
    var workingDirectory = ""
    var user = ContainerUser()
    var capabilities = CapabilityChange()
    var privileged = false
    var readOnlyRoot = false
    var noNewPrivileges = false
    var seccomp = SeccompProfile.runtimeDefault
    var mounts: [ContainerMount] = []
    /// Text of `/etc/hosts`, when it differs from the sandbox's (whose address may not be known before it exists).
    var hosts: String?
    var limits = ResourceLimits()
    /// Keep the first process's standard input open for `attach`.
    var stdin = false
    var tty = false
    /// Name of a running container of the pod whose processes are to be seen; empty: none.
    var target = ""
    /// File on the node that gets the output in CRI log format; its folder is made. Rotated files are `PATH.1` ….
    var logPath: String
    /// Path on the container of the file that explains its end; empty: none is read.
    var terminationMessagePath = "/dev/termination-log"
    /// 0 takes the image's stop signal, else SIGTERM.
    var stopSignal: Int32 = 0
    /// -1000…1000; a value that the machine refuses is left out and said once.
    var oomScoreAdjust: Int32 = 0
}

enum SeccompProfile: String, Sendable { case runtimeDefault = "RuntimeDefault", unconfined = "Unconfined" }

/// A file or folder of the node, or an empty memory folder, inside the container.
struct ContainerMount: Sendable, Equatable {
    enum Source: Sendable, Equatable {
        /// A path on the node, which must exist.
        case host(path: String)
        /// A tmpfs of this container; size in bytes, nil: half of memory.
        case memory(bytes: Int64?)
    }
    enum Propagation: String, Sendable {
        case none = "None"
        case hostToContainer = "HostToContainer"
        case bidirectional = "Bidirectional"
    }
    var source: Source
    /// Absolute path in the container. Missing parents are made.
    var path: String
    var readOnly = false
    var propagation = Propagation.none
}
