extension WebSocketChannel {
    /// Opens a WebSocket through a transport.
    /// - Parameters:
    ///   - request: what is asked for; the headers of the handshake are added.
    ///   - protocols: in the order of preference.
    /// - Returns: the channel and the protocol that the server chose.
    /// - Throws: the server's `Status` when it refuses.
    package static func open(
        _ request: HTTPRequest, over transport: any Transport, protocols: [String] = []
    ) async throws -> (WebSocketChannel, String?) {
        let key = Base64.encode(Random.bytes(16))
        var request = request
        for field in WebSocketHandshake.request(key: key, protocols: protocols).fields {
            request.headers[field.name] = field.value
        }
        let (response, channel) = try await transport.upgrade(request)
        guard let channel else {
            throw Client.refusal(response.status, try? JSON(parsing: response.body), response.body)
        }
        guard WebSocketHandshake.isGood(response, key: key) else {
            channel.close()
            throw NetError(.closed, "the server's answer does not open a WebSocket")
        }
        return (WebSocketChannel(channel, role: .client), response.headers["Sec-WebSocket-Protocol"])
    }
}
