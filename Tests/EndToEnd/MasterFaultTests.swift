import Foundation
import Shared
import Synchronization
import TestKit
import Testing

/// What a test has seen of a master. A class: many tasks write to it.
private final class Record: Sendable {
    let acknowledged = Mutex<[String: Revision]>([:])
    let seen = Mutex<[Revision]>([])
}

@Suite(.serialized)
struct MasterFaultTests {
    @Test func `a master that is killed under two thousand writes has lost nothing that it acknowledged`() async throws
    {
        let folder = TemporaryFolder(below: "/var/tmp")
        let master = try MasterProcess(state: folder.path + "/state")
        let client = try await master.client()
        let record = Record()
        let start = try await client.list(ConfigMap.self, namespace: "default").revision.description
        let path = ConfigMap.type.path(namespace: "default")
        let (kubeconfig, process) = (master.kubeconfig, master.id)
        let watching = Task {
            // Resumes where it was cut off, as every client does.
            var from = start
            while !Task.isCancelled {
                do {
                    let watcher = try await Programs.client(kubeconfig)
                    let query: Query = ["watch": "true", "resourceVersion": from, "labelSelector": "test=kill"]
                    let stream = try await watcher.transport.stream(watcher.request("GET", path, query: query))
                    var cutter = LineCutter()
                    while let piece = try await stream.body.next() {
                        for line in try cutter.lines(adding: piece) {
                            guard case .added(let object) = try WatchEvent(line: line) else { continue }
                            from = object["metadata"]["resourceVersion"].string ?? from
                            record.seen.withLock { $0 += Revision(from).map { [$0] } ?? [] }
                        }
                    }
                } catch {}
                try await Task.sleep(for: .milliseconds(50))
            }
        }
        await withDiscardingTaskGroup { group in
            let next = Counter()
            for _ in 0..<32 {
                group.addTask {
                    while next.value < 2000 {
                        let name = "map-\(next.next())"
                        var map = ConfigMap(name: name, namespace: "default")
                        map.metadata.labels = ["test": "kill"]
                        map.json["data"] = ["text": .string(String(repeating: "x", count: 500))]
                        guard let made = try? await client.create(map),
                            let revision = Revision(made.metadata.resourceVersion)
                        else { continue }
                        record.acknowledged.withLock { $0[name] = revision }
                    }
                }
            }
            group.addTask {
                _ = try? await becomes("some writes are acknowledged") {
                    record.acknowledged.withLock { $0.count } > 300
                }
                kill(process, SIGKILL)
            }
        }
        let before = record.acknowledged.withLock { $0 }
        #expect(before.count > 300)
        try await master.restart()
        let again = try await master.client()
        let kept = try await again.list(ConfigMap.self, namespace: "default")
        let found = Dictionary(
            uniqueKeysWithValues: kept.items.map { ($0.name, Revision($0.metadata.resourceVersion)) })
        for (name, revision) in before { #expect(found[name] == revision, "\(name) is lost") }
        let highest = try #require(before.values.max())
        #expect(kept.revision >= highest)
        let later = try await again.create(ConfigMap(name: "later", namespace: "default"))
        #expect(try #require(Revision(later.metadata.resourceVersion)) > kept.revision)

        let marked = kept.items.filter { $0.metadata.labels["test"] == "kill" }
        let wanted = marked.compactMap { Revision($0.metadata.resourceVersion) }.sorted()
        try await becomes("the watcher has seen every object") { record.seen.withLock { $0.count } >= wanted.count }
        watching.cancel()
        // In order, none twice, none left out.
        #expect(record.seen.withLock { $0 } == wanted)
        try await master.end()
    }

    @Test(.enabled(if: Programs.isRoot, "needs root to mount a small disk"))
    func `a full disk is said in one sentence, and what was acknowledged stays`() async throws {
        let folder = TemporaryFolder(below: "/var/tmp")
        let disk = folder.path + "/disk"
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: false)
        try await Shell.output("mount", ["-t", "tmpfs", "-o", "size=16m", "none", disk])
        var acknowledged: [String] = []
        do {
            let master = try MasterProcess(state: disk + "/state")
            let client = try await master.client()
            var refusal: Status?
            for number in 0..<200 where refusal == nil {
                var map = ConfigMap(name: "map-\(number)", namespace: "default")
                map.json["data"] = ["text": .string(String(repeating: "x", count: 300_000))]
                do {
                    _ = try await client.create(map)
                    acknowledged.append(map.name)
                } catch let status as Status { refusal = status }
            }
            let status = try #require(refusal, "the disk never became full")
            #expect(status.code == 500 || status.code == 507, "\(status.code)")
            #expect(status.message.contains("disk"), "\(status.message)")
            // Reading goes on.
            #expect(try await client.list(ConfigMap.self, namespace: "default").items.count >= acknowledged.count)
            try await Shell.output("mount", ["-o", "remount,size=64m", disk])
            try await becomes("writing goes on when there is space") {
                (try? await client.create(ConfigMap(name: "later", namespace: "default"))) != nil
            }
            try await master.restart()
            let names = Set(
                try await master.client().list(ConfigMap.self, namespace: "default").items.map(\.name))
            #expect(names.isSuperset(of: acknowledged + ["later"]))
            try await master.end()
        } catch {
            try await Shell.run("umount", ["-l", disk])
            throw error
        }
        try await Shell.output("umount", [disk])
    }

    @Test func `a port in use and a state folder in use are said in one sentence`() async throws {
        let folder = TemporaryFolder(below: "/var/tmp")
        let master = try MasterProcess(state: folder.path + "/state")
        _ = try await master.client()
        let listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        defer { listener.close() }
        let other = try await Shell.run(
            Programs.path("kmaster"), ["--state", folder.path + "/other", "--listen", "127.0.0.1:\(listener.port)"],
            within: .seconds(20))
        #expect(other.code == 1)
        #expect(other.errors.contains("\(listener.port)") && other.errors.contains("in use"), "\(other.errors)")
        let twin = try await Shell.run(
            Programs.path("kmaster"), ["--state", folder.path + "/state", "--listen", "127.0.0.1:0"],
            within: .seconds(20))
        #expect(twin.code == 1)
        #expect(twin.errors.contains("another"), "\(twin.errors)")
        try await master.end()
    }
}
