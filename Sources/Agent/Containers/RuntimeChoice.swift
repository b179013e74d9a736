import CLinux
import Glibc
import Shared

/// Which runtime a machine gets, and why.
struct RuntimeChoice: Sendable {
    let runtime: any Runtime
    /// One sentence; empty when the linux runtime works as it should.
    let reason: String

    /// Tries namespaces, an overlay and cgroups, and falls back to plain processes.
    /// - Parameters:
    ///   - wanted: what `--runtime` says; nil chooses. `linux` throws the reason instead of falling back.
    ///   - cgroup: the node's cgroup, such as `kotohajime/node-1`, which must exist or can be made.
    static func make(
        wanted: RuntimeKind?, folders: RuntimeFolders, cgroup: String, shim: ShimProgram?, clock: any WallClock,
        log: Log
    ) async throws(RuntimeFailure) -> RuntimeChoice {
        guard let shim else {
            throw RuntimeFailure(
                .unsupported, "The program kotoshim is missing; it must lie in the same folder as kagent.")
        }
        let images = ImageStore(folder: folders.images)
        func make(_ planner: any PodPlanner, _ reason: String) -> RuntimeChoice {
            RuntimeChoice(
                runtime: ShimRuntime(
                    planner: planner, folders: folders, shim: shim, images: images, clock: clock, log: log),
                reason: reason)
        }
        if wanted == .process {
            return make(ProcessPods(folders: folders), "Pods run as plain processes, as asked for.")
        }
        let trial = await RuntimeTrial(folders: folders, cgroup: cgroup, shim: shim).run()
        if let obstacle = trial.obstacle {
            let sentence = "This machine can not run containers: \(obstacle)."
            if wanted == .linux { throw RuntimeFailure(.unsupported, sentence) }
            return make(ProcessPods(folders: folders), sentence + " Pods run as plain processes instead.")
        }
        let planner = LinuxPods(
            folders: folders, cgroups: .current(), images: images,
            host: .current(agent: Files.linkText("/proc/self/exe")), hasDiskUpper: trial.hasDiskUpper)
        return make(planner, "")
    }
}

/// One real attempt at everything that the linux runtime needs. Nothing is left behind.
struct RuntimeTrial: Sendable {
    struct Result: Sendable, Equatable {
        /// Why containers can not run; nil when they can.
        var obstacle: String?
        /// The state folder can be an overlay's upper layer.
        var hasDiskUpper = false
    }
    let folders: RuntimeFolders
    let cgroup: String
    let shim: ShimProgram

    func run() async -> Result {
        guard geteuid() == 0 else { return Result(obstacle: "it needs root (start it with sudo)") }
        let cgroups = Cgroups.current()
        guard cgroups.isUsable else { return Result(obstacle: "no cgroup tree is mounted at /sys/fs/cgroup") }
        let trial = folders.state + "/trial"
        defer { Files.removeAll(trial) }
        let path = cgroup + "/trial"
        do throws(Errno) {
            try Files.makeFolder(folders.root)
            try Files.makeFolder(folders.root + ".memory")
            for name in ["lower", "upper", "work"] { try Files.makeFolder(trial + "/" + name) }
            try cgroups.make(path, limits: ResourceLimits(memoryBytes: 64 << 20, pids: 16))
        } catch {
            return Result(obstacle: "its state folder or cgroup can not be written (\(error))")
        }
        defer { _ = cgroups.remove(path) }
        let disk = RootFS.Writable.disk(upper: trial + "/upper", work: trial + "/work")
        if await attempt(trial, disk, cgroups.processFiles(path)) == nil { return Result(hasDiskUpper: true) }
        let obstacle = await attempt(trial, .memory(bytes: 1 << 20), cgroups.processFiles(path))
        return Result(obstacle: obstacle)
    }

    /// The failure, or nil.
    private func attempt(_ trial: String, _ writable: RootFS.Writable, _ processes: [String]) async -> String? {
        let root = RootFS(
            mountPoint: folders.root, root: .overlay(folder: trial, layers: ["lower"], writable: writable),
            sharedMemory: trial)
        var message = ShimMessage("start")
        message.add(
            "clone",
            CLINUX_NEW_MOUNTS | CLINUX_NEW_PROCESSES | CLINUX_NEW_NETWORK | CLINUX_NEW_HOSTNAME | CLINUX_NEW_IPC)
        message.add("cgroupns", flag: true)
        message.add("cgroup", processes)
        message.add("step", root.steps().map(\.text))
        do { _ = try await shim.run("trial", place: folders.state, message) } catch { return error.message }
        return nil
    }
}
