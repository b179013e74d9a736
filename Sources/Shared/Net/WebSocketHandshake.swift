/// The request and the answer that open a WebSocket. Source: RFC 6455 section 4.
package enum WebSocketHandshake {
    /// The headers of a client's request.
    package static func request(key: String = Base64.encode(Random.bytes(16)), protocols: [String] = []) -> HTTPHeaders
    {
        var headers: HTTPHeaders = [
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key,
        ]
        if !protocols.isEmpty { headers.add("Sec-WebSocket-Protocol", protocols.joined(separator: ", ")) }
        return headers
    }

    /// True when the request asks for a WebSocket.
    package static func isAsked(by headers: HTTPHeaders) -> Bool {
        headers.contains("Connection", token: "upgrade") && headers.contains("Upgrade", token: "websocket")
    }

    /// The protocols that the client offers, in its order.
    package static func offered(by headers: HTTPHeaders) -> [String] {
        headers.all("Sec-WebSocket-Protocol").flatMap { $0.split(separator: ",").map(\.trimmingSpaces) }
    }

    /// The headers of the server's answer with status 101; nil when the request is not a good one (answer 400).
    package static func answer(to headers: HTTPHeaders, choosing chosen: String? = nil) -> HTTPHeaders? {
        guard isAsked(by: headers), headers["Sec-WebSocket-Version"] == "13",
            let key = headers["Sec-WebSocket-Key"], Base64.decode(key)?.count == 16
        else { return nil }
        var answer: HTTPHeaders = ["Upgrade": "websocket", "Sec-WebSocket-Accept": acceptKey(for: key)]
        if let chosen { answer.add("Sec-WebSocket-Protocol", chosen) }
        return answer
    }

    package static func acceptKey(for key: String) -> String {
        Base64.encode(SHA1.hash(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)))
    }

    /// True when the server's answer fits the request's key.
    package static func isGood(_ response: HTTPResponse, key: String) -> Bool {
        response.status == 101 && response.headers.contains("Upgrade", token: "websocket")
            && response.headers["Sec-WebSocket-Accept"] == acceptKey(for: key)
    }
}
