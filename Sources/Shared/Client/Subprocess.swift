import CLinux
import Dispatch
import Glibc

/// Runs a program to its end. Its standard error is the user's; its standard input is empty.
enum Subprocess {
    /// What the program printed. Throws when it cannot start, fails, prints too much or takes too long.
    static func output(
        _ command: String, _ arguments: [String], environment: [String: String], installHint: String
    ) async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { continuation in
            // Reading a pipe blocks, so it has a thread of its own and never one of the cooperative pool.
            DispatchQueue.global().async {
                continuation.resume(
                    with: Result {
                        try runBlocking(command, arguments, environment: environment, installHint: installHint)
                    })
            }
        }
    }

    private static func runBlocking(
        _ command: String, _ arguments: [String], environment: [String: String], installHint: String
    ) throws -> [UInt8] {
        var ends: [Int32] = [0, 0]
        guard clinux_pipe(&ends) == 0 else { throw NetError("start \(command)", errno: errno) }
        let reading = Descriptor(ends[0])
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        var words: [UnsafeMutablePointer<CChar>?] = ([command] + arguments).map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + variables { free(text) } }
        var process = pid_t()
        let code = posix_spawnp(&process, command, &actions, nil, &words, &variables)
        close(ends[1])
        guard code == 0 else {
            let hint = installHint.isEmpty ? "install it or change the kubeconfig" : installHint
            throw KubeconfigError(
                "cannot start the exec plugin \(command): \(String(cString: strerror(code))); \(hint)")
        }
        let output = collect(reading, until: SystemClock().uptime() + .seconds(Limits.execPluginSeconds))
        if output == nil { kill(process, SIGKILL) }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        guard let output else { throw KubeconfigError("the exec plugin \(command) printed too much or took too long") }
        guard status == 0 else {
            throw KubeconfigError(
                "the exec plugin \(command) failed with exit code \(status >> 8 & 255); run it by hand to see why")
        }
        return output
    }

    /// Nil when too much comes or it takes too long.
    private static func collect(_ reading: borrowing Descriptor, until deadline: Duration) -> [UInt8]? {
        var output: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let left = (deadline - SystemClock().uptime()).nanoseconds / 1_000_000
            var waiting = pollfd(fd: reading.raw, events: Int16(POLLIN), revents: 0)
            let ready = poll(&waiting, 1, Int32(clamping: max(0, left)))
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { return nil }
            let count = read(reading.raw, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return output }
            output += piece[..<count]
            if output.count > Limits.execPluginBytesMax { return nil }
        }
    }
}
