import Synchronization
import Testing

@testable import Shared

struct HTTPServerTests {
    private static let echo: HTTPServer.Handler = { call in
        .whole(
            status: 200, headers: ["X-User": call.peerCertificate?.commonName ?? "nobody"],
            pieces: [Array("\(call.request.method) \(call.request.target) ".utf8), call.request.body])
    }

    @Test(arguments: [false, true])
    func `twenty clients keep their connections over many requests`(tls: Bool) async throws {
        try await Fixture.serve(tls: tls, HTTPServerTests.echo) { port, server in
            let transport = Fixture.transport(port, tls: tls ? try Fixture.clientTLS(withCertificate: true) : nil)
            try await withThrowingDiscardingTaskGroup { group in
                for client in 0..<20 {
                    group.addTask {
                        for turn in 0..<20 {
                            let body = [UInt8](repeating: 65, count: turn * 100)
                            let answer = try await transport.send(HTTPRequest("POST", "/\(client)/\(turn)", body: body))
                            #expect(answer.status == 200)
                            #expect(answer.body == Array("POST /\(client)/\(turn) ".utf8) + body)
                            #expect(answer.headers["X-User"] == (tls ? "anna" : "nobody"))
                        }
                    }
                }
            }
            #expect(server.connectionCount <= 20)
            #expect(transport.idleCount >= 1)
        }
    }

    @Test func `a large body goes through and one beyond the bound is refused with 413`() async throws {
        try await Fixture.serve(HTTPServerTests.echo) { port, _ in
            let transport = Fixture.transport(port)
            let large = [UInt8](repeating: 7, count: 2 << 20)
            #expect(try await transport.send(HTTPRequest("PUT", "/", body: large)).body.count == large.count + 6)
            let raw = try await Dialer.connect(host: "127.0.0.1", port: port)
            try await raw.write(
                Array("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n".utf8))
            #expect(try await readAll(raw).hasPrefix("HTTP/1.1 413 "))
        }
    }

    @Test func `a whole answer to HEAD has a length and no body, and 100-continue is said`() async throws {
        try await Fixture.serve({ _ in Fixture.text("hello") }) { port, _ in
            let raw = try await Dialer.connect(host: "127.0.0.1", port: port)
            try await raw.write(Array("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
            let head = String(decoding: try await raw.read(most: 4096) ?? [], as: UTF8.self)
            #expect(head.contains("Content-Length: 5\r\n") && head.hasSuffix("\r\n\r\n"))
            try await raw.write(
                Array(
                    "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
                        .utf8))
            #expect(try await raw.read(most: 4096) == Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
            try await raw.write(Array("hi".utf8))
            #expect(try await readAll(raw).hasSuffix("\r\n\r\nhello"))
        }
    }

    @Test func `a stream arrives piece by piece and the connection is used again`() async throws {
        try await Fixture.serve({ call in
            if call.request.target == "/plain" { return Fixture.text("ok") }
            return .stream(status: 200, headers: [:]) { writer in
                for number in 0..<100 { try await writer.write(Array("line \(number)\n".utf8)) }
            }
        }) { port, server in
            let transport = Fixture.transport(port)
            for _ in 0..<3 {
                let stream = try await transport.stream(HTTPRequest("GET", "/watch"))
                var text = ""
                while let bytes = try await stream.body.next() { text += String(decoding: bytes, as: UTF8.self) }
                #expect(text.hasSuffix("line 99\n") && text.split(separator: "\n").count == 100)
                #expect(try await transport.send(HTTPRequest("GET", "/plain")).body == Array("ok".utf8))
            }
            #expect(server.connectionCount == 1)
        }
    }

    @Test(arguments: [false, true])
    func `a stream is cancelled when its client leaves`(tls: Bool) async throws {
        let (ended, mark) = AsyncStream.makeStream(of: Void.self)
        try await Fixture.serve(
            tls: tls,
            { _ in
                .stream(status: 200, headers: [:]) { writer in
                    defer { mark.yield() }
                    try await writer.write([1])
                    try await Task.sleep(for: .seconds(3600))
                }
            }
        ) { port, _ in
            let transport = Fixture.transport(port, tls: tls ? try Fixture.clientTLS() : nil)
            let stream = try await transport.stream(HTTPRequest("GET", "/watch"))
            #expect(try await stream.body.next() == [1])
            stream.body.close()
            for await _ in ended { break }
        }
    }

    @Test func `a stream that fails is cut without its end mark`() async throws {
        struct Broken: Error {}
        try await Fixture.serve({ _ in
            .stream(status: 200, headers: [:]) { writer in
                try await writer.write([1])
                throw Broken()
            }
        }) { port, _ in
            let stream = try await Fixture.transport(port).stream(HTTPRequest("GET", "/"))
            await #expect(throws: NetError.self) { while try await stream.body.next() != nil {} }
        }
    }

    @Test func `a request head that trickles in is answered with 408 and an idle connection is closed`() async throws {
        var timing = HTTPServer.Timing()
        timing.requestHead = .milliseconds(30)
        timing.keepAlive = .milliseconds(30)
        try await Fixture.serve(timing: timing, HTTPServerTests.echo) { port, _ in
            let slow = try await Dialer.connect(host: "127.0.0.1", port: port)
            try await slow.write(Array("GET / HT".utf8))
            #expect(try await readAll(slow).hasPrefix("HTTP/1.1 408 "))
            let idle = try await Dialer.connect(host: "127.0.0.1", port: port)
            #expect(try await readAll(idle).isEmpty)
        }
    }

    @Test func `connections beyond the bound are closed and the others live on`() async throws {
        try await Fixture.serve(connectionsMax: 1, HTTPServerTests.echo) { port, _ in
            let transport = Fixture.transport(port)
            _ = try await transport.send(HTTPRequest("GET", "/"))
            let second = try await Dialer.connect(host: "127.0.0.1", port: port)
            #expect(try await readAll(second).isEmpty)
            #expect(try await transport.send(HTTPRequest("GET", "/")).status == 200)
        }
    }

    @Test func `requests that come in one packet are answered in order`() async throws {
        try await Fixture.serve(HTTPServerTests.echo) { port, _ in
            let raw = try await Dialer.connect(host: "127.0.0.1", port: port)
            let one = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
            let two = "GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            try await raw.write(Array((one + two).utf8))
            let answers = try await readAll(raw)
            #expect(answers.contains("GET /a HTTP/1.1 200 OK") && answers.hasSuffix("GET /b "))
        }
    }

    @Test func `stopping lets an answer finish and ends streams`() async throws {
        let listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        let (arrived, mark) = AsyncStream.makeStream(of: Void.self)
        let (release, go) = AsyncStream.makeStream(of: Void.self)
        let server = HTTPServer([.init(listener)], log: Log("test", sink: { _ in })) { call in
            mark.yield()
            if call.request.target == "/stream" {
                return .stream(status: 200, headers: [:]) { writer in
                    try await writer.write([1])
                    try await Task.sleep(for: .seconds(3600))
                }
            }
            for await _ in release { break }
            return Fixture.text(Task.isCancelled ? "cancelled" : "finished")
        }
        let running = Task { try await server.run() }
        let transport = Fixture.transport(listener.port)
        let unary = Task { try await transport.send(HTTPRequest("GET", "/slow")) }
        let stream = try await transport.stream(HTTPRequest("GET", "/stream"))
        var marks = arrived.makeAsyncIterator()
        _ = await (marks.next(), marks.next())
        running.cancel()
        var seen = 0
        while let bytes = try await stream.body.next() { seen += bytes.count }
        #expect(seen == 1)
        go.yield()
        #expect(try await unary.value.body == Array("finished".utf8))
        try await running.value
    }

    @Test func `an upgrade hands over the connection and a WebSocket echoes on it`() async throws {
        try await Fixture.serve(
            tls: true,
            { call in
                guard let headers = WebSocketHandshake.answer(to: call.request.headers, choosing: "v5.channel.k8s.io")
                else {
                    return Fixture.text("no", status: 400)
                }
                return .upgrade(headers: headers) { channel in
                    let socket = WebSocketChannel(channel, role: .server)
                    do {
                        while let message = try await socket.receive() {
                            if case .binary(let bytes) = message { try await socket.send(binary: bytes) }
                            if case .text(let text) = message { try await socket.send(text: text) }
                        }
                    } catch {}
                }
            }
        ) { port, _ in
            let transport = Fixture.transport(port, tls: try Fixture.clientTLS())
            let (socket, chosen) = try await WebSocketChannel.open(
                HTTPRequest("GET", "/exec"), over: transport, protocols: ChannelFrame.protocols)
            #expect(chosen == "v5.channel.k8s.io")
            try await socket.ping([1])
            try await socket.send(ChannelFrame(.standardInput, Array(repeating: 9, count: 100_000)))
            try await socket.send(text: "こんにちは")
            #expect(try await socket.receive() == .binary([0] + Array(repeating: 9, count: 100_000)))
            #expect(try await socket.receive() == .text("こんにちは"))
            try await socket.close()
            #expect(try await socket.receive() == nil)
            socket.abort()
            await #expect(throws: Status.self) {
                let plain = HTTPRequest("GET", "/", headers: ["Connection": "x"])
                _ = try await WebSocketChannel.open(plain, over: RefusingTransport())
            }
        }
    }

    @Test func `a kept connection that the server has closed is replaced without the caller noticing`() async throws {
        var timing = HTTPServer.Timing()
        timing.keepAlive = .milliseconds(10)
        try await Fixture.serve(timing: timing, HTTPServerTests.echo) { port, server in
            let transport = Fixture.transport(port)
            for _ in 0..<5 {
                let answer = try await transport.send(HTTPRequest("GET", "/"))
                #expect(answer.status == 200)
                while server.connectionCount > 0 { await Task.yield() }
            }
        }
    }
}

private struct RefusingTransport: Transport {
    func send(_ request: HTTPRequest) async throws -> HTTPResponse { HTTPResponse(403) }
    func stream(_ request: HTTPRequest) async throws -> HTTPStream {
        HTTPStream(status: 403, headers: [:], body: ByteStream(pull: { nil }))
    }
    func upgrade(_ request: HTTPRequest) async throws -> (HTTPResponse, (any ByteChannel)?) { (HTTPResponse(403), nil) }
}
