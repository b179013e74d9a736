import Glibc
import Shared
import TestKit

@testable import Master

/// A folder of one test, removed at its end.
final class Scratch: Sendable {
    let path: String
    init() {
        var template = Array("/tmp/store-test-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? "/tmp"
        }
    }
    deinit {
        for file in files { unlink("\(path)/\(file)") }
        rmdir(path)
    }
    var files: [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
    var database: String { path + "/state.db" }

    func open(
        _ clock: any WallClock = ManualClock(), options: Store.Options = Store.Options(), file: String = "state.db"
    ) throws -> Store {
        try Store.open(path: "\(path)/\(file)", clock: clock, options: options, project: plainProjection)
    }

    /// Opens the state of a store that is being let go: its last commit may hold the lock for a moment more.
    func reopen(_ clock: any WallClock = ManualClock(), options: Store.Options = Store.Options()) async throws -> Store
    {
        let end = SystemClock().uptime() + .seconds(5)
        while !FileLock.isFree(path: database + ".lock"), SystemClock().uptime() < end { await Task.yield() }
        return try open(clock, options: options)
    }

    /// Copies the state's files as they are at this moment: what a machine that loses power leaves.
    func copy(to other: Scratch) {
        for file in files where !file.hasSuffix(".lock") && !file.hasSuffix("-shm") {
            other.write(read(file), to: file)
        }
    }
    func read(_ file: String) -> [UInt8] {
        let descriptor = Glibc.open("\(path)/\(file)", O_RDONLY)
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return bytes }
            bytes.append(contentsOf: buffer[..<count])
        }
    }
    func write(_ bytes: [UInt8], to file: String) {
        let descriptor = Glibc.open("\(path)/\(file)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

let pods = GroupResource("pods")
let plainProjection: Projection.Make = { _, json in Projection(metadata: ObjectMeta(json["metadata"])) }

func pod(_ name: String, namespace: String = "default") -> ObjectKey {
    ObjectKey(pods, namespace: namespace, name: name)
}

func object(_ key: ObjectKey, labels: [String: String] = [:], owner: String? = nil, note: String = "") -> JSON {
    var metadata: JSON = ["name": .string(key.name), "namespace": .string(key.namespace), "uid": "u"]
    if !labels.isEmpty { metadata["labels"] = JSON(labels) }
    if let owner { metadata["ownerReferences"] = [["uid": .string(owner)]] }
    return ["apiVersion": "v1", "kind": "Pod", "metadata": metadata, "note": .string(note)]
}

extension Store {
    @discardableResult
    func put(_ key: ObjectKey, labels: [String: String] = [:], note: String = "", owner: String? = nil)
        async throws(Status) -> Stored
    {
        try await write { transaction throws(Status) in
            try transaction.put(key, object(key, labels: labels, owner: owner, note: note))
        }
    }
    /// Changes one object as many times in one commit.
    @discardableResult
    func put(_ key: ObjectKey, times: Int) async throws(Status) -> Revision {
        try await write { transaction throws(Status) in
            for index in 0..<times { try transaction.put(key, object(key, note: "\(index)")) }
            return transaction.revision
        }
    }
    @discardableResult
    func delete(_ key: ObjectKey) async throws(Status) -> Stored {
        try await write { transaction throws(Status) in
            guard let stored = transaction.get(key) else { throw .notFound(key.resource, key.name) }
            return try transaction.delete(key, final: try stored.json())
        }
    }
    func note(_ key: ObjectKey) -> String? { get(key).flatMap { try? $0.json()["note"].string } }
}
