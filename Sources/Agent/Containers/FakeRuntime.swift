import Shared
import Synchronization

/// A runtime whose containers are scripts: for tests of everything above the runtime, with a clock moved by hand.
///
/// The first word of a container's command, or else the last part of its image's name, says what it does:
/// `run` (until it is signalled; also any unknown word), `fail [CODE]` and `done` (exit at once with CODE or 1, and 0),
/// `wait SECONDS [CODE]` (exit when the clock has passed), `stubborn` (ignores its stop signal), `oom` (is killed for
/// lack of memory at once), `unstartable` (fails to start). An image whose name has `missing` can not be pulled.
final class FakeRuntime: Runtime {
    private struct Attempt {
        var state: ContainerState
        var isStubborn = false
        /// Monotonic end of a `wait`.
        var endsAt: Duration?
        var code: Int32 = 0
    }
    private struct Sandbox {
        var config: SandboxConfig
        var isAlive = true
        var attempts: [Attempt] = []
    }
    private struct State {
        var sandboxes: [String: Sandbox] = [:]
        var streams: [Int: AsyncStream<RuntimeEvent>.Continuation] = [:]
        var nextStream = 0
        var nextPID: Int32 = 1000
        var pulled: Set<String> = []
        var calls: [String] = []
        var failures: [String: RuntimeFailure] = [:]
        var probes: [String: ProbeResult] = [:]
    }
    private let state = Mutex(State())
    private let clock: any WallClock

    init(clock: any WallClock) { self.clock = clock }

    let kind = RuntimeKind.fake

    // MARK: What a test does

    /// The calls so far: `createSandbox UID`, `startContainer UID/NAME/ATTEMPT`, ….
    var calls: [String] { state.withLock { $0.calls } }
    /// Makes the next call of that name (`createSandbox`, `startContainer`, `ensureImage`) fail once.
    func failNext(_ call: String, with failure: RuntimeFailure) { state.withLock { $0.failures[call] = failure } }
    /// What `execProbe` answers in containers of that name; 0 without output unless set.
    func setProbe(_ container: String, _ result: ProbeResult) { state.withLock { $0.probes[container] = result } }
    /// Ends a running container from outside, as a crash does.
    func exit(_ id: ContainerID, code: Int32, signal: Int32 = 0, oomKilled: Bool = false) {
        finish(id, ContainerExit(code: code, signal: signal, oomKilled: oomKilled, finishedAt: now))
    }
    /// Ends the shim, and the pod with it.
    func loseSandbox(_ uid: String) {
        for id in running(uid) { exit(id, code: 137, signal: 9) }
        state.withLock { $0.sandboxes[uid]?.isAlive = false }
        tell(.sandboxLost(uid: uid))
    }
    /// Ends every `wait` whose time has come. Call it after moving the clock.
    func tick() {
        let uptime = clock.uptime()
        let due = state.withLock { state in
            state.sandboxes.values.flatMap(\.attempts).filter {
                $0.state.phase == .running && $0.endsAt.map { $0 <= uptime } ?? false
            }
        }
        for attempt in due { exit(attempt.state.id, code: attempt.code) }
    }

    // MARK: Runtime

    func createSandbox(_ config: SandboxConfig) async throws(RuntimeFailure) -> SandboxInfo {
        try note("createSandbox", config.uid)
        let pid = state.withLock { state in
            if state.sandboxes[config.uid]?.isAlive != true { state.sandboxes[config.uid] = Sandbox(config: config) }
            state.nextPID += 1
            return state.nextPID
        }
        return SandboxInfo(uid: config.uid, shimPID: pid, networkNamespace: nil)
    }

    func stopSandbox(_ uid: String, grace: Duration) async throws(RuntimeFailure) {
        try note("stopSandbox", uid)
        for id in running(uid) { exit(id, code: 137, signal: 9) }
        state.withLock { $0.sandboxes[uid]?.isAlive = false }
    }

    func removeSandbox(_ uid: String) async throws(RuntimeFailure) {
        try note("removeSandbox", uid)
        for id in running(uid) { exit(id, code: 137, signal: 9) }
        state.withLock { _ = $0.sandboxes.removeValue(forKey: uid) }
    }

    func startContainer(_ config: ContainerConfig, in uid: String) async throws(RuntimeFailure) -> ContainerState {
        let id = ContainerID(sandbox: uid, name: config.name, attempt: config.attempt)
        try note("startContainer", "\(uid)/\(config.name)/\(config.attempt)")
        let (word, arguments) = FakeRuntime.script(config)
        var attempt = Attempt(
            state: ContainerState(id: id, phase: .running, pid: 0, startedAt: now))
        attempt.state.image = config.image.reference
        attempt.state.imageID = config.image.id
        attempt.state.logPath = config.logPath
        attempt.isStubborn = word == "stubborn"
        if word == "wait" {
            attempt.endsAt = clock.uptime() + .seconds(arguments.first.flatMap { Int64($0) } ?? 0)
            attempt.code = arguments.dropFirst().first.flatMap { Int32($0) } ?? 0
        }
        let added: Attempt? = state.withLock { state in
            guard state.sandboxes[uid]?.isAlive == true else { return nil }
            state.nextPID += 1
            attempt.state.pid = state.nextPID
            if word == "unstartable" {
                attempt.state.phase = .exited
                attempt.state.exit = ContainerExit(code: 128, finishedAt: now)
            }
            state.sandboxes[uid]?.attempts.append(attempt)
            return attempt
        }
        guard let added else { throw RuntimeFailure(.notFound, "The pod \(uid) has no sandbox.") }
        if word == "unstartable" {
            throw RuntimeFailure(.start, "executing \(config.argv.first ?? ""): No such file or directory")
        }
        tell(.started(added.state))
        switch word {
        case "fail": exit(id, code: arguments.first.flatMap { Int32($0) } ?? 1)
        case "done": exit(id, code: 0)
        case "oom": exit(id, code: 137, signal: 9, oomKilled: true)
        default: break
        }
        return added.state
    }

    func setLimits(_ limits: ResourceLimits, of id: ContainerID) async throws(RuntimeFailure) {
        try note(
            "setLimits",
            "\(id.sandbox)/\(id.name)/\(id.attempt) cpu=\(limits.cpuMillis ?? 0) memory=\(limits.memoryBytes ?? 0)")
    }

    func signalContainer(_ id: ContainerID, _ signal: Int32) async throws(RuntimeFailure) {
        try note("signalContainer", "\(id.sandbox)/\(id.name)/\(id.attempt) \(signal)")
        let isStubborn = try attempt(id).isStubborn
        if signal == 9 || !isStubborn { exit(id, code: 128 + signal, signal: signal) }
    }

    func stopContainer(_ id: ContainerID, grace: Duration) async throws(RuntimeFailure) {
        try note("stopContainer", "\(id.sandbox)/\(id.name)/\(id.attempt)")
        guard let attempt = try? attempt(id), attempt.state.phase == .running else { return }
        if !attempt.isStubborn && grace > .zero { return exit(id, code: 143, signal: 15) }
        if grace > .zero { try? await clock.sleep(for: grace) }
        exit(id, code: 137, signal: 9)
    }

    func removeContainer(_ id: ContainerID) async throws(RuntimeFailure) {
        try note("removeContainer", "\(id.sandbox)/\(id.name)/\(id.attempt)")
        exit(id, code: 137, signal: 9)
        state.withLock { $0.sandboxes[id.sandbox]?.attempts.removeAll { $0.state.id == id } }
    }

    func sandboxes() async -> [SandboxState] {
        state.withLock { state in
            state.sandboxes.values.map { sandbox in
                SandboxState(
                    uid: sandbox.config.uid, namespace: sandbox.config.namespace, name: sandbox.config.name, shimPID: 1,
                    networkNamespace: nil, isAlive: sandbox.isAlive, containers: sandbox.attempts.map(\.state))
            }.sorted { $0.uid < $1.uid }
        }
    }

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

    /// The program `cat`, which gives back its input, in every container; other programs say their arguments.
    func exec(_ request: ExecRequest, in id: ContainerID) async throws(RuntimeFailure) -> ExecSession {
        try note("exec", "\(id.sandbox)/\(id.name)/\(id.attempt) \(request.argv.joined(separator: " "))")
        guard try attempt(id).state.phase == .running else {
            throw RuntimeFailure(.exec, "container \(id.name) is not running")
        }
        let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        if request.argv.first != "cat" {
            continuation.yield(Array((request.argv.joined(separator: " ") + "\n").utf8))
            continuation.finish()
        }
        return FakeRuntime.session(stream, continuation)
    }

    func execProbe(_ argv: [String], in id: ContainerID, timeout: Duration) async throws(RuntimeFailure) -> ProbeResult
    {
        _ = try attempt(id)
        return state.withLock { $0.probes[id.name] } ?? ProbeResult(exitCode: 0, output: [])
    }

    func attach(_ id: ContainerID, endsInput: Bool) async throws(RuntimeFailure) -> ExecSession {
        _ = try attempt(id)
        let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        return FakeRuntime.session(stream, continuation)
    }

    func stats(_ uid: String) async -> SandboxStats? {
        let running = running(uid)
        guard state.withLock({ $0.sandboxes[uid] != nil }) else { return nil }
        var stats = SandboxStats(at: now)
        for id in running {
            stats.containers[id.name] = Usage(cpuNanoseconds: 1_000_000, workingSetBytes: 1 << 20, pids: 1)
        }
        let count = Int64(running.count)
        stats.pod = Usage(cpuNanoseconds: 1_000_000 * count, workingSetBytes: count << 20, pids: count)
        return stats
    }

    func ensureImage(_ reference: String, policy: PullPolicy, credentials: [RegistryCredential])
        async throws(RuntimeFailure) -> ImageInfo
    {
        try note("ensureImage", reference)
        let name = try Reference(reference)
        if name.repository.contains("missing") {
            if policy == .never { throw RuntimeFailure(.neverPull, "The image \(name) is not on this node.") }
            throw RuntimeFailure(.pull, "The image \(name) can not be pulled: its registry does not have it.")
        }
        state.withLock { _ = $0.pulled.insert(name.description) }
        return FakeRuntime.info(name.description)
    }

    func images() async -> [ImageInfo] { state.withLock { $0.pulled.sorted().map(FakeRuntime.info) } }
    func removeImage(_ reference: String) async throws(RuntimeFailure) {
        let name = try Reference(reference).description
        state.withLock { _ = $0.pulled.remove(name) }
    }

    // MARK: Inside

    private var now: Int64 { clock.now().nanoseconds }

    private static func info(_ name: String) -> ImageInfo {
        ImageInfo(reference: name, id: "sha256:" + String(repeating: "f", count: 64), command: ["run"], bytes: 1000)
    }

    private static func script(_ config: ContainerConfig) -> (word: String, arguments: [String]) {
        let words: Set<String> = ["run", "fail", "done", "wait", "stubborn", "oom", "unstartable"]
        if let first = config.argv.first, words.contains(first), first != "run" {
            return (first, Array(config.argv.dropFirst()))
        }
        let image = config.image.reference.split(separator: "/").last ?? ""
        let name = image.prefix { $0 != ":" && $0 != "@" }
        return (words.contains(String(name)) ? String(name) : "run", [])
    }

    private func note(_ call: String, _ what: String) throws(RuntimeFailure) {
        let failure = state.withLock { state in
            state.calls.append(call + " " + what)
            return state.failures.removeValue(forKey: call)
        }
        if let failure { throw failure }
    }

    private func attempt(_ id: ContainerID) throws(RuntimeFailure) -> Attempt {
        let found = state.withLock { $0.sandboxes[id.sandbox]?.attempts.first { $0.state.id == id } }
        guard let found else { throw RuntimeFailure(.notFound, "there is no such container") }
        return found
    }

    private func running(_ uid: String) -> [ContainerID] {
        state.withLock { $0.sandboxes[uid]?.attempts.filter { $0.state.phase == .running }.map(\.state.id) ?? [] }
    }

    private func finish(_ id: ContainerID, _ exit: ContainerExit) {
        let ended: ContainerState? = state.withLock { state in
            guard let index = state.sandboxes[id.sandbox]?.attempts.firstIndex(where: { $0.state.id == id }),
                state.sandboxes[id.sandbox]?.attempts[index].state.phase == .running
            else { return nil }
            state.sandboxes[id.sandbox]?.attempts[index].state.phase = .exited
            state.sandboxes[id.sandbox]?.attempts[index].state.exit = exit
            return state.sandboxes[id.sandbox]?.attempts[index].state
        }
        if let ended { tell(.exited(ended)) }
    }

    private func tell(_ event: RuntimeEvent) {
        for stream in state.withLock({ Array($0.streams.values) }) { stream.yield(event) }
    }
    private func forgetStream(_ key: Int) { state.withLock { $0.streams[key] = nil } }

    private static func session(
        _ stream: AsyncStream<[UInt8]>, _ continuation: AsyncStream<[UInt8]>.Continuation
    ) -> ExecSession {
        ExecSession(
            output: ByteStream(pull: {
                for await piece in stream { return piece }
                return nil
            }), errors: ByteStream(pull: { nil }), input: { continuation.yield($0) },
            inputEnd: { continuation.finish() },
            size: { _, _ in }, code: { 0 }, stop: { continuation.finish() })
    }
}
