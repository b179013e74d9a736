import Glibc
import Shared

/// Pods as plain processes of the agent's own user, for machines where namespaces are not to be had.
///
/// Containers share the node's files, network and processes. Limits of CPU and memory are not enforced; users,
/// capabilities and read-only roots are not changed. A volume is not mounted: its folder on the node is named by the
/// variable `KOTOHAJIME_MOUNT_PATH`, where PATH is the mount's path in capitals with `_` for all else. Only the image
/// `localhost/host` runs.
struct ProcessPods: PodPlanner {
    let kind = RuntimeKind.process
    let folders: RuntimeFolders
    private let notes = Notes()

    init(folders: RuntimeFolders) { self.folders = folders }

    func prepareSandbox(_ record: PodRecord) throws(RuntimeFailure) -> ShimMessage { ShimMessage("sandbox") }

    func prepareContainer(_ config: ContainerConfig, in record: PodRecord) throws(RuntimeFailure) -> ShimMessage {
        guard config.image.reference == HostImage.reference else {
            throw RuntimeFailure(
                .createContainer,
                "The image \(config.image.reference) needs the linux runtime; without root only \(HostImage.reference) runs."
            )
        }
        if let uid = config.user.uid, uid != geteuid() {
            throw RuntimeFailure(
                .createContainer, "The process runtime runs as uid \(geteuid()) and can not become uid \(uid).")
        }
        let id = ContainerID(sandbox: record.config.uid, name: config.name, attempt: config.attempt)
        let folder = folders.container(id)
        do throws(Errno) { try Files.makeFolder(folder) } catch {
            throw RuntimeFailure(.createContainer, "The folder \(folder) can not be made: \(error).")
        }
        var environment = [
            "PATH=\(ProcessPods.ownFolder):/usr/local/bin:/usr/bin:/bin", "HOME=" + folder,
            "HOSTNAME=" + record.config.hostname,
        ]
        environment.append("KOTOHAJIME_TERMINATION_LOG=" + folder + "/message")
        for mount in config.mounts {
            if case .host(let path) = mount.source {
                environment.append("KOTOHAJIME_MOUNT" + ProcessPods.variable(mount.path) + "=" + path)
            }
        }
        var message = ShimMessage("start")
        message.add("arg", config.argv)
        message.add("env", Environment.merged(environment + config.environment))
        message.add("cwd", Files.isFolder(config.workingDirectory) ? config.workingDirectory : folder)
        message.add("messagefile", folder + "/message")
        return message
    }

    /// Where the agent's own program lies, which the image has in /usr/local/bin.
    private static var ownFolder: String {
        let program = Files.linkText("/proc/self/exe") ?? ""
        return program.lastIndex(of: "/").map { String(program[..<$0]) } ?? "/usr/local/bin"
    }

    /// `/etc/config.d` becomes `_ETC_CONFIG_D`.
    static func variable(_ path: String) -> String {
        String(
            path.unicodeScalars.map { scalar in
                scalar.isASCII && scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                    ? Character(String(scalar).uppercased()) : "_"
            })
    }

    /// Processes of the machine have no limits here.
    func setLimits(_ limits: ResourceLimits, of id: ContainerID, in record: PodRecord) throws(RuntimeFailure) {}

    func kill(_ record: PodRecord) {}

    func cleanSandbox(_ record: PodRecord) -> Bool {
        unlink(record.socket)
        return true
    }

    func cleanContainer(_ id: ContainerID, in record: PodRecord) { Files.removeAll(folders.container(id)) }

    func usage(_ record: PodRecord, containers: [ContainerState]) -> SandboxStats? {
        var stats = SandboxStats(at: SystemClock().now().nanoseconds)
        for container in containers where container.phase == .running {
            let usage = ProcessPods.usage(of: container.pid)
            stats.containers[container.id.name] = usage
            stats.pod.cpuNanoseconds &+= usage.cpuNanoseconds
            stats.pod.workingSetBytes &+= usage.workingSetBytes
            stats.pod.pids &+= usage.pids
        }
        return stats
    }

    /// Of one process, its children not counted. Source: man 5 proc, /proc/PID/stat fields 14, 15, 24.
    private static func usage(of pid: Int32) -> Usage {
        guard let text = Files.text("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return Usage() }
        let words = text[end...].split(separator: " ")
        guard words.count > 22, let user = Int64(words[12]), let system = Int64(words[13]), let pages = Int64(words[22])
        else { return Usage() }
        let tick = Int64(max(1, sysconf(Int32(_SC_CLK_TCK))))
        return Usage(
            cpuNanoseconds: (user &+ system) &* (1_000_000_000 / tick),
            workingSetBytes: pages &* Int64(sysconf(Int32(_SC_PAGESIZE))), pids: 1)
    }

    func takeNotes() -> [String] {
        notes.once(
            "Pods run as plain processes with this machine's files and network; limits of CPU and memory are not enforced and volumes are named by KOTOHAJIME_MOUNT_… variables."
        )
    }
}
