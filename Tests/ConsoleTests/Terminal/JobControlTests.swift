import Glibc
import Testing

@testable import Console

@Suite(.serialized)
struct JobControlTests {
    @Test(arguments: [("exit 3", Int32(3)), ("kill -TERM $$", 128 + SIGTERM), ("kill -QUIT $$", 128 + SIGQUIT)])
    func `a program in front has the signals that a shell gives it`(script: String, code: Int32) {
        // The console ignores this one, as a test's runner blocks it.
        let before = signal(SIGQUIT, SIG_IGN)
        defer { signal(SIGQUIT, before) }
        #expect(JobControl.runInFront("/bin/sh", ["-c", "ulimit -c 0; \(script)"], environment: [:]) == code)
    }

    @Test func `a program that is not there ends with 127`() {
        #expect(JobControl.runInFront("/nowhere/editor", [], environment: [:]) == 127)
    }
}
