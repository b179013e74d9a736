import TestKit
import Testing

@testable import Shared

struct SPDYSessionTests {
    /// A server that gives back what it gets on every stream, and a client.
    private func withEcho(_ body: @Sendable @escaping (SPDYSession, SPDYSession) async throws -> Void) async throws {
        let (left, right) = PipeChannel.pair()
        let client = try SPDYSession(left, role: .client)
        let server = try SPDYSession(right, role: .server)
        let (streams, giver) = AsyncStream.makeStream(of: SPDYStream.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await server.run { stream in
                    guard stream.headers["kind"] != "unwanted" else { return false }
                    giver.yield(stream)
                    return true
                }
                giver.finish()
            }
            group.addTask { try? await client.run() }
            group.addTask {
                await withDiscardingTaskGroup { group in
                    for await stream in streams {
                        group.addTask {
                            while let bytes = try? await stream.read() {
                                if (try? await stream.write(bytes)) == nil { return }
                            }
                            try? await stream.finish()
                        }
                    }
                }
            }
            try await body(client, server)
            client.close()
            try await group.waitForAll()
        }
    }

    private static func all(_ stream: SPDYStream) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await stream.read() { bytes += piece }
        return bytes
    }

    @Test func `a stream carries bytes both ways and ends in both directions by itself`() async throws {
        try await withEcho { client, server in
            let stream = try await client.open(["kind": "echo"])
            try await stream.write(Array("hello".utf8))
            try await stream.finish()
            #expect(try await Self.all(stream) == Array("hello".utf8))
            try await becomes("the ends have met, and neither side keeps the stream") {
                client.streamCount == 0 && server.streamCount == 0
            }
        }
    }

    @Test func `a megabyte passes although nothing of that size is kept`() async throws {
        try await withEcho { client, _ in
            let stream = try await client.open(["kind": "echo"])
            let sent = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            async let back = Self.all(stream)
            try await stream.write(sent)
            try await stream.finish()
            #expect(try await back == sent)
        }
    }

    @Test func `a stream that is not wanted is refused, and the others go on`() async throws {
        try await withEcho { client, _ in
            await #expect(throws: (any Error).self) { _ = try await client.open(["kind": "unwanted"]) }
            let stream = try await client.open(["kind": "echo"])
            try await stream.write([1])
            #expect(try await stream.read() == [1])
        }
    }

    @Test func `nothing of a stream goes out before its answer`() async throws {
        let (near, far) = PipeChannel.pair()
        let server = try SPDYSession(far, role: .server)
        let serving = Task {
            try? await server.run { stream in
                let written = Counter()
                Task {
                    try await stream.write([1])
                    written.next()
                }
                // Time enough for bytes that would not wait for their turn.
                let clock = SystemClock()
                let end = clock.uptime() + .milliseconds(200)
                while written.value == 0, clock.uptime() < end {}
                return true
            }
        }
        var headers = try HeaderDeflater()
        let opening = SPDYFrame.synStream(id: 1, headerBlock: try headers.pack(["kind": "echo"]), isLast: false)
        try await near.write(opening.encoded)
        var parser = SPDYParser()
        var first: SPDYFrame?
        while first == nil, let bytes = try await near.read(most: 4096) {
            parser.feed(bytes)
            first = try parser.next()
        }
        guard case .synReply(id: 1, headerBlock: _, isLast: false)? = first else {
            Issue.record("the first frame is \(String(describing: first))")
            return
        }
        server.close()
        await serving.value
    }

    @Test func `a reset ends a stream on the other side`() async throws {
        try await withEcho { client, server in
            let stream = try await client.open(["kind": "echo"])
            try await stream.write([1])
            #expect(try await stream.read() == [1])
            await stream.reset()
            await #expect(throws: (any Error).self) { _ = try await stream.read() }
            let other = try await client.open(["kind": "echo"])
            try await other.write([2])
            #expect(try await other.read() == [2])
            #expect(server.streamCount == 1)
        }
    }

    @Test func `the end of the connection ends every stream`() async throws {
        try await withEcho { client, _ in
            let stream = try await client.open(["kind": "echo"])
            client.close()
            await #expect(throws: (any Error).self) { _ = try await stream.read() }
            await #expect(throws: (any Error).self) { _ = try await client.open(["kind": "echo"]) }
        }
    }

    @Test func `a ping is answered with its number`() async throws {
        let (left, right) = PipeChannel.pair()
        let server = try SPDYSession(right, role: .server)
        async let serving: Void? = try? await server.run()
        try await left.write(SPDYFrame.ping(5).encoded)
        #expect(try await left.read(most: 100) == SPDYFrame.ping(5).encoded)
        left.close()
        _ = await serving
    }

    @Test func `bytes that are no frames end the session with an error`() async throws {
        let (left, right) = PipeChannel.pair()
        let server = try SPDYSession(right, role: .server)
        try await left.write([0x80, 9, 9, 9, 0, 0, 0, 0])
        await #expect(throws: SPDYError.self) { try await server.run() }
    }
}

struct BytePipeTests {
    @Test func `a full pipe holds its writer until it is read`() async throws {
        let pipe = BytePipe(most: 4)
        try await pipe.write([1, 2])
        async let second: Void = pipe.write([3, 4, 5])
        #expect(try await pipe.read(most: 2) == [1, 2])
        var rest: [UInt8] = []
        while rest.count < 3, let bytes = try await pipe.read() { rest += bytes }
        try await second
        #expect(rest == [3, 4, 5])
        pipe.finish()
        #expect(try await pipe.read() == nil)
    }

    @Test func `a pipe that is not wanted any more holds nobody`() async throws {
        let pipe = BytePipe(most: 1)
        async let blocked: Void = pipe.write([1, 2, 3])
        pipe.discard()
        try await blocked
        try await pipe.write([4])
    }

    @Test func `a cancelled reader ends the pipe`() async throws {
        let pipe = BytePipe(most: 1)
        let reader = Task { try await pipe.read() }
        reader.cancel()
        await #expect(throws: CancellationError.self) { _ = try await reader.value }
        await #expect(throws: CancellationError.self) { try await pipe.write([1]) }
    }
}
