import Shared
import TestKit
import Testing

@testable import Master

struct HubTests {
    let scratch = Scratch()
    let clock = ManualClock()

    private func start(_ options: Store.Options = Store.Options()) throws -> (Store, Hub) {
        let store = try scratch.open(clock, options: options)
        let hub = Hub(log: store.log)
        store.publish(to: hub.publish)
        return (store, hub)
    }
    /// What a watcher has been told, until it has seen `revision`.
    private func follow(_ watcher: Watcher, until revision: Revision) async -> [WatchFrame] {
        var frames: [WatchFrame] = []
        while let frame = await watcher.next() {
            frames.append(frame)
            if frame.revision >= revision || frame.kind == .error { break }
        }
        return frames
    }

    @Test func `a frame is the line that a client reads`() async throws {
        let (store, hub) = try start()
        let watcher = try hub.watch(pods, after: .zero)
        let other = try hub.watch(pods, after: .zero)
        let stored = try await store.put(pod("a"))
        let frame = try #require(await watcher.next())
        let text = String(decoding: stored.bytes, as: UTF8.self)
        #expect(String(decoding: frame.line, as: UTF8.self) == "{\"type\":\"ADDED\",\"object\":\(text)}\n")
        let shared = try #require(await other.next())
        let same = frame.line.withUnsafeBufferPointer { left in
            shared.line.withUnsafeBufferPointer { right in left.baseAddress == right.baseAddress }
        }
        #expect(same)
        #expect(frame.line(variant: "row") { _ in [1] } == [1])
        #expect(shared.line(variant: "row") { _ in [2] } == [1])
    }

    @Test func `a selector sees objects enter, stay and leave`() async throws {
        let (store, hub) = try start()
        let watcher = try hub.watch(pods, after: .zero) { projection, _ in projection.labels["app"] == "web" }
        try await store.put(pod("a"))
        try await store.put(pod("a"), labels: ["app": "web"], note: "in")
        try await store.put(pod("a"), labels: ["app": "web"], note: "still")
        try await store.put(pod("a"), labels: ["app": "db"], note: "out")
        try await store.put(pod("a"), labels: ["app": "web"])
        let last = try await store.delete(pod("a"))
        let frames = await follow(watcher, until: last.revision)
        #expect(frames.map(\.kind) == [.added, .modified, .deleted, .added, .deleted])
        #expect(frames.map(\.revision.number) == [2, 3, 4, 5, 6])
        let left = try #require(try frames[2].stored?.json())
        #expect(left["note"] == "still" && left["metadata"]["resourceVersion"] == "4")
        #expect(try frames[4].stored?.json()["metadata"]["resourceVersion"] == "6")
    }

    @Test func `watchers of a namespace or one name see theirs only`() async throws {
        let (store, hub) = try start()
        let inOther = try hub.watch(pods, namespace: "other", after: .zero)
        let named = try hub.watch(pods, namespace: "other", name: "b", after: .zero)
        #expect(hub.watchers(of: pods) == 0)
        try await store.put(pod("a"))
        try await store.put(pod("a", namespace: "other"))
        let last = try await store.put(pod("b", namespace: "other"))
        #expect(await follow(inOther, until: last.revision).map(\.revision.number) == [2, 3])
        #expect(await follow(named, until: last.revision).map(\.revision.number) == [3])
        #expect(hub.watchers(of: pods) == 2)
        inOther.cancel()
        #expect(await inOther.next() == nil)
        #expect(hub.watchers(of: pods) == 1)
    }

    @Test(arguments: [21, 22, 23])
    func `a watcher from any revision ends up with the state of the store`(from start: UInt64) async throws {
        var seed = Seed(start)
        var states: [Int64: [ObjectKey: [UInt8]]] = [0: [:]]
        var last = Revision.zero
        var store = try scratch.open(clock)
        let other = Scratch()
        for half in 0..<2 {
            if half == 1 {
                // The first half is from before a restart: it comes from the file.
                scratch.copy(to: other)
                store = try other.open(clock)
            }
            let hub = Hub(log: store.log)
            store.publish(to: hub.publish)
            for step in 0..<1_500 {
                let namespace = "n\(Int.random(in: 0..<2, using: &seed))"
                let key = pod("p\(Int.random(in: 0..<10, using: &seed))", namespace: namespace)
                if store.get(key) != nil, Int.random(in: 0..<3, using: &seed) == 0 {
                    try await store.delete(key)
                } else {
                    try await store.put(key, note: "\(step)")
                }
                if namespace == "n1" { last = store.head }
                let items = store.list(pods, namespace: "n1").items.map { ($0.key, $0.bytes) }
                states[store.head.number] = Dictionary(uniqueKeysWithValues: items)
            }
            guard half == 1 else { continue }
            for _ in 0..<40 {
                let from = Revision(Int64.random(in: 0..<last.number, using: &seed))
                let watcher = try hub.watch(pods, namespace: "n1", after: from)
                var state = states[from.number] ?? [:]
                var seen = from
                for frame in await follow(watcher, until: last) {
                    #expect(frame.revision > seen, "\(seed) from \(from)")
                    seen = frame.revision
                    let stored = try #require(frame.stored)
                    #expect((frame.kind == .added) == (state[stored.key] == nil), "\(seed) from \(from)")
                    state[stored.key] = frame.kind == .deleted ? nil : stored.bytes
                    #expect(state == states[seen.number], "\(seed) from \(from) at \(seen)")
                }
                #expect(seen == last, "\(seed) from \(from)")
            }
        }
    }

    @Test(arguments: [100, Limits.ringChangesMax * 2])
    func `a slow watcher catches up with all it has missed and disturbs nobody`(beyond: Int) async throws {
        let (store, hub) = try start()
        let slow = try hub.watch(pods, after: .zero)
        let fast = try hub.watch(pods, after: .zero)
        try await store.put(pod("a"))
        _ = await slow.next()
        _ = await fast.next()
        while store.head.number < Limits.backlogFramesMax + beyond {
            try await store.put(pod("a"), times: 100)
            #expect(await follow(fast, until: store.head).count == 100)
        }
        #expect(hub.watchers(of: pods) == 1)
        #expect(await follow(slow, until: store.head).map(\.revision.number) == Array(2...store.head.number))
        try await store.put(pod("a"))
        #expect(await slow.next()?.revision == store.head)
        #expect(hub.watchers(of: pods) == 2)
    }

    @Test func `a slow watcher whose history is gone is closed with 410`() async throws {
        var options = Store.Options()
        options.historyAge = .seconds(1)
        let (store, hub) = try start(options)
        let slow = try hub.watch(pods, after: .zero)
        try await store.put(pod("a"))
        _ = await slow.next()
        for _ in 0..<3 { try await store.put(pod("a"), times: Limits.ringChangesMax) }
        clock.advance(by: .seconds(10))
        try await Compaction(store: store, log: Log("test", sink: { _ in })).pass()
        let frames = await follow(slow, until: store.head)
        #expect(frames.count == Limits.backlogFramesMax + 1)
        let text = String(decoding: try #require(frames.last).line, as: UTF8.self)
        #expect(text.contains("\"type\":\"ERROR\"") && text.contains("\"code\":410"))
        #expect(await slow.next() == nil)
    }

    @Test func `compacted history is refused with 410, a future revision is waited for`() async throws {
        var options = Store.Options()
        options.historyAge = .seconds(1)
        let (store, hub) = try start(options)
        try await store.put(pod("a"), times: Limits.ringChangesMax + 50)
        clock.advance(by: .seconds(10))
        try await Compaction(store: store, log: Log("test", sink: { _ in })).pass()
        let old = #expect(throws: Status.self) { _ = try hub.watch(pods, after: Revision(3)) }
        #expect(old?.code == 410)
        let future = try hub.watch(pods, after: store.head.next)
        #expect(future.isIdle == false)
        _ = try hub.watch(pods, after: Revision(store.head.number - 500))
    }

    @Test func `a list and the watch after it show every object once, ended by a bookmark`() async throws {
        let (store, hub) = try start()
        for index in 0..<1_200 { try await store.put(pod("p\(index)")) }
        let (items, revision) = store.list(pods)
        let watcher = try hub.watch(
            pods, after: revision, initial: items, bookmarks: ["kind": "Pod", "apiVersion": "v1", "metadata": [:]])
        let last = try await store.put(pod("new"))
        var frames: [WatchFrame] = []
        while frames.last?.revision != last.revision, let frame = await watcher.next() { frames.append(frame) }
        #expect(frames.count == 1_202)
        let end = String(decoding: frames[1_200].line, as: UTF8.self)
        #expect(frames[1_200].kind == .bookmark && end.contains("\"k8s.io/initial-events-end\":\"true\""))
        #expect(frames[1_201].stored?.key == pod("new"))
    }

    @Test func `quiet watchers get a bookmark every minute`() async throws {
        let (store, hub) = try start()
        try await store.put(ObjectKey(GroupResource("nodes"), name: "n"))
        let watcher = try hub.watch(
            pods, after: .zero, bookmarks: ["kind": "Pod", "apiVersion": "v1", "metadata": [:]])
        let reader = Task { await watcher.next() }
        while hub.watchers(of: pods) == 0 { await Task.yield() }
        let service = Task { try await Bookmarks(hub: hub, clock: clock).run() }
        await clock.waitForSleepers(1)
        clock.advance(by: .seconds(60))
        let frame = await reader.value
        #expect(frame?.kind == .bookmark && frame?.revision == Revision(1))
        service.cancel()
    }

    @Test func `a cancelled reader ends and leaves the hub`() async throws {
        let (_, hub) = try start()
        let watcher = try hub.watch(pods, after: .zero)
        let reader = Task { await watcher.next() }
        while hub.watchers(of: pods) == 0 { await Task.yield() }
        reader.cancel()
        #expect(await reader.value == nil)
        #expect(hub.watchers(of: pods) == 0)
    }
}
