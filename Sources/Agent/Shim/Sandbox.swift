import CLinux
import Glibc

/// The pod: its namespaces, which this process holds, its containers and the socket.
///
/// A `sandbox` message has: `uid`, `namespace`, `name`, `socket`, `state` (path of the state file), `unshare` (CLONE_NEW…
/// flags), `hostname`, `cgroup` (cgroup.procs paths), `sysctl` (`path=value`), `shared` (one PID namespace), `killfile`.
final class Sandbox {
    let config: ShimMessage
    let loop = Loop()
    var containers: [Container] = []
    var clients: [Int32: Client] = [:]
    /// The first process of a shared PID namespace.
    private var rest: LaunchPlan.Started?
    private let listener: Int32
    private let signals: Int32
    private let ownProcesses: Int32

    init(_ config: ShimMessage) throws(Failure) {
        self.config = config
        for path in config.all("cgroup") {
            guard writeFile(path, "0") else { throw Failure("joining the cgroup \(path)", errno: errno) }
        }
        // Orphans of containers without a PID namespace of their own come to the shim, which can end them.
        _ = clinux_adopt_orphans()
        writeFile("/proc/self/oom_score_adj", "-999")
        let flags: UInt64 = config.number("unshare") ?? 0
        if flags != 0, clinux_unshare(flags) < 0 { throw Failure("making the pod's namespaces", errno: errno) }
        if flags & UInt64(CLINUX_NEW_NETWORK) != 0, clinux_loopback_up() < 0 {
            throw Failure("starting the loopback device", errno: errno)
        }
        if flags & UInt64(CLINUX_NEW_HOSTNAME) != 0 {
            let name = config.text("hostname")
            guard sethostname(name, name.utf8.count) == 0 else { throw Failure("setting the hostname", errno: errno) }
        }
        for setting in config.all("sysctl") {
            let parts = setting.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, writeFile(String(parts[0]), String(parts[1])) else {
                throw Failure("setting \(setting)", errno: errno)
            }
        }
        ownProcesses = clinux_open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC, 0)
        signals = clinux_child_signals()
        guard signals >= 0 else { throw Failure("receiving signals", errno: errno) }
        listener = clinux_unix_listen(config.text("socket"))
        guard listener >= 0 else { throw Failure("listening at \(config.text("socket"))", errno: errno) }
        if config.has("shared") {
            var first = ShimMessage("start")
            first.add("clone", CLINUX_NEW_PROCESSES)
            var plan = try LaunchPlan(first)
            plan.rests = true
            rest = try plan.launch(streams: .none, join: nil)
        }
        saveState()
    }

    func serve() -> Never {
        loop.watch(signals) { [self] in readSignals() }
        loop.watch(listener) { [self] in accept() }
        loop.run()
        end()
    }

    // MARK: Containers

    func container(_ message: ShimMessage) -> Container? {
        let name = message.text("name")
        let attempt: Int? = message.number("attempt")
        return containers.first { $0.name == name && $0.attempt == attempt }
    }

    /// Starts in the shared PID namespace where the pod has one.
    func launch(
        _ plan: LaunchPlan, _ streams: LaunchPlan.Streams, join: (pidfd: Int32, flags: UInt64)?, processes: Int32?
    )
        throws(Failure) -> LaunchPlan.Started
    {
        let target = processes ?? rest?.pidfd
        if let target, clinux_setns(target, UInt64(CLINUX_NEW_PROCESSES)) < 0 {
            throw Failure("entering the PID namespace", errno: errno)
        }
        defer { if target != nil { _ = clinux_setns(ownProcesses, UInt64(CLINUX_NEW_PROCESSES)) } }
        return try plan.launch(streams: streams, join: join)
    }

    func tell(_ message: ShimMessage) {
        for client in clients.values where client.isWatching { client.send(message) }
    }

    func note(_ container: Container, _ event: String) {
        saveState()
        var message = container.message
        message.verb = event
        tell(message)
    }

    // MARK: Children

    private func readSignals() {
        var bytes = [UInt8](repeating: 0, count: 128)
        var stops = false
        while read(signals, &bytes, bytes.count) == bytes.count {
            let number = bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
            if number == UInt32(SIGTERM) { stops = true }
        }
        var code: Int32 = 0
        var signal: Int32 = 0
        while true {
            let pid = clinux_reap(&code, &signal)
            guard pid > 0 else { break }
            if let container = containers.first(where: { $0.pid == pid && $0.exit == nil }) {
                finish(container, code: code, signal: signal)
            } else if let client = clients.values.first(where: { $0.program == pid }) {
                client.program = 0
                var message = ShimMessage("exited")
                message.add("code", code)
                client.send(message)
            }
        }
        if stops { loop.isDone = true }
    }

    private func finish(_ container: Container, code: Int32, signal: Int32) {
        container.ended(code: code, signal: signal)
        // What is left of it, such as a child that kept the output open, ends with it.
        container.killAll()
        copy(container, \.output, to: "stdout", all: true)
        copy(container, \.errors, to: "stderr", all: true)
        for descriptor in [container.output, container.errors] where descriptor >= 0 { loop.forget(descriptor) }
        container.closeStreams()
        for listener in container.listeners {
            listener.isEnding = true
            settle(listener, of: container)
        }
        note(container, "exited")
        for client in container.waiting { client.send(ShimMessage("ok")) }
        container.waiting = []
    }

    /// Copies what the container wrote into its log and to those who are attached.
    func copy(_ container: Container, _ side: ReferenceWritableKeyPath<Container, Int32>, to stream: String, all: Bool)
    {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        repeat {
            let descriptor = container[keyPath: side]
            guard descriptor >= 0 else { return }
            let count = read(descriptor, &bytes, bytes.count)
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EAGAIN { return }
            guard count > 0 else {
                // End of file, or EIO of a terminal whose other end is closed.
                loop.forget(descriptor)
                if side == \.output && container.hasTerminal && container.exit == nil { return }
                close(descriptor)
                container[keyPath: side] = -1
                return
            }
            container.log?.write(bytes[..<count], stream: stream)
            for listener in container.listeners {
                listener.offer(bytes[..<count], isError: stream == "stderr")
                settle(listener, of: container)
            }
        } while all
    }

    /// Goes on with a listener: writes what waits, holds the container while too much waits, and says farewell at its
    /// end.
    private func settle(_ listener: Attachment, of container: Container) {
        let before = listener.blocked
        if before >= 0 { loop.forgetRoom(before) }
        guard !listener.flush() else {
            if listener.isEnding { farewell(listener, of: container) }
            return release(container)
        }
        loop.watchRoom(listener.blocked) { [self] in settle(listener, of: container) }
        guard listener.pendingBytes >= Attachment.bytesMax else { return release(container) }
        guard !container.isHeld, container.exit == nil else { return }
        container.isHeld = true
        for descriptor in [container.output, container.errors] where descriptor >= 0 { loop.forget(descriptor) }
        loop.after(millis: Attachment.patienceMillis) { [self] in
            for slow in container.listeners where slow.pendingBytes >= Attachment.bytesMax {
                farewell(slow, of: container)
            }
            release(container)
        }
    }

    /// Lets the container's output flow again when nobody is too far behind.
    private func release(_ container: Container) {
        guard container.isHeld, container.listeners.allSatisfy({ $0.pendingBytes < Attachment.bytesMax }) else {
            return
        }
        container.isHeld = false
        guard container.exit == nil else { return }
        if container.output >= 0 { follow(container, \.output, "stdout") }
        if container.errors >= 0 { follow(container, \.errors, "stderr") }
    }

    /// Ends an attachment; its client is told.
    private func farewell(_ listener: Attachment, of container: Container) {
        if listener.blocked >= 0 { loop.forgetRoom(listener.blocked) }
        listener.end()
        container.listeners.removeAll { $0 === listener }
        var message = ShimMessage("exited")
        message.add("code", 0)
        listener.client.send(message)
    }

    // MARK: Clients

    private func accept() {
        let descriptor = clinux_accept(listener, nil, nil)
        guard descriptor >= 0 else { return }
        let client = Client(descriptor)
        clients[descriptor] = client
        loop.watch(descriptor) { [self] in
            guard let messages = client.lines() else { return drop(client) }
            for message in messages { answer(message, to: client) }
        }
    }

    private func drop(_ client: Client) {
        loop.forget(client.descriptor)
        clients[client.descriptor] = nil
        if client.program > 0 {
            // Its session, and itself in case it has left that.
            kill(-client.program, SIGKILL)
            kill(client.program, SIGKILL)
        }
        for container in containers {
            container.waiting.removeAll { $0 === client }
            for listener in container.listeners where listener.client === client {
                if listener.blocked >= 0 { loop.forgetRoom(listener.blocked) }
                listener.end()
            }
            container.listeners.removeAll { $0.client === client }
            release(container)
        }
        client.end()
    }

    // MARK: State and end

    /// Replaces the state file by rename, so that a reader sees the old or the new state.
    func saveState() {
        let path = config.text("state")
        guard !path.isEmpty else { return }
        var bytes = stateMessage.line
        for container in containers { bytes += container.message.line }
        let descriptor = clinux_open(path + ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        let written = write(descriptor, bytes, bytes.count)
        close(descriptor)
        if written == bytes.count { rename(path + ".new", path) }
    }

    var stateMessage: ShimMessage {
        var message = ShimMessage("sandbox")
        message.add("version", ShimMessage.version)
        message.add("pid", getpid())
        for key in ["uid", "namespace", "name", "unshare"] { message.add(key, config.text(key)) }
        return message
    }

    /// Ends everything of the pod, and the shim.
    private func end() -> Never {
        for container in containers where container.exit == nil { container.killAll() }
        if let rest { _ = clinux_pidfd_signal(rest.pidfd, SIGKILL) }
        // Descendants that left their session; a bounded number of rounds, since new ones may be made meanwhile.
        for _ in 0..<100 {
            let children = readFile("/proc/self/task/\(getpid())/children") ?? ""
            for child in children.split(separator: " ") { if let pid = Int32(child) { kill(pid, SIGKILL) } }
            var code: Int32 = 0
            var signal: Int32 = 0
            var pid = clinux_reap(&code, &signal)
            while pid > 0 {
                containers.first { $0.pid == pid && $0.exit == nil }?.ended(code: code, signal: signal)
                pid = clinux_reap(&code, &signal)
            }
            if pid < 0 { break }
            usleep(2000)
        }
        saveState()
        unlink(config.text("socket"))
        exit(0)
    }
}
