import CLinux
import Glibc

/// One attempt of one container: what was asked for, how it goes, and its streams.
final class Container {
    let name: String
    let attempt: Int
    /// The `start` message; `exec` takes environment, identity and cgroups from it.
    let start: ShimMessage
    private(set) var pid: Int32 = 0
    var pidfd: Int32 = -1
    let startedAt: Int64
    var exit: Exit?
    var log: LogFile?
    /// The node's ends of the container's streams; -1: closed. With a terminal `output` is its master.
    var output: Int32 = -1
    var errors: Int32 = -1
    var input: Int32 = -1
    var hasTerminal: Bool { start.has("tty") }
    /// Copies of the output go here.
    var listeners: [Attachment] = []
    /// A listener is behind, so nothing is read from the container until it has caught up or given up.
    var isHeld = false
    /// Clients that wait for the exit.
    var waiting: [Client] = []
    private var oomBefore: Int

    struct Exit {
        var code: Int32
        var signal: Int32
        var oomKilled: Bool
        var finishedAt: Int64
    }
    init(_ start: ShimMessage) {
        self.start = start
        name = start.text("name")
        attempt = start.number("attempt") ?? 0
        startedAt = wallNanoseconds()
        oomBefore = Container.oomKills(start.all("oomfile"))
    }

    func began(_ started: LaunchPlan.Started) {
        pid = started.pid
        pidfd = started.pidfd
    }

    /// - Parameter signal: 0 when it exited by itself.
    func ended(code: Int32, signal: Int32) {
        guard exit == nil else { return }
        exit = Exit(
            code: code, signal: signal, oomKilled: Container.oomKills(start.all("oomfile")) > oomBefore,
            finishedAt: wallNanoseconds())
    }

    func closeStreams() {
        for descriptor in [output, errors, input, pidfd] where descriptor >= 0 { close(descriptor) }
        (output, errors, input, pidfd) = (-1, -1, -1, -1)
        log?.finish()
        log = nil
    }

    /// Kills every process of the container, by its cgroup where there is one, else by its session.
    func killAll() {
        for path in start.all("killfile") where writeFile(path, "1") { return }
        if exit == nil, pid > 0 { kill(-pid, SIGKILL) }
        signal(SIGKILL)
    }

    /// The program reads the end of its input.
    func endInput() {
        guard input >= 0 else { return }
        close(input)
        input = -1
    }

    func signal(_ number: Int32) {
        guard exit == nil, pidfd >= 0 else { return }
        _ = clinux_pidfd_signal(pidfd, number)
    }

    /// The state as the agent reads it.
    var message: ShimMessage {
        var message = ShimMessage("container")
        message.add("name", name)
        message.add("attempt", attempt)
        message.add("pid", pid)
        message.add("startedAt", startedAt)
        message.add("image", start.text("image"))
        message.add("imageID", start.text("imageID"))
        message.add("log", start.text("log"))
        message.add("message", start.text("messagefile"))
        if let exit {
            message.add("code", exit.code)
            message.add("signal", exit.signal)
            message.add("oom", flag: exit.oomKilled)
            message.add("finishedAt", exit.finishedAt)
        }
        return message
    }

    /// The counter `oom_kill` of memory.oom_control (v1) or memory.events (v2); 0 when there is none.
    private static func oomKills(_ paths: [String]) -> Int {
        for path in paths {
            guard let text = readFile(path) else { continue }
            for line in text.split(separator: "\n") where line.hasPrefix("oom_kill ") {
                return Int(line.dropFirst(9)) ?? 0
            }
        }
        return 0
    }
}

/// Whether it could be written.
@discardableResult
func writeFile(_ path: String, _ text: String) -> Bool {
    let descriptor = clinux_open(path, O_WRONLY | O_CLOEXEC, 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    return write(descriptor, bytes, bytes.count) == bytes.count
}

/// The first 64 KiB of a file.
func readFile(_ path: String) -> String? {
    let descriptor = clinux_open(path, O_RDONLY | O_CLOEXEC, 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = read(descriptor, &bytes, bytes.count)
    return count >= 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
}
