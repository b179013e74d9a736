import Shared

/// What the runtime keeps about a pod on disk, beside the shim's own state: `STATE/pods/UID/record`.
struct PodRecord: Sendable, Equatable {
    var config: SandboxConfig
    /// Of the shim's socket.
    var socket: String

    var message: ShimMessage {
        var message = ShimMessage("pod")
        message.add("socket", socket)
        message.add("uid", config.uid)
        message.add("namespace", config.namespace)
        message.add("name", config.name)
        message.add("hostname", config.hostname)
        message.add("cgroup", config.cgroup)
        message.add("hostNetwork", flag: config.hostNetwork)
        message.add("hostPID", flag: config.hostPID)
        message.add("hostIPC", flag: config.hostIPC)
        message.add("resolvConf", config.resolvConf)
        message.add("hosts", config.hosts)
        message.add("sharesProcesses", flag: config.sharesProcesses)
        message.add("sharedMemory", config.sharedMemoryBytes)
        if let bytes = config.limits.memoryBytes { message.add("memory", bytes) }
        return message
    }

    init(config: SandboxConfig, socket: String) {
        self.config = config
        self.socket = socket
    }

    init?(_ message: ShimMessage) {
        guard message.verb == "pod", !message.text("uid").isEmpty else { return nil }
        socket = message.text("socket")
        config = SandboxConfig(
            uid: message.text("uid"), namespace: message.text("namespace"), name: message.text("name"),
            hostname: message.text("hostname"), cgroup: message.text("cgroup"))
        config.hostNetwork = message.has("hostNetwork")
        config.hostPID = message.has("hostPID")
        config.hostIPC = message.has("hostIPC")
        config.resolvConf = message.text("resolvConf")
        config.hosts = message.text("hosts")
        config.sharesProcesses = message.has("sharesProcesses")
        config.sharedMemoryBytes = message.number("sharedMemory") ?? config.sharedMemoryBytes
        config.limits.memoryBytes = message.number("memory")
    }
}
