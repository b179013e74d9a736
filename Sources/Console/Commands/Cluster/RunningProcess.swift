import CLinux
import Glibc
import Shared

/// A program in the background, known by its process id, its start time and the boot it belongs to, so that a process id
/// which the kernel gave to somebody else is never taken for it.
struct RunningProcess: Equatable, Sendable {
    let id: pid_t
    /// Clock ticks since boot. Source: man 5 proc_pid_stat, field 22.
    let startTicks: UInt64
    let boot: String

    /// The process as the kernel knows it now; nil when it is not there or has ended.
    init?(living id: pid_t) {
        guard id > 0, let text = SystemFiles.text("/proc/\(id)/stat"), let status = ProcessStatus(text),
            status.state != "Z", status.state != "X"
        else { return nil }
        self.id = id
        startTicks = status.startTicks
        boot = RunningProcess.thisBoot
    }

    /// Reads `PID TICKS BOOT`; nil for anything else.
    init?(text: String) {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 3, let id = pid_t(words[0]), id > 1, let ticks = UInt64(words[1]) else { return nil }
        self.id = id
        startTicks = ticks
        boot = String(words[2])
    }
    var text: String { "\(id) \(startTicks) \(boot)\n" }

    var isAlive: Bool { RunningProcess(living: id) == self }

    /// What a file written by `start` names, when that process still runs.
    static func read(_ file: String) -> RunningProcess? {
        guard let process = SystemFiles.text(file).flatMap({ RunningProcess(text: $0) }), process.isAlive else {
            return nil
        }
        return process
    }

    static let thisBoot: String =
        SystemFiles.text("/proc/sys/kernel/random/boot_id")?.split(separator: "\n").first.map(String.init) ?? "-"

    /// Starts a program in a session of its own, with empty standard input, its output in a log file and no other open
    /// file of the caller, and notes it in `file`. The thread's network namespace is inherited.
    static func start(
        _ program: String, _ arguments: [String], log: String, file: String, environment: [String: String]
    ) throws(Failure) -> RunningProcess {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // A lock or a pipe of the caller must not live as long as the cluster.
        clinux_spawn_close_from(&actions, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // POSIX_SPAWN_SETSID, POSIX_SPAWN_SETSIGMASK and POSIX_SPAWN_SETSIGDEF: nothing of the terminal is left.
        var none = sigset_t()
        sigemptyset(&none)
        var defaults = sigset_t()
        sigemptyset(&defaults)
        for signal in [SIGPIPE, SIGTERM, SIGINT, SIGHUP] { sigaddset(&defaults, signal) }
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setflags(&attributes, 0x80 | 0x08 | 0x04)
        let words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        let variables: [UnsafeMutablePointer<CChar>?] =
            environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + variables { free(text) } }
        var id = pid_t()
        let code = posix_spawn(&id, program, &actions, &attributes, words, variables)
        guard code == 0 else {
            throw Failure("\(program) can not be started: \(String(cString: strerror(code))).")
        }
        guard let process = RunningProcess(living: id) else {
            throw Failure("\(program) ended at once; its last words are in \(log).")
        }
        do { try PrivateFile.write(file, Array(process.text.utf8)) } catch { throw Failure("\(error)") }
        return process
    }

    /// Sends SIGTERM, waits, sends SIGKILL, waits. Returns when the process is gone.
    func stop(within limit: Duration, clock: any WallClock) async throws {
        guard isAlive else { return }
        kill(id, SIGTERM)
        let deadline = clock.uptime() + limit
        while isAlive, clock.uptime() < deadline { try await wait(clock) }
        if isAlive { kill(id, SIGKILL) }
        let end = clock.uptime() + .seconds(2)
        while isAlive, clock.uptime() < end { try await wait(clock) }
    }

    private func wait(_ clock: any WallClock) async throws {
        // One that this process has started itself stays a zombie until somebody asks.
        var status: Int32 = 0
        waitpid(id, &status, WNOHANG)
        try await clock.sleep(for: .milliseconds(20))
    }
}

/// The fields of `/proc/PID/stat` that are used.
struct ProcessStatus: Equatable, Sendable {
    let id: pid_t
    let state: Character
    let parent: pid_t
    let startTicks: UInt64

    /// Nil when the text has another form. The name in parentheses may hold anything.
    init?(_ text: String) {
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"), open < close else { return nil }
        let rest = text[text.index(after: close)...].split(separator: " ")
        guard let id = pid_t(text[..<open].split(separator: " ").first ?? ""), rest.count > 19,
            let state = rest[0].first, let parent = pid_t(rest[1]), let ticks = UInt64(rest[19])
        else { return nil }
        self.id = id
        self.state = state
        self.parent = parent
        startTicks = ticks
    }
}

/// The processes of this machine as a tree.
struct ProcessTree: Sendable {
    let parents: [pid_t: pid_t]

    init(parents: [pid_t: pid_t]) { self.parents = parents }

    static func current() -> ProcessTree {
        var parents: [pid_t: pid_t] = [:]
        for name in SystemFiles.names("/proc") where name.utf8.allSatisfy({ (48...57).contains($0) }) {
            if let status = SystemFiles.text("/proc/\(name)/stat").flatMap(ProcessStatus.init), status.state != "Z" {
                parents[status.id] = status.parent
            }
        }
        return ProcessTree(parents: parents)
    }

    /// The roots and everything below them.
    func family(of roots: Set<pid_t>) -> Set<pid_t> {
        var family = roots.filter { parents[$0] != nil }
        var hasGrown = true
        while hasGrown {
            let next = parents.filter { family.contains($0.value) && !family.contains($0.key) }.map(\.key)
            family.formUnion(next)
            hasGrown = !next.isEmpty
        }
        return family
    }

    /// Agents and shims whose command line names a path in `folder`.
    func agents(of folder: String) -> Set<pid_t> {
        Set(
            parents.keys.filter { id in
                guard let line = SystemFiles.text("/proc/\(id)/cmdline") else { return false }
                let words = line.split(separator: "\0")
                guard let program = words.first?.split(separator: "/").last, ["kagent", "kotoshim"].contains(program)
                else { return false }
                return words.contains { $0 == folder || $0.hasPrefix(folder + "/") }
            })
    }
}
