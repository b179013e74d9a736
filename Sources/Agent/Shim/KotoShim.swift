import CLinux
import Glibc

/// Holds the namespaces of one pod and runs its containers, so that they outlive the agent.
///
/// `kotoshim sandbox FOLDER` reads one `sandbox` message from standard input, makes the namespaces, leaves a daemon behind and
/// answers with one line. `kotoshim trial FOLDER` reads a `start` message, runs its steps in a child and answers.
@main
struct KotoShim {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let message = readMessage() else {
            finish("error", "kotoshim is started by kagent and by nothing else.")
        }
        switch arguments[1] {
        case "sandbox": startSandbox(message)
        case "trial": trial(message)
        default: finish("error", "kotoshim does not know \(arguments[1]).")
        }
    }

    /// The daemon answers over a pipe when it serves, and its parent passes that on.
    private static func startSandbox(_ message: ShimMessage) -> Never {
        var ends: [Int32] = [-1, -1]
        guard clinux_pipe(&ends) == 0 else { finish("error", "no pipe: \(errorText(errno))") }
        let child = clinux_fork()
        if child < 0 { finish("error", "no process: \(errorText(errno))") }
        if child == 0 {
            close(ends[0])
            setsid()
            runSandbox(message, report: ends[1])
        }
        close(ends[1])
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(ends[0], &bytes, bytes.count)
        guard count > 0 else { finish("error", "the shim ended before it served.") }
        _ = write(1, bytes, count)
        exit(0)
    }

    private static func runSandbox(_ message: ShimMessage, report: Int32) -> Never {
        let null = clinux_open("/dev/null", O_RDWR, 0)
        for stream: Int32 in 0...2 { dup2(null, stream) }
        var answer: ShimMessage
        var sandbox: Sandbox?
        do throws(Failure) {
            sandbox = try Sandbox(message)
            answer = ShimMessage("ok")
            answer.add("pid", getpid())
        } catch {
            answer = error.message
        }
        let line = answer.line
        _ = write(report, line, line.count)
        close(report)
        guard let sandbox else { exit(1) }
        sandbox.serve()
    }

    private static func trial(_ message: ShimMessage) -> Never {
        do throws(Failure) {
            let started = try LaunchPlan(message).launch(streams: .none, join: nil)
            close(started.pidfd)
            var status: Int32 = 0
            waitpid(started.pid, &status, 0)
            finish("ok", "")
        } catch {
            finish("error", error.text)
        }
    }

    private static func readMessage() -> ShimMessage? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < ShimMessage.bytesMax {
            let count = read(0, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += buffer[..<count]
            if buffer[count - 1] == UInt8(ascii: "\n") { break }
        }
        return ShimMessage(line: bytes)
    }

    private static func finish(_ verb: String, _ text: String) -> Never {
        var answer = ShimMessage(verb)
        answer.add("message", text)
        let line = answer.line
        _ = write(1, line, line.count)
        exit(verb == "ok" ? 0 : 1)
    }
}

/// What could not be done, in words, and the kernel's number for it.
struct Failure: Error {
    let text: String
    var number: Int32 = 0

    init(_ text: String) { self.text = text }
    init(_ what: String, errno number: Int32) {
        self.text = "\(what): \(errorText(number))"
        self.number = number
    }
    var message: ShimMessage {
        var answer = ShimMessage("error")
        answer.add("message", text)
        answer.add("errno", number)
        return answer
    }
}

func errorText(_ number: Int32) -> String { strerror(number).map { String(cString: $0) } ?? "error \(number)" }

/// Wall clock, nanoseconds since the epoch.
func wallNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Monotonic clock, milliseconds.
func uptimeMillis() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}
