import Shared
import Synchronization
import Testing

@testable import Console

struct FeedTaskTests {
    /// A clock whose sleeps return at once and count.
    final class QuickClock: WallClock {
        let slept = Mutex<[Duration]>([])
        func now() -> Timestamp { FakeCluster.now }
        func uptime() -> Duration { .zero }
        func sleep(for duration: Duration) async throws {
            slept.withLock { $0.append(duration) }
            await Task.yield()
            try Task.checkCancellation()
        }
    }
    private func item(_ name: String) -> Item { Item.project(FakeCluster.pod(name, app: "a", node: "n"), Pod.type) }

    private func page(_ items: [Item], revision: String, next: String? = nil) -> ClusterSource.Page {
        ClusterSource.Page(read: { (items, []) }, revision: revision, next: next)
    }
    private func source(
        list: @escaping @Sendable (String?) async throws -> ClusterSource.Page,
        watch: @escaping @Sendable (String) async throws -> ClusterSource.Watch
    ) -> ClusterSource {
        ClusterSource(
            discover: { [] }, version: { "" }, list: { _, token in try await list(token) },
            watch: { _, revision in try await watch(revision) },
            logs: { _ in throw Status(.notFound, "none") }, call: { _ in .null })
    }

    /// Runs the feed until `count` pieces of news came.
    private func news(_ source: ClusterSource, count: Int, clock: QuickClock = QuickClock()) async -> [String] {
        let told = Mutex<[String]>([])
        let (stream, done) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            await FeedTask.run(.all(.pods), source, clock) { news in
                let text =
                    switch news {
                    case .page(let items, _, let isFirst, _):
                        "page \(items.map(\.name).joined(separator: ","))\(isFirst ? "" : " more")"
                    case .listed: "listed"
                    case .live: "live"
                    case .changed(let changes): "changed \(changes.count)"
                    case .lost(let why, _): "lost \(why)"
                    case .refused: "refused"
                    }
                let size = told.withLock { told in
                    told.append(text)
                    return told.count
                }
                if size == count { done.finish() }
            }
        }
        for await _ in stream {}
        task.cancel()
        return told.withLock { Array($0.prefix(count)) }
    }

    @Test func `pages come first, then the watch from the list's revision`() async {
        let watched = Mutex<[String]>([])
        let (a, b) = (item("a"), item("b"))
        let source = source(
            list: { token in
                token == nil
                    ? page([a], revision: "7", next: "t")
                    : page([b], revision: "7")
            },
            watch: { revision in
                watched.withLock { $0.append(revision) }
                return ClusterSource.Watch(
                    next: {
                        revision == "7"
                            ? [.change(.put(a), revision: "8"), .failed(Status(.gone, "old", code: 410))] : nil
                    }, close: {})
            })
        let told = await news(source, count: 8)
        #expect(told == ["page a", "page b more", "listed", "live", "changed 1", "page a", "page b more", "listed"])
        #expect(watched.withLock { $0.first } == "7")
    }

    @Test func `a lost server is asked again, with growing pauses`() async {
        let clock = QuickClock()
        let source = source(
            list: { _ in throw Status(.serviceUnavailable, "down") },
            watch: { _ in throw Status(.serviceUnavailable, "down") })
        let told = await news(source, count: 4, clock: clock)
        #expect(told == ["lost down", "lost down", "lost down", "lost down"])
        let slept = clock.slept.withLock { Array($0.prefix(3)) }
        #expect(slept == [.milliseconds(500), .seconds(1), .seconds(2)])
    }

    @Test func `a refusal is told as one`() async {
        let source = source(
            list: { _ in throw Status.forbidden(GroupResource("pods"), "", "no") },
            watch: { _ in throw Status(.forbidden, "no") })
        #expect(await news(source, count: 1) == ["refused"])
    }

    @Test func `a new list removes what is gone only when it is complete`() {
        var feed = Feed()
        let page = { (names: [String]) in
            FeedNews.page(names.map { item($0) }, columns: [], isFirst: true, remaining: nil)
        }
        _ = feed.receive(page(["a", "b"]), now: FakeCluster.now)
        _ = feed.receive(.listed, now: FakeCluster.now)
        let changes = feed.receive(page(["a"]), now: FakeCluster.now)
        #expect(changes.isEmpty)
        #expect(feed.items.count == 2)
        let gone = feed.receive(.listed, now: FakeCluster.now)
        #expect(gone.map { $0.old?.name } == ["b"])
        #expect(feed.items.count == 1)
    }

    @Test func `the runner shows the first page and ends on q`() async {
        let pod = item("web-1")
        let source = source(
            list: { _ in page([pod], revision: "1") },
            watch: { _ in
                ClusterSource.Watch(
                    next: {
                        try await SystemClock().sleep(for: .seconds(3_600)); return nil
                    }, close: {})
            })
        let frames = Mutex<[String]>([])
        let (stream, keys) = AsyncStream.makeStream(of: Message.self)
        let runner = EffectRunner(
            source: source,
            display: Display(show: { canvas in
                let text = canvas.text
                frames.withLock { $0.append(text) }
                if text.contains("web-1") { keys.yield(.input(.key(.character("q")))) }
            }), clock: SystemClock(), editor: Editor(environment: [:]))
        var state = AppState(world: World(cluster: "t", server: "s", now: FakeCluster.now), size: Size(80, 24))
        _ = state.receive(.resized(Size(80, 24)))
        let code = await runner.run(AppState(world: state.world, size: Size(80, 24))) { send in
            for await message in stream { send(message) }
        }
        #expect(code == 0)
        #expect(frames.withLock { $0.last?.contains("web-1") } == true)
    }
}
