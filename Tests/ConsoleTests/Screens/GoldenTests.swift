import Shared
import Testing

@testable import Console

/// Whole screens as text. A change of looks is a change here, on purpose.
struct GoldenTests {
    @Test func `the picture of the cluster at 80 by 24`() {
        var driver = ScreenDriver()
        let screen = driver.screen()
        #expect(screen == Golden.topology)
    }

    @Test func `pods at 120 by 40 name the reason beside the state`() {
        var driver = ScreenDriver(size: Size(120, 40))
        driver.command("pods")
        let lines = driver.screen().split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 40)
        #expect(
            lines[2]
                == "  NAMESPACE  NAME↑               READY  STATUS              RESTARTS  NODE    IP            AGE  WHY"
                || lines[2].hasPrefix("  NS "))
        #expect(lines[4].contains("✗ CrashLoopBackOff   4 (12s)  node-2"))
        #expect(lines[4].hasSuffix("exit 137 OOMKilled"))
    }

    @Test func `a wide name lines up with a narrow one`() {
        var driver = ScreenDriver()
        driver.command("cm")
        let rows = driver.screen().split(separator: "\n").filter { $0.contains("10m") }
        #expect(rows.count == 2)
        #expect(Set(rows.map { Width.of(String($0)) }).count == 1)
    }

    @Test func `a lost node and the pods that moved are seen at once`() {
        var driver = ScreenDriver()
        _ = driver.screen()
        driver.put(FakeCluster.node("node-2", ready: false), .nodes)
        driver.remove("web-7c9f6d-k8wtn", in: "default", .pods)
        driver.put(FakeCluster.pod("web-7c9f6d-new1x", app: "web", hash: "7c9f6d", node: "node-3", age: 0), .pods)
        let screen = driver.screen()
        #expect(screen.contains("✗ LOST"))
        #expect(screen.contains("web-new1x replaces web-k8wtn: node-2 → node-3"))
        #expect(screen.contains("node-2 is lost"))
    }

    @Test func `many pods become letters and many nodes scroll`() {
        var cluster = FakeCluster()
        cluster.objects[.nodes] = (1...12).map { FakeCluster.node("node-\($0)") }
        cluster.objects[.pods] = (0..<900).map {
            FakeCluster.pod("p-\($0)", app: "p", node: "node-\($0 % 12 + 1)", ready: $0 % 7 != 0)
        }
        var driver = ScreenDriver(cluster)
        expect(&driver, "9 more ›")
        expect(&driver, "R R R")
        for _ in 0..<11 { driver.press(.tab) }
        expect(&driver, "node-12")
        expect(&driver, "‹ 9 more")
    }

    @Test func `too small a terminal says what it needs`() {
        var driver = ScreenDriver(size: Size(50, 10))
        expect(&driver, "The terminal is 50×10; the console needs 60×15.")
    }

    @Test func `details tell the reason first and end with the events`() {
        var driver = ScreenDriver(size: Size(100, 50))
        driver.command("pods /crash")
        driver.press(.enter)
        let screen = driver.screen()
        #expect(screen.contains(" ✗ CrashLoopBackOff  exit 137 OOMKilled"))
        #expect(screen.contains("Restarts    4, last exit 137 OOMKilled, 12s ago"))
        #expect(screen.contains("Back-off restarting failed container crash  ×5"))
        driver.press(.character("y"))
        expect(&driver, "   name: crash-66f8b-zz41s")
        driver.type("/uid")
        driver.press(.enter)
        expect(&driver, "1 of 2 matches")
    }
}

enum Golden {
    static let topology = """
         ◆ kotohajime  demo  3 nodes  6 pods                        ▲ 1 problem  ● live
         Cluster  all namespaces
         ╭ master ─ ● ─╮╭ node-1 ─ ● ready ─╮╭ node-2 ─ ● ready ─╮╭ node-3 ─ ● ready ─╮
         │ API serves  ││ cpu ▰▱▱▱ mem ▰▱▱▱ ││ cpu ▰▱▱▱ mem ▰▱▱▱ ││ cpu ▰▱▱▱ mem ▰▱▱▱ │
         │ v1.33.0     ││┏ logger-qq7hk ━━━┓││╭ crash-zz41s ────╮││╭ batch-h7x2p ────╮│
         │             ││┃ ● Running   90m ┃│││ ✗ CrashLoop ×4  ││││ ✓ Completed 90s ││
         │  3/3 nodes  ││┗━━━━━━━━━━━━━━━━━┛││╰─────────────────╯││╰─────────────────╯│
         │    6 pods   ││╭ web-x2lqz ──────╮││╭ web-k8wtn ──────╮││╭ web-p5rvd ──────╮│
         │    4 running│││ ● Running    5m ││││ ● Running    5m ││││ ● Running    5m ││
         │    1 broken ││╰─────────────────╯││╰─────────────────╯││╰─────────────────╯│
         │             ││                   ││                   ││                   │
         │             ││                   ││                   ││                   │
         │             ││                   ││                   ││                   │
         ╰─────────────╯╰───────────────────╯╰───────────────────╯╰───────────────────╯
          pod logger-5bd4c-qq7hk  default  ● Running  1/1 ready  10.244.1.7

        ─ What happens ───────────────────── ● runs ◐ starts ✗ crashed ◌ ending ✓ done ─
          14:29:50  ▲ crash-66f8b-zz41s BackOff: Back-off restarting failed container c
          14:25:01  · web-7c9f6d-x2lqz Started: Started container web




         enter open  P pods  w why  l logs  d describe  y YAML  s shell         ? help
        """
}
