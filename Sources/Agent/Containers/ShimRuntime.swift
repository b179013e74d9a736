import CLinux
import Glibc
import Shared
import Synchronization

/// The runtime on top of shims: the same bookkeeping for pods of namespaces and pods of plain processes.
///
/// A class because it owns the connections on which the shims report. All lasting state is in the shims and on disk.
final class ShimRuntime: Runtime {
    private struct State {
        /// Pods whose shim is watched.
        var watched: Set<String> = []
        var streams: [Int: AsyncStream<RuntimeEvent>.Continuation] = [:]
        var nextStream = 0
    }
    let planner: any PodPlanner
    let folders: RuntimeFolders
    let shim: ShimProgram
    let imageStore: ImageStore
    private let clock: any WallClock
    private let log: Log
    private let state = Mutex(State())

    init(
        planner: any PodPlanner, folders: RuntimeFolders, shim: ShimProgram, images: ImageStore, clock: any WallClock,
        log: Log
    ) {
        self.planner = planner
        self.folders = folders
        self.shim = shim
        imageStore = images
        self.clock = clock
        self.log = log
    }

    var kind: RuntimeKind { planner.kind }

    // MARK: Sandboxes

    func createSandbox(_ config: SandboxConfig) async throws(RuntimeFailure) -> SandboxInfo {
        guard ShimRuntime.isSafeName(config.uid) else {
            throw RuntimeFailure(
                .createSandbox, "The pod's uid \(config.uid) is no plain name of at most 64 characters.")
        }
        let socket = folders.socket(config.uid)
        if record(config.uid) != nil, let alive = await hello(socket) { return info(config, alive) }
        let record = PodRecord(config: config, socket: socket)
        do throws(Errno) {
            try Files.makeFolder(folders.run, mode: 0o700)
            try Files.makeFolder(folders.pods, mode: 0o700)
            try Files.makeFolder(folders.pod(config.uid), mode: 0o700)
            try Files.replace(folders.record(config.uid), record.message.line)
        } catch {
            throw RuntimeFailure(
                .createSandbox, "The folders \(folders.run) and \(folders.pod(config.uid)) can not be made: \(error).")
        }
        guard RunFolder.isOwn(folders.run) else {
            throw RuntimeFailure(.createSandbox, "The folder \(folders.run) belongs to somebody else; remove it.")
        }
        do {
            var message = try planner.prepareSandbox(record)
            message.add("uid", config.uid)
            message.add("namespace", config.namespace)
            message.add("name", config.name)
            message.add("socket", socket)
            message.add("state", folders.shimState(config.uid))
            let answer = try await shim.run("sandbox", place: folders.pod(config.uid), message)
            await watch(config.uid, socket)
            return info(config, answer)
        } catch {
            planner.kill(record)
            _ = planner.cleanSandbox(record)
            Files.removeAll(folders.pod(config.uid))
            throw RuntimeFailure(.createSandbox, error.message)
        }
    }

    private func info(_ config: SandboxConfig, _ answer: ShimMessage) -> SandboxInfo {
        let pid: Int32 = answer.number("pid") ?? 0
        let isOwn = kind == .linux && !config.hostNetwork
        return SandboxInfo(
            uid: config.uid, shimPID: pid, networkNamespace: isOwn ? "/proc/\(pid)/ns/net" : nil,
            notes: planner.takeNotes())
    }

    func stopSandbox(_ uid: String, grace: Duration) async throws(RuntimeFailure) {
        guard let found = await sandbox(uid) else { return }
        if found.isAlive {
            let running = found.containers.filter { $0.phase == .running }.map(\.id)
            await withTaskGroup(of: Void.self) { group in
                for id in running { group.addTask { try? await self.stopContainer(id, grace: grace) } }
            }
            if let client = try? ShimClient(path: folders.socket(uid)) {
                defer { client.close() }
                _ = try? await client.request(ShimMessage("shutdown"))
                // The connection ends with the shim.
                while let piece = try? await client.descriptor.read(most: 4096), !piece.isEmpty {}
            }
        }
        if let record = record(uid) { planner.kill(record) }
    }

    func removeSandbox(_ uid: String) async throws(RuntimeFailure) {
        guard ShimRuntime.isSafeName(uid) else { return }
        guard let record = record(uid) else {
            Files.removeAll(folders.pod(uid))
            return
        }
        try await stopSandbox(uid, grace: .zero)
        // Killed processes take a moment to leave their cgroup.
        for _ in 0..<Limits.removalAttemptsMax {
            if planner.cleanSandbox(record) {
                Files.removeAll(folders.pod(uid))
                return
            }
            planner.kill(record)
            try? await clock.sleep(for: .milliseconds(10))
        }
        throw RuntimeFailure(
            .runtime,
            "A process of pod \(record.config.name) does not end, so its cgroup \(record.config.cgroup) can not be removed yet."
        )
    }

    func sandboxes() async -> [SandboxState] {
        var found: [SandboxState] = []
        for uid in Files.names(folders.pods) {
            guard let state = await sandbox(uid) else { continue }
            if state.isAlive { await watch(uid, folders.socket(uid)) }
            found.append(state)
        }
        return found
    }

    /// Asks the shim, or reads what it left behind.
    func sandbox(_ uid: String) async -> SandboxState? {
        guard let record = record(uid) else { return nil }
        var state = SandboxState(
            uid: uid, namespace: record.config.namespace, name: record.config.name, shimPID: 0, networkNamespace: nil,
            isAlive: false, containers: [])
        if let client = try? ShimClient(path: record.socket) {
            defer { client.close() }
            var lines = ShimClient.Lines()
            var rows: [ShimMessage] = []
            if let hello = try? await client.request(ShimMessage("hello"), lines: &lines, rows: { _ in }),
                (try? await client.request(ShimMessage("list"), lines: &lines, rows: { rows.append($0) })) != nil
            {
                state.isAlive = true
                state.shimPID = hello.message.number("pid") ?? 0
                state.containers = rows.map { container($0, uid) }
                if kind == .linux && !record.config.hostNetwork {
                    state.networkNamespace = "/proc/\(state.shimPID)/ns/net"
                }
                return state
            }
        }
        let left = Files.text(folders.shimState(uid), most: ShimMessage.bytesMax) ?? ""
        for line in left.split(separator: "\n") {
            guard let message = ShimMessage(text: String(line)), message.verb == "container" else { continue }
            var container = container(message, uid)
            if container.exit == nil {
                container.phase = .exited
                container.exit = ContainerExit(code: 137, signal: SIGKILL, finishedAt: clock.now().nanoseconds)
            }
            state.containers.append(container)
        }
        return state
    }

    private func hello(_ socket: String) async -> ShimMessage? {
        guard let client = try? ShimClient(path: socket) else { return nil }
        defer { client.close() }
        return try? await client.request(ShimMessage("hello")).message
    }

    func record(_ uid: String) -> PodRecord? {
        guard ShimRuntime.isSafeName(uid), let bytes = try? Files.read(folders.record(uid)) else { return nil }
        return ShimMessage(line: bytes).flatMap { PodRecord($0) }
    }

    static func isSafeName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && !name.hasPrefix(".")
            && name.utf8.allSatisfy {
                ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x41 && $0 <= 0x5A) || ($0 >= 0x61 && $0 <= 0x7A) || $0 == 0x2D
                    || $0 == 0x2E || $0 == 0x5F
            }
    }

    func stats(_ uid: String) async -> SandboxStats? {
        guard let record = record(uid), let found = await sandbox(uid), found.isAlive else { return nil }
        return planner.usage(record, containers: found.containers)
    }

    // MARK: Events

    func events() -> AsyncStream<RuntimeEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: RuntimeEvent.self, bufferingPolicy: .bufferingNewest(Limits.runtimeEventsMax))
        let key = state.withLock { state in
            state.nextStream += 1
            state.streams[state.nextStream] = continuation
            return state.nextStream
        }
        continuation.onTermination = { [weak self] _ in self?.forgetStream(key) }
        return stream
    }

    private func forgetStream(_ key: Int) { state.withLock { $0.streams[key] = nil } }

    private func tell(_ event: RuntimeEvent) {
        for stream in state.withLock({ Array($0.streams.values) }) { stream.yield(event) }
    }

    /// Follows what a shim reports until it ends. Returns when the shim has agreed to report.
    private func watch(_ uid: String, _ socket: String) async {
        guard state.withLock({ $0.watched.insert(uid).inserted }) else { return }
        guard let client = try? ShimClient(path: socket) else {
            state.withLock { _ = $0.watched.remove(uid) }
            return
        }
        var lines = ShimClient.Lines()
        var early: [ShimMessage] = []
        _ = try? await client.request(ShimMessage("watch"), lines: &lines, rows: { early.append($0) })
        for message in early { report(message, uid) }
        // The bridge from the shim's connection to the streams: it ends with the connection, which the shim ends.
        let rest = lines
        Task { [weak self] in
            var lines = rest
            while let message = try? await client.next(&lines) { self?.report(message, uid) }
            client.close()
            self?.lost(uid)
        }
    }

    private func report(_ message: ShimMessage, _ uid: String) {
        switch message.verb {
        case "started": tell(.started(container(message, uid)))
        case "exited": tell(.exited(container(message, uid)))
        default: log.debug("The shim of pod \(uid) said \(message.verb).")
        }
    }

    private func lost(_ uid: String) {
        state.withLock { _ = $0.watched.remove(uid) }
        tell(.sandboxLost(uid: uid))
    }

    func container(_ message: ShimMessage, _ uid: String) -> ContainerState {
        let id = ContainerID(sandbox: uid, name: message.text("name"), attempt: message.number("attempt") ?? 0)
        var state = ContainerState(
            id: id, phase: message.has("code") ? .exited : .running, pid: message.number("pid") ?? 0,
            startedAt: message.number("startedAt") ?? 0)
        state.image = message.text("image")
        state.imageID = message.text("imageID")
        state.logPath = message.text("log")
        if let code: Int32 = message.number("code") {
            state.exit = ContainerExit(
                code: code, signal: message.number("signal") ?? 0, oomKilled: message.has("oom"),
                finishedAt: message.number("finishedAt") ?? 0, message: ShimRuntime.tail(message.text("message")))
        }
        return state
    }

    /// The last 4096 bytes of a file that the container wrote. Source: Kubernetes `terminationMessagePath`.
    private static func tail(_ path: String) -> String {
        let file = clinux_open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0)
        guard !path.isEmpty, file >= 0 else { return "" }
        defer { close(file) }
        let size = lseek(file, 0, SEEK_END)
        lseek(file, max(0, size - 4096), SEEK_SET)
        guard let bytes = try? Files.read(file, most: 4096) else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: Images

    func ensureImage(_ reference: String, policy: PullPolicy, credentials: [RegistryCredential])
        async throws(RuntimeFailure) -> ImageInfo
    { try await imageStore.ensure(reference, policy: policy, credentials: credentials) }
    func images() async -> [ImageInfo] { imageStore.list() }
    func removeImage(_ reference: String) async throws(RuntimeFailure) { try imageStore.remove(reference) }
}
