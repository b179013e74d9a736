import CLinux
import Glibc
import Shared
import Synchronization

/// Pods made of namespaces, cgroups and overlay file systems; needs root.
struct LinuxPods: PodPlanner {
    let kind = RuntimeKind.linux
    let folders: RuntimeFolders
    let cgroups: Cgroups
    let images: ImageStore
    let host: HostSystem
    /// The state folder can hold the writable layer of an overlay.
    let hasDiskUpper: Bool
    private let notes = Notes()

    /// Memory that a container without a limit may fill with files where its root is in memory, bytes.
    private static let rootBytes: Int64 = 512 << 20

    init(folders: RuntimeFolders, cgroups: Cgroups, images: ImageStore, host: HostSystem, hasDiskUpper: Bool) {
        self.folders = folders
        self.cgroups = cgroups
        self.images = images
        self.host = host
        self.hasDiskUpper = hasDiskUpper
    }

    func prepareSandbox(_ record: PodRecord) throws(RuntimeFailure) -> ShimMessage {
        let config = record.config
        let cgroup = config.cgroup + "/shim"
        do throws(Errno) {
            try Files.makeFolder(folders.root)
            try Files.makeFolder(folders.root + ".memory")
            try cgroups.make(config.cgroup, limits: config.limits)
            try cgroups.make(cgroup, limits: ResourceLimits())
            let memory = folders.sharedMemory(config.uid)
            try Files.makeFolder(memory, mode: 0o1777)
            let options = "mode=1777,size=\(max(4096, config.sharedMemoryBytes))"
            let flags = UInt(CLINUX_MS_NOSUID | CLINUX_MS_NODEV | CLINUX_MS_NOEXEC)
            guard mount("shm", memory, "tmpfs", flags, options) == 0 else { throw .last }
        } catch {
            throw RuntimeFailure(.createSandbox, "The cgroup or shared memory of the pod can not be made: \(error).")
        }
        var message = ShimMessage("sandbox")
        var namespaces = 0
        if !config.hostNetwork { namespaces |= CLINUX_NEW_NETWORK | CLINUX_NEW_HOSTNAME }
        if !config.hostIPC { namespaces |= CLINUX_NEW_IPC }
        message.add("unshare", namespaces)
        message.add("hostname", config.hostname)
        message.add("shared", flag: config.sharesProcesses && !config.hostPID)
        message.add("cgroup", cgroups.processFiles(cgroup))
        for (name, value) in config.sysctls.sorted(by: { $0.key < $1.key }) {
            guard LinuxPods.isNamespaced(name) else {
                throw RuntimeFailure(
                    .createSandbox, "The sysctl \(name) belongs to the whole node; only namespaced ones can be set.")
            }
            message.add("sysctl", "/proc/sys/" + String(name.map { $0 == "." ? "/" : $0 }) + "=" + value)
        }
        return message
    }

    /// Source: Kubernetes, "Using sysctls in a cluster": the namespaced groups.
    static func isNamespaced(_ name: String) -> Bool {
        let isPlain = name.utf8.allSatisfy {
            ($0 >= 0x30 && $0 <= 0x39) || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || $0 == 0x2E || $0 == 0x5F
                || $0 == 0x2D
        }
        let groups = ["net.", "kernel.shm", "kernel.msg", "fs.mqueue."]
        return isPlain && !name.contains("..") && (name == "kernel.sem" || groups.contains { name.hasPrefix($0) })
    }

    func prepareContainer(_ config: ContainerConfig, in record: PodRecord) throws(RuntimeFailure) -> ShimMessage {
        let pod = record.config
        let id = ContainerID(sandbox: pod.uid, name: config.name, attempt: config.attempt)
        let folder = folders.container(id)
        let cgroup = LinuxPods.cgroup(id, in: record)
        do throws(Errno) {
            try Files.makeFolder(folder + "/upper")
            try Files.makeFolder(folder + "/work")
            try Files.replace(folder + "/message", [])
            chmod(folder + "/message", 0o666)
            try cgroups.make(cgroup, limits: config.limits)
        } catch {
            throw RuntimeFailure(
                .createContainer, "The folder or cgroup of container \(config.name) can not be made: \(error).")
        }
        let layers = try images.layers(config.image)
        let user = try images.resolve(config.user, image: config.image, layers: layers)
        var message = ShimMessage("start")
        message.add("arg", config.argv)
        message.add("env", environment(config, pod, home: user.home))
        let directory = config.workingDirectory.isEmpty ? config.image.workingDirectory : config.workingDirectory
        message.add("cwd", directory.isEmpty ? "/" : directory)
        var namespaces = CLINUX_NEW_MOUNTS
        if !config.target.isEmpty && !pod.hostPID && !pod.sharesProcesses {
            message.add("target", config.target)
        } else if !pod.hostPID && !pod.sharesProcesses {
            namespaces |= CLINUX_NEW_PROCESSES
        }
        message.add("clone", namespaces)
        message.add("cgroupns", flag: true)
        message.add(
            "join",
            CLINUX_NEW_MOUNTS | CLINUX_NEW_NETWORK | CLINUX_NEW_HOSTNAME | CLINUX_NEW_IPC | CLINUX_NEW_CGROUP)
        message.add("cgroup", cgroups.processFiles(cgroup))
        message.add("oomfile", cgroups.oomFiles(cgroup))
        if let file = cgroups.killFile(cgroup) { message.add("killfile", file) }
        addIdentity(config, user, &message)
        let root = rootFS(config, pod, layers: layers, folder: folder, directory: directory)
        message.add("step", root.steps().map(\.text))
        message.add("messagefile", folder + "/message")
        return message
    }

    private func rootFS(
        _ config: ContainerConfig, _ pod: SandboxConfig, layers: [String], folder: String, directory: String
    ) -> RootFS {
        let memory = config.limits.memoryBytes ?? pod.limits.memoryBytes ?? Self.rootBytes
        let root: RootFS.Root =
            if layers.isEmpty {
                .host(host, bytes: memory)
            } else {
                .overlay(
                    folder: images.layerFolder, layers: layers,
                    writable: hasDiskUpper
                        ? .disk(upper: folder + "/upper", work: folder + "/work") : .memory(bytes: memory))
            }
        var rootFS = RootFS(mountPoint: folders.root, root: root, sharedMemory: folders.sharedMemory(pod.uid))
        rootFS.isPrivileged = config.privileged
        rootFS.isReadOnly = config.readOnlyRoot
        rootFS.workingDirectory = directory.isEmpty ? "/" : directory
        rootFS.mounts = config.mounts
        let mounted = Set(config.mounts.map(\.path))
        let hosts = config.hosts ?? pod.hosts
        for (path, text) in [
            ("/etc/hosts", hosts), ("/etc/resolv.conf", pod.resolvConf), ("/etc/hostname", pod.hostname + "\n"),
        ] where !text.isEmpty && !mounted.contains(path) { rootFS.files.append((path, text)) }
        if config.terminationMessagePath.hasPrefix("/"), !mounted.contains(config.terminationMessagePath) {
            rootFS.terminationFile = folder + "/message"
            rootFS.terminationPath = config.terminationMessagePath
        }
        return rootFS
    }

    private func environment(_ config: ContainerConfig, _ pod: SandboxConfig, home: String) -> [String] {
        var values = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=" + pod.hostname]
        values.append("HOME=" + home)
        if config.tty { values.append("TERM=xterm") }
        return Environment.merged(values + config.image.environment + config.environment)
    }

    private func addIdentity(_ config: ContainerConfig, _ user: ImageUser, _ message: inout ShimMessage) {
        let capabilities =
            config.privileged ? Capabilities.all : Capabilities.standard.changed(by: config.capabilities)
        message.add("identity", flag: true)
        message.add("uid", user.uid)
        message.add("gid", user.gid)
        message.add("group", user.groups.map(String.init))
        message.add("bounding", capabilities.bits)
        message.add("effective", capabilities.bits)
        message.add("nnp", flag: config.noNewPrivileges)
        if config.seccomp == .runtimeDefault && !config.privileged {
            let program = Seccomp.program(Seccomp.native, capabilities: capabilities)
            message.add("seccomp", program.map(LinuxPods.hex).joined())
        }
        if config.oomScoreAdjust != 0 { message.add("oom", config.oomScoreAdjust) }
    }

    private static func hex(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    func setLimits(_ limits: ResourceLimits, of id: ContainerID, in record: PodRecord) throws(RuntimeFailure) {
        do throws(Errno) {
            try cgroups.change(LinuxPods.cgroup(id, in: record), limits: limits)
        } catch {
            throw RuntimeFailure(.runtime, "the limits can not be set: \(error)")
        }
    }

    static func cgroup(_ id: ContainerID, in record: PodRecord) -> String {
        "\(record.config.cgroup)/\(id.name)-\(id.attempt)"
    }

    func kill(_ record: PodRecord) { cgroups.kill(record.config.cgroup) }

    func cleanSandbox(_ record: PodRecord) -> Bool {
        let memory = folders.sharedMemory(record.config.uid)
        // Unmounted until it is no mount any more; a second one comes from a repeated creation.
        while umount2(memory, Int32(MNT_DETACH)) == 0 {}
        rmdir(memory)
        unlink(record.socket)
        return cgroups.remove(record.config.cgroup)
    }

    func cleanContainer(_ id: ContainerID, in record: PodRecord) {
        _ = cgroups.remove(LinuxPods.cgroup(id, in: record))
        Files.removeAll(folders.container(id))
    }

    func usage(_ record: PodRecord, containers: [ContainerState]) -> SandboxStats? {
        var stats = SandboxStats(at: SystemClock().now().nanoseconds, pod: cgroups.usage(record.config.cgroup))
        for container in containers where container.phase == .running {
            stats.containers[container.id.name] = cgroups.usage(LinuxPods.cgroup(container.id, in: record))
        }
        return stats
    }

    func takeNotes() -> [String] {
        guard !hasDiskUpper else { return [] }
        return notes.once(
            "Containers write into memory, because the state folder \(folders.state) can not be the writable layer of an overlay; choose a --state on another file system to change that."
        )
    }
}

/// Sentences that are said once.
final class Notes: Sendable {
    private let said = Mutex(Set<String>())
    func once(_ sentence: String) -> [String] { said.withLock { $0.insert(sentence).inserted } ? [sentence] : [] }
}

enum Environment {
    /// One entry a name; the last value wins, at the place of the first. Entries without `=` are left out.
    static func merged(_ entries: [String]) -> [String] {
        var order: [String] = []
        var values: [String: String] = [:]
        for entry in entries {
            guard let split = entry.firstIndex(of: "="), split > entry.startIndex, !entry.utf8.contains(0) else {
                continue
            }
            let name = String(entry[..<split])
            if values.updateValue(entry, forKey: name) == nil { order.append(name) }
        }
        return order.compactMap { values[$0] }
    }
}
