import CLinux
import Glibc
import Shared

/// The steps that give a container its root file system, in its own mount namespace: nothing is mounted on the node, and
/// all of it is gone with the container's last process.
///
/// Sources are opened before the root changes and attached after it, so a link inside an image or a volume leads
/// nowhere but to the container's own files. Device files work in /dev only; all else is mounted `nodev`.
struct RootFS {
    enum Root: Equatable {
        /// A memory folder with the node's own system inside, read-only.
        case host(HostSystem, bytes: Int64)
        /// Layers, uppermost first, as names in `folder`, and the writable folders (nil: in memory, `bytes` at most).
        case overlay(folder: String, layers: [String], writable: Writable)
    }
    enum Writable: Equatable {
        case disk(upper: String, work: String)
        case memory(bytes: Int64)
    }
    /// Mount point on the node.
    let mountPoint: String
    let root: Root
    let sharedMemory: String
    var isPrivileged = false
    var isReadOnly = false
    var ownsNetwork = true
    var workingDirectory = "/"
    /// Text files of the container: path and text.
    var files: [(path: String, text: String)] = []
    /// Host path of the file at `terminationPath`.
    var terminationFile = ""
    var terminationPath = ""
    var mounts: [ContainerMount] = []

    private static let secure = UInt64(CLINUX_MS_NOSUID | CLINUX_MS_NODEV | CLINUX_MS_NOEXEC)
    private static let devices = ["null", "zero", "full", "random", "urandom", "tty"]
    /// Source: runc's default masked and read-only paths.
    private static let masked = [
        "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
        "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
    ]
    private static let readOnly = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]

    func steps() -> [ShimMessage] {
        var before = [step("propagate", target: "/", flags: UInt64(CLINUX_MS_SLAVE | CLINUX_MS_RECURSIVE))]
        var after: [ShimMessage] = []
        var slots = 0
        /// Opens `source` on the node and attaches it at `target` in the container.
        func bind(
            _ source: String, _ target: String, flags: Int = 0, propagation: Int = CLINUX_MS_PRIVATE,
            first: Bool = false
        ) {
            var tree = step("tree", source: source, flags: UInt64(flags), slot: slots)
            if propagation != 0 { tree.add("mode", propagation) }
            if first { before.insert(tree, at: 0) } else { before.append(tree) }
            after.append(step("attach", target: target, slot: slots))
            slots += 1
        }
        rootSteps(&before)
        var system = HostSystem()
        if case .host(let host, _) = root { system = host }
        for entry in system.trees {
            bind(entry.source, entry.target, flags: CLINUX_ATTR_READONLY | CLINUX_ATTR_NOSUID | CLINUX_ATTR_NODEV)
        }
        after += system.steps
        for entry in system.lateTrees {
            bind(entry.source, entry.target, flags: CLINUX_ATTR_READONLY | CLINUX_ATTR_NOSUID | CLINUX_ATTR_NODEV)
        }
        after.append(step("mount", source: "proc", target: "/proc", type: "proc", flags: Self.secure))
        sysSteps(&after)
        after.append(
            step(
                "mount", source: "tmpfs", target: "/dev", type: "tmpfs", flags: UInt64(CLINUX_MS_NOSUID),
                data: "mode=755,size=65536k"))
        if isPrivileged {
            for name in Files.names("/dev")
            where !["pts", "shm", "mqueue", "ptmx", "fd", "stdin", "stdout", "stderr", "log"].contains(name) {
                if Files.linkText("/dev/" + name) == nil { bind("/dev/" + name, "/dev/" + name) }
            }
        } else {
            for name in Self.devices { bind("/dev/" + name, "/dev/" + name) }
            // Only bound devices work: a node that the container makes in /dev itself does not.
            after.append(step("attributes", target: "/dev", flags: UInt64(CLINUX_ATTR_NODEV)))
        }
        for (target, text) in [
            ("/dev/fd", "/proc/self/fd"), ("/dev/stdin", "/proc/self/fd/0"), ("/dev/stdout", "/proc/self/fd/1"),
            ("/dev/stderr", "/proc/self/fd/2"), ("/dev/ptmx", "pts/ptmx"),
        ] { after.append(step("link", source: text, target: target)) }
        after.append(
            step(
                "mount", source: "devpts", target: "/dev/pts", type: "devpts",
                flags: UInt64(CLINUX_MS_NOSUID | CLINUX_MS_NOEXEC), data: "newinstance,ptmxmode=0666,mode=0620,gid=5"))
        bind(sharedMemory, "/dev/shm", flags: CLINUX_ATTR_NOSUID | CLINUX_ATTR_NODEV | CLINUX_ATTR_NOEXEC)
        var queue = step("mount", source: "mqueue", target: "/dev/mqueue", type: "mqueue", flags: Self.secure)
        queue.add("optional", flag: true)
        after.append(queue)
        for file in files { after.append(step("file", target: file.path, mode: 0o644, data: file.text)) }
        if !terminationFile.isEmpty {
            bind(terminationFile, terminationPath, flags: CLINUX_ATTR_NOSUID | CLINUX_ATTR_NODEV)
        }
        for mount in mounts.sorted(by: { $0.path.utf8.count < $1.path.utf8.count }) {
            switch mount.source {
            case .memory(let bytes): after.append(memoryStep(mount, bytes))
            case .host(let path):
                // Bidirectional: opened while the copy of the node's mounts is still a peer of the original.
                bind(
                    path, mount.path,
                    flags: (isPrivileged ? 0 : CLINUX_ATTR_NODEV) | (mount.readOnly ? CLINUX_ATTR_READONLY : 0),
                    propagation: mount.propagation == .none ? CLINUX_MS_PRIVATE : 0,
                    first: mount.propagation == .bidirectional)
            }
        }
        if workingDirectory != "/" { after.append(optional(step("folder", target: workingDirectory, mode: 0o755))) }
        if !isPrivileged {
            after += Self.masked.map { step("mask", target: $0) } + Self.readOnly.map { step("readonly", target: $0) }
        }
        if isReadOnly { after.append(step("attributes", target: "/", flags: UInt64(CLINUX_ATTR_READONLY))) }
        return before + [step("root", target: mountPoint)] + after
    }

    private func rootSteps(_ steps: inout [ShimMessage]) {
        let flags = UInt64(CLINUX_MS_NODEV)
        switch root {
        case .host(_, let bytes):
            steps.append(
                step(
                    "mount", source: "tmpfs", target: mountPoint, type: "tmpfs", flags: flags,
                    data: "mode=755,size=\(bytes)"))
        case .overlay(let folder, let layers, let writable):
            var upper = ""
            var work = ""
            switch writable {
            case .disk(let diskUpper, let diskWork): (upper, work) = (diskUpper, diskWork)
            case .memory(let bytes):
                // Below the overlay's own mount point, which covers it.
                let memory = mountPoint + ".memory"
                steps.append(
                    step(
                        "mount", source: "tmpfs", target: memory, type: "tmpfs", flags: flags,
                        data: "mode=755,size=\(bytes)"))
                (upper, work) = (memory + "/upper", memory + "/work")
                steps += [step("folder", target: upper, mode: 0o755), step("folder", target: work, mode: 0o755)]
            }
            // Relative names keep the option text below the kernel's one page.
            steps.append(step("enter", target: folder))
            steps.append(
                step(
                    "mount", source: "overlay", target: mountPoint, type: "overlay", flags: flags,
                    data: "lowerdir=\(layers.joined(separator: ":")),upperdir=\(upper),workdir=\(work)"))
            steps.append(step("enter", target: "/"))
        }
    }

    private func sysSteps(_ steps: inout [ShimMessage]) {
        let access = isPrivileged ? 0 : UInt64(CLINUX_MS_READONLY)
        // With the node's network namespace a fresh sysfs may be refused; an empty folder does no harm.
        steps.append(
            optional(step("mount", source: "sysfs", target: "/sys", type: "sysfs", flags: Self.secure | access)))
        steps.append(
            optional(
                step("mount", source: "cgroup", target: "/sys/fs/cgroup", type: "cgroup2", flags: Self.secure | access))
        )
    }

    private func memoryStep(_ mount: ContainerMount, _ bytes: Int64?) -> ShimMessage {
        let size = bytes.map { ",size=\($0)" } ?? ""
        let access = mount.readOnly ? UInt64(CLINUX_MS_READONLY) : 0
        return step(
            "mount", source: "tmpfs", target: mount.path, type: "tmpfs",
            flags: UInt64(CLINUX_MS_NOSUID | CLINUX_MS_NODEV) | access, data: "mode=1777" + size)
    }

    private func optional(_ step: ShimMessage) -> ShimMessage {
        var step = step
        step.add("optional", flag: true)
        return step
    }
}

/// One step of the launch, as the shim reads it. Source: CLinuxLaunch.h.
func step(
    _ verb: String, source: String? = nil, target: String? = nil, type: String? = nil, flags: UInt64 = 0, mode: Int = 0,
    data: String? = nil, slot: Int = 0
) -> ShimMessage {
    var message = ShimMessage(verb)
    if let source { message.add("source", source) }
    if let target { message.add("target", target) }
    if let type { message.add("type", type) }
    if let data { message.add("data", data) }
    if flags != 0 { message.add("flags", flags) }
    if mode != 0 { message.add("mode", mode) }
    if slot != 0 { message.add("slot", slot) }
    return message
}
