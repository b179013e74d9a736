import Shared
import TestKit
import Testing

@testable import Master

struct HistoryTests {
    let scratch = Scratch()
    let clock = ManualClock()

    /// Writes at random and keeps every state that ever was.
    private func fill(_ store: Store, _ seed: inout Seed, steps: Int) async throws -> [Int64: [String]] {
        var states: [Int64: [String]] = [:]
        for step in 0..<steps {
            let key = pod("p\(Int.random(in: 0..<12, using: &seed))")
            if store.get(key) != nil, Int.random(in: 0..<3, using: &seed) == 0 {
                try await store.delete(key)
            } else {
                try await store.put(key, note: "\(step)")
            }
            states[store.head.number] = texts(store.list(pods).items)
            clock.advance(by: .seconds(60))
        }
        return states
    }
    private func texts(_ items: [Stored]) -> [String] { items.map { String(decoding: $0.bytes, as: UTF8.self) } }

    @Test(arguments: [11, 12]) func `every kept revision can be listed, and compaction changes no kept state`(
        start: UInt64
    )
        async throws
    {
        var seed = Seed(start)
        var options = Store.Options()
        options.historyAge = .seconds(60 * 200)
        let store = try scratch.open(clock, options: options)
        let states = try await fill(store, &seed, steps: 600)
        for (revision, state) in states {
            #expect(texts(try await store.list(pods, at: Revision(revision))) == state, "\(seed)")
        }
        try await Compaction(store: store, log: Log("test", sink: { _ in })).pass()
        let floor = store.floors.withLock { $0.all }
        #expect(floor.number > 300 && floor.number < 420, "\(floor)")
        for (revision, state) in states where revision >= floor.number {
            #expect(texts(try await store.list(pods, at: Revision(revision))) == state, "\(seed)")
        }
        let status = await #expect(throws: Status.self) { try await store.list(pods, at: Revision(floor.number - 1)) }
        #expect(status?.code == 410)
        #expect(status?.message == "The resourceVersion for the provided list is too old.")
        let latest = store.list(pods).items.map(\.bytes)
        let after = Scratch()
        scratch.copy(to: after)
        #expect(try after.open(clock).list(pods).items.map(\.bytes) == latest)
    }

    @Test func `a future revision is answered with 504 and a time to wait`() async throws {
        let store = try scratch.open(clock)
        try await store.put(pod("a"))
        let status = await #expect(throws: Status.self) { try await store.get(pod("a"), at: Revision(9)) }
        #expect(status?.code == 504 && status?.retryAfterSeconds == 1)
        #expect(status?.message == "Timeout: Too large resource version: 9, current: 1")
    }

    @Test func `a time finds its revision`() async throws {
        let store = try scratch.open(clock)
        let start = clock.now()
        for index in 0..<20 {
            try await store.put(pod("p\(index)"))
            clock.advance(by: .seconds(10))
        }
        #expect(try await store.revision(at: start - .seconds(1)) == nil)
        #expect(try await store.revision(at: start) == Revision(1))
        #expect(try await store.revision(at: start + .seconds(55)) == Revision(6))
        #expect(try await store.revision(at: clock.now()) == Revision(20))
    }

    @Test func `leases and events keep their latest revision only`() async throws {
        let store = try scratch.open(clock)
        let lease = ObjectKey(
            GroupResource(group: "coordination.k8s.io", "leases"), namespace: "kube-node-lease", name: "n")
        for _ in 0..<1_000 { try await store.put(lease) }
        let gone = ObjectKey(GroupResource("events"), namespace: "default", name: "e")
        try await store.put(gone)
        try await store.delete(gone)
        try await store.put(pod("a"))
        try await Compaction(store: store, log: Log("test", sink: { _ in })).pass()
        let rows = try store.writer.withLock { table in try table.connection.number("SELECT count(*) FROM revisions") }
        #expect(rows == 2)
        #expect(store.get(lease)?.revision == Revision(1_000))
        let status = await #expect(throws: Status.self) { try await store.get(lease, at: Revision(500)) }
        #expect(status?.code == 410)
        #expect(try await store.get(pod("a"), at: store.head) != nil)
    }

    @Test func `old events are offered for deletion, oldest first`() async throws {
        let store = try scratch.open(clock)
        for index in 0..<10 {
            try await store.put(ObjectKey(GroupResource("events"), namespace: "default", name: "e\(9 - index)"))
            clock.advance(by: .seconds(600))
        }
        let expired = try await store.expired(before: clock.now() - .seconds(3600))
        #expect(expired.map(\.key.name) == ["e9", "e8", "e7", "e6", "e5"])
    }

    @Test func `the values of a deleted Secret are gone from history`() async throws {
        let store = try scratch.open(clock)
        let secret = ObjectKey(GroupResource("secrets"), namespace: "default", name: "s")
        try await store.put(secret, note: "hunter2-one")
        try await store.put(secret, note: "hunter2-two")
        #expect(try await store.get(secret, at: Revision(1))?.json()["note"] == "hunter2-one")
        try await store.delete(secret)
        let past = try await store.get(secret, at: Revision(1))
        #expect(try past?.json()["note"].isNull == true)
        #expect(try past?.json()["metadata"]["name"] == "s")
        try store.writer.withLock { table in try table.connection.checkpoint(.restart) }
        #expect(!String(decoding: scratch.read("state.db"), as: UTF8.self).contains("hunter2"))
    }

    @Test func `history above its size goes before its time`() async throws {
        var options = Store.Options()
        options.historyBytesMax = 200_000
        let store = try scratch.open(clock, options: options)
        for index in 0..<400 { try await store.put(pod("a"), note: String(repeating: "x", count: 3_000) + "\(index)") }
        try await Compaction(store: store, log: Log("test", sink: { _ in })).pass()
        #expect(try store.writer.withLock { table in try table.usedBytes() } <= 200_000)
        #expect(store.note(pod("a"))?.hasSuffix("399") == true)
    }
}
