import Glibc
import Shared
import Testing

@testable import Agent

/// The streams of real programs, in containers and as plain processes.
@Suite(.serialized)
struct StreamTests {
    static let kinds: [RuntimeKind] = geteuid() == 0 ? [.linux, .process] : [.process]

    private func all(_ stream: ByteStream) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await stream.next() { bytes += piece }
        return bytes
    }

    @Test(arguments: kinds) func `an exec's input has an end, and its exit code comes back`(kind: RuntimeKind)
        async throws
    {
        try await TestNode.with(kind) { node in
            _ = try await node.sandbox("pod-1")
            let id = try await node.container("pod-1", ["sleep", "1000"]).id
            var wish = ExecRequest(argv: ["sh", "-c", "cat; exit 5"])
            wish.stdin = true
            let session = try await node.runtime.exec(wish, in: id)
            let sent = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            async let back = all(session.output)
            try await session.write(sent)
            session.closeInput()
            #expect(try await back == sent)
            #expect(await session.exitCode() == 5)
            session.close()
        }
    }

    @Test(arguments: kinds) func `a terminal has the size that was asked for`(kind: RuntimeKind) async throws {
        try await TestNode.with(kind) { node in
            _ = try await node.sandbox("pod-1")
            let id = try await node.container("pod-1", ["sleep", "1000"]).id
            var wish = ExecRequest(argv: ["sh", "-c", "read line; stty size"])
            wish.stdin = true
            wish.tty = true
            let session = try await node.runtime.exec(wish, in: id)
            session.resize(rows: 33, columns: 111)
            try await session.write(Array("go\n".utf8))
            let text = String(decoding: try await all(session.output), as: UTF8.self)
            #expect(text.contains("33 111"), "\(text)")
            session.close()
        }
    }

    @Test(arguments: kinds) func `an exec whose client leaves ends with its children`(kind: RuntimeKind) async throws {
        try await TestNode.with(kind) { node in
            _ = try await node.sandbox("pod-1")
            let id = try await node.container("pod-1", ["sleep", "1000"]).id
            let mark = "31\(UInt32.random(in: 100_000..<1_000_000))"
            let session = try await node.runtime.exec(
                ExecRequest(argv: ["sh", "-c", "sleep \(mark) & sleep \(mark) & echo begun; wait"]), in: id)
            #expect(try await session.output.next() == Array("begun\n".utf8))
            try await becomes("both children run") { StreamTests.processes(mark) >= 2 }
            session.close()
            try await becomes("the program and its children have ended") { StreamTests.processes(mark) == 0 }
        }
    }

    /// Processes with that word among their arguments.
    private static func processes(_ word: String) -> Int {
        Files.names("/proc").count { name in
            guard Int(name) != nil, let line = Files.text("/proc/\(name)/cmdline") else { return false }
            return line.split(separator: "\0").contains { $0 == word }
        }
    }

    private func becomes(_ what: String, _ holds: () -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(10)
        while !holds() {
            if ContinuousClock.now > end { throw RuntimeFailure(.runtime, "not yet: \(what)") }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    @Test(arguments: kinds) func `input that is read once ends with the client that is attached`(kind: RuntimeKind)
        async throws
    {
        try await TestNode.with(kind) { node in
            _ = try await node.sandbox("pod-1")
            let events = node.runtime.events()
            let id = try await node.container("pod-1", ["sh", "-c", "cat; exit 4"]) { $0.stdin = true }.id
            let session = try await node.runtime.attach(id, endsInput: true)
            async let back = all(session.output)
            try await session.write(Array("through\n".utf8))
            session.closeInput()
            #expect(try await back == Array("through\n".utf8))
            #expect(try await TestNode.exit(of: id, events).code == 4)
            // An attachment ends well, however the program ends.
            #expect(await session.exitCode() == 0)
            session.close()
        }
    }

    @Test(arguments: kinds) func `whoever is attached gets every byte, also when slow`(kind: RuntimeKind) async throws {
        try await TestNode.with(kind) { node in
            _ = try await node.sandbox("pod-1")
            let id = try await node.container("pod-1", ["sh", "-c", "read line; seq 1 400000; sleep 1000"]) {
                $0.stdin = true
            }.id
            let session = try await node.runtime.attach(id, endsInput: false)
            try await session.write(Array("go\n".utf8))
            // The pipes and the shim's memory are full before the first byte is read.
            try await Task.sleep(for: .milliseconds(300))
            let wanted = (1...400_000).map { "\($0)\n" }.joined()
            var bytes: [UInt8] = []
            while bytes.count < wanted.utf8.count, let piece = try await session.output.next() { bytes += piece }
            #expect(bytes == Array(wanted.utf8))
            session.close()
        }
    }

    @Test(arguments: kinds) func `a client that does not read does not hold the program for ever`(kind: RuntimeKind)
        async throws
    {
        try await TestNode.with(kind) { node in
            _ = try await node.sandbox("pod-1")
            let events = node.runtime.events()
            let id = try await node.container("pod-1", ["sh", "-c", "read line; seq 1 900000; exit 6"]) {
                $0.stdin = true
            }.id
            let session = try await node.runtime.attach(id, endsInput: false)
            try await session.write(Array("go\n".utf8))
            #expect(try await TestNode.exit(of: id, events).code == 6)
            session.close()
        }
    }
}

@Suite(.enabled(if: geteuid() == 0, "needs root: run the tests with sudo to try real containers"), .serialized)
struct RunningPodTests {
    @Test func `limits of a running container change in place`() async throws {
        try await TestNode.with { node in
            _ = try await node.sandbox("pod-1")
            let id = try await node.container("pod-1", ["sleep", "1000"]) {
                $0.limits = ResourceLimits(cpuMillis: 200, cpuRequestMillis: 100, memoryBytes: 64 << 20)
            }.id
            try await node.runtime.setLimits(
                ResourceLimits(cpuMillis: 400, cpuRequestMillis: 300, memoryBytes: 96 << 20), of: id)
            let cgroups = Cgroups.current()
            let text = cgroups.processFiles("kotohajime/\(node.name)/pod-1/main-0").compactMap { path -> String? in
                let folder = path.dropLast("/cgroup.procs".count)
                return Files.text(folder + "/memory.limit_in_bytes") ?? Files.text(folder + "/memory.max")
            }
            #expect(text.contains("\(96 << 20)\n"), "\(text)")
        }
    }

    @Test func `a container that looks at another sees its processes`() async throws {
        try await TestNode.with { node in
            _ = try await node.sandbox("pod-1")
            _ = try await node.container("pod-1", ["sleep", "31337"])
            let events = node.runtime.events()
            let looker = try await node.container("pod-1", ["sh", "-c", "tr '\\0' ' ' < /proc/1/cmdline"]) {
                $0.name = "looker"
                $0.target = "main"
                $0.logPath = node.folders.state + "/logs/looker.log"
            }
            #expect(try await TestNode.exit(of: looker.id, events).code == 0)
            #expect(Files.text(looker.logPath)?.contains("sleep 31337") == true)
            await #expect(throws: RuntimeFailure.self) {
                _ = try await node.container("pod-1", ["true"], attempt: 1) { $0.target = "nobody" }
            }
        }
    }

    @Test func `a port is reached inside the pod's own network`() async throws {
        try await TestNode.with { node in
            let info = try await node.sandbox("pod-1")
            let namespace = try #require(info.networkNamespace)
            let port = 34_567
            _ = try await node.container(
                "pod-1",
                [
                    "perl", "-MIO::Socket::INET", "-e",
                    "$l = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => \(port)); while ($c = $l->accept) { print $c 'inside'; close $c }",
                ])
            var answer: [UInt8]?
            for _ in 0..<200 where answer == nil {
                guard let connection = try? await Dialer.connect(host: "127.0.0.1", port: port, in: namespace) else {
                    try await Task.sleep(for: .milliseconds(20))
                    continue
                }
                answer = try await connection.read(most: 100, within: .seconds(5))
                connection.close()
            }
            #expect(answer == Array("inside".utf8))
            await #expect(throws: NetError.self) { _ = try await Dialer.connect(host: "127.0.0.1", port: port) }
        }
    }
}
