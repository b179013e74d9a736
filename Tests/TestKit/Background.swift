package import Glibc

/// A program that runs beside the test, with its output in files. A class: it owns the process and ends it when let go.
package final class Background {
    package let id: pid_t
    /// What waitpid(2) told; nil while it runs.
    private var status: Int32?

    /// - Parameters:
    ///   - environment: all that the program gets.
    ///   - input: a file that it reads.
    ///   - output, errors: files that its output is added to.
    package init(
        _ program: String, _ arguments: [String], environment: [String: String], input: String = "/dev/null",
        output: String, errors: String
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Threads of the test's runner block signals, and a program would inherit that: tmux could not even end itself.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        let words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        let variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + variables { free(text) } }
        var process = pid_t()
        let code = posix_spawn(&process, program, &actions, &attributes, words, variables)
        guard code == 0 else {
            throw Shell.Failed(description: "\(program) can not be started: \(String(cString: strerror(code)))")
        }
        id = process
    }
    deinit { if look() == nil { kill(id, SIGKILL) } }

    /// Its exit code, or 128 and the signal that ended it; nil while it runs.
    package func look() -> Int32? {
        if status == nil {
            var found: Int32 = 0
            if waitpid(id, &found, WNOHANG) == id { status = found }
        }
        return status.map { $0 & 127 == 0 ? $0 >> 8 & 255 : 128 + $0 & 127 }
    }

    /// Sends `signal` and waits for the end.
    /// - Returns: the exit code.
    @discardableResult
    package func end(_ signal: Int32 = SIGTERM) async throws -> Int32 {
        if look() == nil { kill(id, signal) }
        return try await eventually("process \(id) has ended", within: .seconds(10)) { look() }
    }
}
