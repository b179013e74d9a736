import Shared
import TestKit
import Testing

@testable import Agent

/// Exec and attach as clients see them, over both protocols.
struct TerminalSessionTests {
    private let target = "/exec/ns/p/c?command=cat&stdin=true&stdout=true&stderr=true"

    @Test(arguments: ["v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io", "channel.k8s.io"])
    func `a WebSocket carries input, output and the end`(name: String) async throws {
        let bed = try await StreamBed()
        let (answer, channel, serving) = try await bed.open(
            StreamBed.webSocket("/exec/ns/p/c?command=echo&command=hi&stdout=true", name))
        #expect(answer["Sec-WebSocket-Protocol"] == name)
        let kind = try #require(ChannelProtocol.choose(from: [name]))
        let socket = WebSocketChannel(channel, role: .client)
        var output: [UInt8] = []
        var end: [UInt8]?
        while let message = try await socket.receive() {
            let frame = try #require(kind.frame(message))
            if frame.channel == .standardOutput { output += frame.bytes } else { end = frame.bytes }
        }
        #expect(output == Array("echo hi\n".utf8))
        if kind.version >= 4 {
            #expect(try JSON(parsing: try #require(end)) == ["metadata": [:], "status": "Success"])
        } else {
            #expect(end == nil)
        }
        channel.close()
        await serving.value
    }

    @Test func `version 5 ends the program's input with a close frame`() async throws {
        let bed = try await StreamBed()
        let (_, channel, serving) = try await bed.open(StreamBed.webSocket(target, "v5.channel.k8s.io"))
        let socket = WebSocketChannel(channel, role: .client)
        try await socket.send(ChannelFrame(.standardInput, Array("ab".utf8)))
        try await socket.send(ChannelFrame.closing(.standardInput))
        var frames: [ChannelFrame] = []
        while case .binary(let bytes)? = try await socket.receive() { frames.append(try #require(ChannelFrame(bytes))) }
        #expect(frames.filter { $0.channel == .standardOutput }.flatMap(\.bytes) == Array("ab".utf8))
        #expect(frames.last?.channel == .error)
        channel.close()
        await serving.value
    }

    @Test(arguments: ["v5.channel.k8s.io", "v4.channel.k8s.io", "v3.channel.k8s.io", "channel.k8s.io"])
    func `SPDY carries input, output and the end`(name: String) async throws {
        let bed = try await StreamBed()
        let (answer, channel, serving) = try await bed.open(StreamBed.spdy(target, "v9.channel.k8s.io", name))
        #expect(answer["Upgrade"] == "SPDY/3.1")
        #expect(answer["X-Stream-Protocol-Version"] == name)
        let session = try SPDYSession(channel, role: .client)
        async let running: Void? = try? await session.run()
        let errors = try await session.open(["streamType": "error"])
        let input = try await session.open(["streamType": "stdin"])
        let output = try await session.open(["streamType": "stdout"])
        _ = try await session.open(["streamType": "stderr"])
        try await input.write(Array("hello".utf8))
        try await input.finish()
        #expect(try await all(output) == Array("hello".utf8))
        let end = try await all(errors)
        if name.hasPrefix("v4") || name.hasPrefix("v5") {
            #expect(try JSON(parsing: end)["status"] == "Success")
        } else {
            #expect(end == [])
        }
        session.close()
        _ = await running
        await serving.value
    }

    private func all(_ stream: SPDYStream) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await stream.read() { bytes += piece }
        return bytes
    }

    @Test func `a client that vanishes frees the session`() async throws {
        let bed = try await StreamBed()
        let (_, first, serving) = try await bed.open(StreamBed.webSocket(target, "v5.channel.k8s.io"))
        let socket = WebSocketChannel(first, role: .client)
        try await socket.send(ChannelFrame(.standardInput, [65]))
        // The program runs once its answer is there; the message before only tells that the connection stands.
        while let message = try await socket.receive(), message != .binary([1, 65]) {}
        first.close()
        await serving.value
        let (_, second, other) = try await bed.open(StreamBed.spdy(target, "v4.channel.k8s.io"))
        let session = try SPDYSession(second, role: .client)
        async let running: Void? = try? await session.run()
        _ = try await session.open(["streamType": "error"])
        session.close()
        await other.value
        _ = await running
        #expect(bed.runtime.calls.contains { $0.hasPrefix("exec u-1/c/0 cat") })
    }

    @Test func `a program that can not be started is told in the session`() async throws {
        let bed = try await StreamBed()
        bed.runtime.failNext("exec", with: RuntimeFailure(.exec, "executing nothing: No such file or directory"))
        let (_, channel, serving) = try await bed.open(StreamBed.webSocket(target, "v5.channel.k8s.io"))
        let socket = WebSocketChannel(channel, role: .client)
        var end: ChannelFrame?
        while case .binary(let bytes)? = try await socket.receive() { end = ChannelFrame(bytes) }
        let status = try JSON(parsing: try #require(end).bytes)
        #expect(end?.channel == .error)
        #expect(status["reason"] == "InternalError")
        #expect(status["message"].string?.hasSuffix("executing nothing: No such file or directory") == true)
        channel.close()
        await serving.value
    }

    static let refusals: [(HTTPRequest, Int, String)] = [
        (StreamBed.webSocket("/exec/ns/p/c?stdout=true", "v5.channel.k8s.io"), 400, "at least 1 command"),
        (StreamBed.webSocket("/exec/ns/p/c?command=x", "v5.channel.k8s.io"), 400, "at least 1 of stdin"),
        (StreamBed.webSocket("/exec/ns/q/c?command=x&stdout=1", "v5.channel.k8s.io"), 404, "pod does not exist"),
        (StreamBed.webSocket("/exec/ns/p/late?command=x&stdout=1", "v5.channel.k8s.io"), 500, "container not found"),
        (StreamBed.webSocket("/exec/ns/p/c?command=x&stdout=1", "v6.channel.k8s.io"), 400, "subprotocols"),
        (StreamBed.spdy("/exec/ns/p/c?command=x&stdout=1", "v9.channel.k8s.io"), 403, "unable to negotiate"),
        (StreamBed.spdy("/exec/ns/p/c?command=x&stdout=1"), 400, "X-Stream-Protocol-Version is required"),
        (HTTPRequest("POST", "/exec/ns/p/c?command=x&stdout=1"), 400, "missing upgrade headers"),
        (StreamBed.spdy("/portForward/ns/q", "portforward.k8s.io"), 404, "pod does not exist"),
        (StreamBed.webSocket("/portForward/ns/p", "v4.channel.k8s.io"), 400, "\"port\" is required"),
        (StreamBed.webSocket("/portForward/ns/p?ports=0", "v4.channel.k8s.io"), 400, "from 1 to 65535"),
    ]
    @Test(arguments: refusals) func `what can not be done is refused before the switch`(
        request: HTTPRequest, code: Int, words: String
    ) async throws {
        let bed = try await StreamBed()
        let status = await #expect(throws: Status.self) { _ = try await bed.open(request) }
        #expect(status?.code == code)
        #expect(status?.message.contains(words) == true, "\(status?.message ?? "")")
    }

    @Test func `an end is a status, and text for old versions`() {
        #expect(ProgramEnd.exited(3).status["details"]["causes"][0] == ["reason": "ExitCode", "message": "3"])
        #expect(ProgramEnd.exited(3).status["reason"] == "NonZeroExitCode")
        #expect(ProgramEnd.exited(0).message(version: 3) == [])
        #expect(ProgramEnd.exited(1).message(version: 1).isEmpty == false)
        #expect(ProgramEnd.lost.status["code"] == 500)
    }

    @Test func `sizes of terminals are read, and nonsense is not`() {
        #expect(TerminalInput(size: Array(#"{"Width":80,"Height":24}"#.utf8)) == .resize(rows: 24, columns: 80))
        for text in ["", "{", "{\"Width\":0,\"Height\":1}", "{\"Width\":99999999,\"Height\":1}", "[]"] {
            #expect(TerminalInput(size: Array(text.utf8)) == nil)
        }
    }
}
