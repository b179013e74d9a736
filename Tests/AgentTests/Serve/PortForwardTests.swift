import Shared
import Testing

@testable import Agent

/// Port-forward to a real listener, over every way in which clients ask for it.
struct PortForwardTests {
    /// A listener that gives back what it gets, and ends when its peer has ended.
    private func withEcho(_ body: (StreamBed) async throws -> Void) async throws {
        let listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        let accepting = Task {
            await withDiscardingTaskGroup { group in
                while let connection = try? await listener.accept() {
                    group.addTask {
                        while let bytes = try? await connection.read(most: 4096) {
                            if (try? await connection.write(bytes)) == nil { break }
                        }
                        connection.close()
                    }
                }
            }
        }
        defer { listener.close() }
        try await body(try await StreamBed(port: listener.port))
        listener.close()
        await accepting.value
    }

    private func all(_ stream: SPDYStream) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await stream.read() { bytes += piece }
        return bytes
    }

    private func exercise(_ channel: any ByteChannel) async throws {
        let session = try SPDYSession(channel, role: .client)
        async let running: Void? = try? await session.run()
        for id in ["0", "1"] {
            let error = try await session.open(["streamType": "error", "port": "80", "requestID": id])
            try await error.finish()
            let data = try await session.open(["streamType": "data", "port": "80", "requestID": id])
            try await data.write(Array("hello \(id)".utf8))
            // The end of one direction is passed on; the other still brings what is left.
            try await data.finish()
            #expect(try await all(data) == Array("hello \(id)".utf8))
            #expect(try await all(error) == [])
        }
        let error = try await session.open(["streamType": "error", "port": "81", "requestID": "2"])
        _ = try await session.open(["streamType": "data", "port": "81", "requestID": "2"])
        let text = String(decoding: try await all(error), as: UTF8.self)
        #expect(text.hasPrefix("error forwarding port 81 to pod"))
        #expect(text.hasSuffix("nobody listens there"))
        await #expect(throws: (any Error).self) { _ = try await session.open(["streamType": "other", "port": "80"]) }
        session.close()
        _ = await running
    }

    @Test func `connections pass through SPDY, and one that fails says why`() async throws {
        try await withEcho { bed in
            let (answer, channel, serving) = try await bed.open(
                StreamBed.spdy("/portForward/ns/p", "portforward.k8s.io"))
            #expect(answer["X-Stream-Protocol-Version"] == "portforward.k8s.io")
            try await exercise(channel)
            await serving.value
        }
    }

    @Test func `SPDY passes through a WebSocket`() async throws {
        try await withEcho { bed in
            let name = "SPDY/3.1+portforward.k8s.io"
            let (answer, channel, serving) = try await bed.open(StreamBed.webSocket("/portForward/ns/p", name))
            #expect(answer["Sec-WebSocket-Protocol"] == name)
            try await exercise(WebSocketBytes(WebSocketChannel(channel, role: .client)))
            await serving.value
        }
    }

    @Test func `the channels of a WebSocket begin with their port`() async throws {
        try await withEcho { bed in
            let (_, channel, serving) = try await bed.open(
                StreamBed.webSocket("/portForward/ns/p?ports=80&ports=81", "v4.channel.k8s.io"))
            let socket = WebSocketChannel(channel, role: .client)
            var heads: Set<[UInt8]> = []
            var failure = ""
            for _ in 0..<5 {
                guard case .binary(let bytes)? = try await socket.receive() else { continue }
                if bytes.first == 3, bytes.count > 3 {
                    failure = String(decoding: bytes.dropFirst(), as: UTF8.self)
                } else {
                    heads.insert(bytes)
                }
            }
            #expect(heads == [[0, 80, 0], [1, 80, 0], [2, 81, 0], [3, 81, 0]])
            #expect(failure == "error forwarding port 81: nobody listens there")
            try await socket.send(binary: [0] + Array("echo".utf8))
            #expect(try await socket.receive() == .binary([0] + Array("echo".utf8)))
            channel.close()
            await serving.value
        }
    }
}
