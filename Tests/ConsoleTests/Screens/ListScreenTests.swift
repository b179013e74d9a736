import Shared
import Testing

@testable import Console

struct ListScreenTests {
    private func items(_ range: Range<Int>) -> [Item] {
        range.map { Item.project(FakeCluster.pod("pod-\($0 + 10_000)", app: "a", node: "node-1"), Pod.type) }
    }
    private func page(_ range: Range<Int>, isFirst: Bool = false) -> Message {
        .feed(.all(.pods), .page(items(range), columns: [], isFirst: isFirst, remaining: 1))
    }
    private func names(_ driver: inout ScreenDriver) -> [String] {
        _ = driver.canvas()
        return (driver.state.top as? ListScreen)?.rows.entries.map(\.key.name) ?? []
    }

    @Test func `rows of a list that is being read come in growing parts, and all at its end`() {
        var state = AppState(
            world: World(cluster: "demo", server: "", now: FakeCluster.now), size: Size(80, 24), firstCommand: "pods")
        _ = state.receive(.discovered(FakeCluster.resources))
        func rows() -> [String] {
            state.settle()
            return (state.top as? ListScreen)?.rows.entries.map(\.key.name) ?? []
        }
        var before = 0
        for (index, part) in (0..<40).map({ ($0 * 7) % 40 }).enumerated() {
            _ = state.receive(page(part * 50..<part * 50 + 50, isFirst: index == 0))
            let shown = rows()
            #expect(shown == shown.sorted())
            #expect(shown.count == before || shown.count * 8 >= before * 9)
            #expect(shown.count >= (index + 1) * 50 * 8 / 9)
            before = shown.count
        }
        _ = state.receive(.feed(.all(.pods), .listed))
        #expect(rows() == (0..<2_000).map { "pod-\($0 + 10_000)" })
    }

    @Test func `what changed under another screen is there when it is seen again`() {
        var driver = ScreenDriver(FakeCluster())
        driver.command("pods")
        driver.send(page(0..<10, isFirst: true))
        driver.send(.feed(.all(.pods), .listed))
        #expect(names(&driver).count == 10)
        driver.press(.character("?"))
        for round in 0..<(Limits.changesMax / 100 + 2) {
            let changes = items(0..<100).map { FeedNews.Change.put($0) }
            driver.send(.feed(.all(.pods), .changed(changes)))
            driver.send(
                .feed(
                    .all(.pods),
                    .changed((50..<100).map { .removed(Item.Key(namespace: "default", name: "pod-\($0 + 10_000)")) })))
            #expect(driver.state.world.pods.count == 50, "round \(round)")
        }
        driver.press(.escape)
        #expect(names(&driver) == (0..<50).map { "pod-\($0 + 10_000)" })
    }
}
