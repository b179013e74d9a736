import Glibc

/// How the shell in front of the console stops and continues what it started.
enum JobControl {
    /// Stops this program and those it started, as ctrl-z does. The shell continues them with SIGCONT, which must be
    /// awaited apart: a thread may run on for a moment after the call.
    /// - Returns: false when no shell waits that could continue them; nothing is stopped then.
    ///
    /// Source: POSIX.1-2017, Definitions 3.275 (orphaned process group); man 7 signal, SIGSTOP.
    static func stopGroup() -> Bool {
        // The group of the session's leader has nobody above it in the session.
        guard getpgrp() != getsid(0) else { return false }
        return kill(0, SIGSTOP) == 0
    }

    /// Runs `program` with the terminal and waits for its end, with the signals of a program that a shell starts.
    /// What is stopped from the keyboard meanwhile stops together with the console, so that the shell comes back.
    /// - Returns: its exit code, or 128 and the signal that ended it; 127 when it can not be started.
    ///
    /// Source: man 3 posix_spawn, man 2 waitpid.
    static func runInFront(_ program: String, _ arguments: [String], environment: [String: String]) -> Int32 {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // What the console ignores or blocks would stay ignored or blocked in the program.
        var none = sigset_t()
        sigemptyset(&none)
        var defaults = sigset_t()
        sigemptyset(&defaults)
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGWINCH] {
            sigaddset(&defaults, signal)
        }
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        let variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + variables { free(text) } }
        var process = pid_t()
        guard posix_spawn(&process, program, nil, &attributes, words, variables) == 0 else { return 127 }
        while true {
            var status: Int32 = 0
            let found = waitpid(process, &status, WUNTRACED)
            if found < 0 {
                if errno == EINTR { continue }
                return 127
            }
            if status & 0xFF == 0x7F {
                if !stopGroup() { kill(0, SIGCONT) }
                continue
            }
            return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)
        }
    }
}
