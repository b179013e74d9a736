import Dispatch
import Glibc
import Shared
import TestKit
import Testing

@testable import Master

struct StoreTests {
    let scratch = Scratch()

    @Test func `an object carries the revision that wrote it`() async throws {
        let store = try scratch.open()
        let stored = try await store.put(pod("a"))
        #expect(stored.revision == Revision(1))
        #expect(try stored.json()["metadata"]["resourceVersion"] == "1")
        #expect(store.get(pod("a"))?.bytes == stored.bytes)
        #expect(store.head == Revision(1))
    }

    @Test func `a list is sorted, is cut by namespace, and goes on after a key`() async throws {
        let store = try scratch.open()
        for name in ["c", "a", "b"] {
            try await store.put(pod(name))
            try await store.put(pod(name, namespace: "other"))
        }
        #expect(
            store.list(pods).items.map(\.key.path) == [
                "default/a", "default/b", "default/c", "other/a", "other/b", "other/c",
            ])
        #expect(store.list(pods, namespace: "other").items.map(\.key.name) == ["a", "b", "c"])
        let page = store.list(pods, after: pod("b"), limit: 2)
        #expect(page.items.map(\.key.path) == ["default/c", "other/a"])
        #expect(page.remaining == 2)
        #expect(store.list(pods, namespace: "none").items.isEmpty)
    }

    @Test func `owners are indexed`() async throws {
        let store = try scratch.open()
        try await store.put(pod("a"), owner: "set")
        try await store.put(pod("b"), owner: "set")
        #expect(Set(store.owned(by: "set")) == [pod("a"), pod("b")])
        try await store.put(pod("a"))
        try await store.delete(pod("b"))
        #expect(store.owned(by: "set").isEmpty)
    }

    @Test func `a refused body leaves no trace, and the others of its group go on`() async throws {
        let store = try scratch.open()
        try await store.put(pod("a"), note: "first")
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<200 {
                group.addTask {
                    let refused: Result<Void, Status>
                    do throws(Status) {
                        try await store.write { transaction throws(Status) in
                            try transaction.put(pod("p\(index)"), object(pod("p\(index)")))
                            try transaction.put(pod("a"), object(pod("a"), note: "\(index)"))
                            if index % 2 == 1 { throw Status.conflict(pods, "a", "odd") }
                        }
                        refused = .success(())
                    } catch { refused = .failure(error) }
                    #expect((index % 2 == 1) == (code(refused) == 409))
                }
            }
        }
        #expect(store.count(pods) == 101)
        #expect(store.get(pod("p1")) == nil)
        #expect(Int(store.note(pod("a")) ?? "")?.isMultiple(of: 2) == true)
        #expect(store.head == Revision(201))
        func code(_ result: Result<Void, Status>) -> Int? {
            if case .failure(let status) = result { status.code } else { nil }
        }
    }

    @Test func `concurrent writers with a precondition count without losing one`() async throws {
        let store = try scratch.open()
        try await store.put(pod("counter"), note: "0")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<32 {
                group.addTask {
                    for _ in 0..<10 {
                        try await store.write { transaction throws(Status) in
                            guard let stored = transaction.get(pod("counter")) else { throw .notFound(pods, "counter") }
                            let count = Int(try stored.json()["note"].string ?? "") ?? 0
                            try transaction.put(pod("counter"), object(pod("counter"), note: "\(count + 1)"))
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(store.note(pod("counter")) == "320")
    }

    @Test func `a rehearsal answers as the write would and changes nothing`() async throws {
        let store = try scratch.open()
        let names = try await store.rehearse { transaction throws(Status) in
            try transaction.put(pod("a"), object(pod("a")))
            return transaction.list(pods, namespace: "default").map(\.key.name)
        }
        #expect(names == ["a"])
        #expect(store.get(pod("a")) == nil && store.head == .zero)
        #expect(try await store.put(pod("b")).revision == Revision(1))
    }

    @Test func `an object above the bound is refused with 413`() async throws {
        let store = try scratch.open()
        let note = String(repeating: "x", count: Limits.objectBytesMax)
        let status = await #expect(throws: Status.self) { try await store.put(pod("a"), note: note) }
        #expect(status?.code == 413)
        #expect(store.head == .zero)
    }

    @Test func `everything acknowledged survives a loss of power at any moment`() async throws {
        let store = try scratch.open()
        for round in 0..<5 {
            await withTaskGroup(of: Void.self) { group in
                for index in 0..<40 { group.addTask { _ = try? await store.put(pod("p\(round)-\(index)"), note: "x") } }
            }
            try await store.delete(pod("p\(round)-0"))
            let after = Scratch()
            scratch.copy(to: after)
            let copy = try after.open()
            #expect(copy.head == store.head)
            #expect(copy.list(pods).items.map(\.bytes) == store.list(pods).items.map(\.bytes))
            #expect(copy.list(pods).items.map(\.projection) == store.list(pods).items.map(\.projection))
        }
    }

    @Test func `revisions are not reused after a restart, not even that of a last deletion`() async throws {
        do {
            let store = try scratch.open()
            try await store.put(pod("a"))
            try await store.delete(pod("a"))
        }
        let store = try await scratch.reopen()
        #expect(store.head == Revision(2))
        #expect(store.get(pod("a")) == nil)
        #expect(try await store.put(pod("a")).revision == Revision(3))
    }

    @Test func `a full disk fails the writers with a sentence, keeps the rest, and heals`() async throws {
        var options = Store.Options()
        options.filePagesMax = 60
        let store = try scratch.open(options: options)
        var acknowledged: [ObjectKey] = []
        var failure: Status?
        for index in 0..<100 {
            do throws(Status) {
                try await store.put(pod("p\(index)"), note: String(repeating: "x", count: 5_000))
                acknowledged.append(pod("p\(index)"))
            } catch { failure = error }
        }
        #expect(failure?.code == 507)
        #expect(failure?.message.contains("is full: free some space") == true)
        #expect(store.list(pods).items.count == acknowledged.count && acknowledged.count > 5)
        let after = Scratch()
        scratch.copy(to: after)
        let larger = try after.open()
        #expect(larger.count(pods) == acknowledged.count)
        let next = try await larger.put(pod("more"))
        #expect(next.revision > store.head)
    }

    @Test(.enabled(if: getuid() == 0))
    func `a disk that fills up refuses writes, and takes them again when it has room`()
        async throws
    {
        // A file system of its own; where root may not mount, there is nothing to try it on.
        guard mount("tmpfs", scratch.path, "tmpfs", 0, "size=3m") == 0 else { return }
        defer { umount2(scratch.path, Int32(MNT_DETACH)) }
        let store = try scratch.open()
        try await store.put(pod("before"))
        scratch.write([UInt8](repeating: 1, count: 4 << 20), to: "ballast")
        var refused: Status?
        var acknowledged = 1
        for index in 0..<50 {
            do throws(Status) {
                try await store.put(pod("p\(index)"), note: String(repeating: "x", count: 10_000))
                acknowledged += 1
            } catch { refused = error }
        }
        #expect(refused?.code == 507, "\(String(describing: refused))")
        #expect(store.count(pods) == acknowledged)
        let head = store.head
        unlink(scratch.path + "/ballast")
        #expect(try await store.put(pod("after")).revision > head.next)
        let after = Scratch()
        scratch.copy(to: after)
        #expect(try after.open().count(pods) == acknowledged + 1)
    }

    @Test func `a second opening is refused while the first one is there`() throws {
        do {
            let store = try scratch.open()
            let error = #expect(throws: StoreError.self) { try scratch.open() }
            #expect(error?.sentence.contains("in use by another kmaster (process \(getpid()))") == true)
            withExtendedLifetime(store) {}
        }
        _ = try scratch.open()
    }

    @Test func `a damaged file and a newer file are refused with a sentence`() throws {
        scratch.write(Array(String(repeating: "not a database ", count: 1000).utf8), to: "damaged.db")
        let damaged = #expect(throws: StoreError.self) { try scratch.open(file: "damaged.db") }
        #expect(damaged?.sentence.contains("is damaged") == true)
        _ = try scratch.open(file: "newer.db")
        try Connection.open(path: scratch.path + "/newer.db").execute("PRAGMA user_version = 99")
        let newer = #expect(throws: StoreError.self) { try scratch.open(file: "newer.db") }
        #expect(newer?.sentence.contains("newer kmaster (it has format 99") == true)
    }

    @Test func `sealed bytes do not show in the file and come back`() async throws {
        var options = Store.Options()
        options.seal = { _, bytes in bytes.map { $0 ^ 0x55 } }
        options.open = options.seal
        do {
            let store = try scratch.open(options: options)
            try await store.put(pod("a"), note: "a very secret word")
            // The round that wrote it lets go of the store.
            store.commits.sync {}
        }
        for file in scratch.files {
            #expect(!String(decoding: scratch.read(file), as: UTF8.self).contains("very secret"))
        }
        #expect(try scratch.open(options: options).note(pod("a")) == "a very secret word")
    }

    @Test func `a backup is a whole state of its own`() async throws {
        let store = try scratch.open()
        for index in 0..<50 { try await store.put(pod("p\(index)")) }
        try await store.backup(to: scratch.path + "/backup.db")
        #expect(!scratch.files.contains { $0.contains("partial") })
        let copy = try scratch.open(file: "backup.db")
        #expect(copy.list(pods).items.map(\.bytes) == store.list(pods).items.map(\.bytes))
    }
}
