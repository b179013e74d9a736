import Shared
import Testing

@testable import Console

struct LogScreenTests {
    private func driver() -> (ScreenDriver, LogKey) {
        var driver = ScreenDriver()
        driver.command("pods /crash")
        driver.press(.character("l"))
        return (driver, LogKey(namespace: "default", pod: "crash-66f8b-zz41s", container: "crash"))
    }
    private func line(_ second: Int, _ text: String) -> LogLine {
        LogLine(time: "2026-11-23T14:30:\(second < 10 ? "0" : "")\(second).000000000Z", container: "crash", text: text)
    }

    @Test func `opening reads the log of every container`() {
        let (driver, key) = driver()
        #expect(driver.effects.contains(.readLogs(key)))
    }

    @Test func `lines show, a restart is a boundary, escapes are harmless`() {
        var (driver, key) = driver()
        driver.send(.logs(key, .lines([line(1, "one"), line(2, "\u{1B}[31mERROR two")])))
        driver.put(
            FakeCluster.pod("crash-66f8b-zz41s", app: "crash", hash: "66f8b", node: "node-2", restarts: 5), .pods)
        let screen = driver.screen()
        #expect(screen.contains(" one"))
        #expect(screen.contains("␛[31mERROR two"))
        #expect(screen.contains("── crash restarted (×5)"))
    }

    @Test func `lines of several containers are merged by time`() {
        var (driver, key) = driver()
        driver.send(.logs(key, .lines([line(5, "late")])))
        driver.send(.logs(key, .lines([line(1, "early")])))
        let screen = driver.screen()
        #expect(
            (screen.firstRange(of: "early")?.lowerBound ?? screen.endIndex)
                < (screen.firstRange(of: "late")?.lowerBound ?? screen.startIndex))
    }

    @Test func `what had to go is counted and said`() {
        var (driver, key) = driver()
        let many = (0..<Limits.logLinesMax + 10_000).map { LogLine(time: "", container: "crash", text: "line \($0)") }
        driver.send(.logs(key, .lines(many)))
        expect(&driver, "10,000 older lines dropped")
    }

    @Test func `a search keeps what is around it`() {
        var (driver, key) = driver()
        driver.send(.logs(key, .lines((0..<60).map { line($0, $0 == 30 ? "needle" : "hay \($0)") })))
        driver.type("/needle")
        driver.press(.enter)
        let screen = driver.screen()
        #expect(screen.contains("needle"))
        #expect(screen.contains("hay 29"))
        #expect(screen.contains("standing still"))
        driver.press(.character("f"))
        expect(&driver, "hay 59")
    }

    @Test func `a line is split into its time and its text`() {
        let parsed = LogTask.parse(Array("2026-11-23T14:30:01.5Z hello world\r".utf8), "web")
        #expect(parsed.time == "2026-11-23T14:30:01.5Z")
        #expect(parsed.text == "hello world")
        #expect(LogTask.parse([0xFF, 0x61], "web").text == "\\xFFa")
    }
}
