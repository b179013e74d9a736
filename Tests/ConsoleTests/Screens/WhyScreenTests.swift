import Shared
import Testing

@testable import Console

struct WhyScreenTests {
    @Test func `w tells the root first and what to do`() {
        var driver = ScreenDriver(size: Size(110, 30))
        driver.command("pods")
        driver.press(.character("g"), .down, .character("w"))
        expect(&driver, "Why pod crash-66f8b-zz41s")
        expect(&driver, "1 ROOT container crash needs more memory than its limit")
        expect(&driver, "What to do")
        // Every fact leads to its object.
        driver.press(.enter)
        expect(&driver, "pod crash-66f8b-zz41s")
        expect(&driver, "Conditions")
    }

    @Test func `the last lines of the run before are shown`() throws {
        var driver = ScreenDriver(size: Size(110, 30))
        driver.command("pods")
        driver.press(.character("g"), .down, .character("w"))
        _ = driver.screen()
        driver.send(.tick(FakeCluster.now + .seconds(1)))
        let reads = driver.effects.compactMap { effect in if case .readLogs(let key) = effect { key } else { nil } }
        let key = try #require(reads.last)
        #expect(key.isPrevious && key.pod == "crash-66f8b-zz41s")
        driver.send(.logs(key, .opened))
        driver.send(
            .logs(key, .lines([LogLine(time: "", container: "crash", text: "panic: no \u{1B}[31mmemory")])))
        expect(&driver, "Last lines of container crash, the run before")
        expect(&driver, "panic: no ␛[31mmemory")
    }

    @Test func `why can be asked for by name`() {
        var driver = ScreenDriver(size: Size(110, 30))
        driver.command("why deploy/web")
        expect(&driver, "Why deployment web")
        expect(&driver, "3 of 3 ready")
        driver.command("why")
        expect(&driver, "Why what?")
    }

    @Test func `the path of a manifest is no filter`() {
        var driver = ScreenDriver()
        driver.command("apply /tmp/a b.yaml")
        #expect(driver.effects.last == .plan(file: "/tmp/a b.yaml"))
    }

    @Test func `a deletion shows what services and budgets lose`() {
        var cluster = FakeCluster.demo
        cluster.objects[.budgets] = [
            [
                "metadata": ["name": "web-pdb", "namespace": "default", "uid": "u-pdb"],
                "spec": ["selector": ["matchLabels": ["app": "web"]]], "status": ["disruptionsAllowed": 1],
            ]
        ]
        var driver = ScreenDriver(cluster, size: Size(110, 30))
        driver.command("deployments")
        driver.press(.character("G"), .character("X"))
        expect(&driver, "Goes with it: 3 pods")
        expect(&driver, "Service web: 3 → 0 ready endpoints, nothing serves")
        expect(&driver, "Budget web-pdb allows 1 disruption, this makes 3: it is passed over")
    }

    @Test func `undo asks for the last change everywhere but where nothing may change`() {
        var driver = ScreenDriver()
        driver.press(.character("U"))
        #expect(driver.effects.last == .planUndo)
        driver.state.world.isReadOnly = true
        driver.press(.character("U"))
        expect(&driver, "The console is read-only.")
    }
}
