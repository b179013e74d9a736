import Shared

/// What a reverse proxy changes about requests and answers. Pure. Source: RFC 9110 section 7.6, RFC 7239.
enum ForwardedRequest {
    /// Fields that concern one connection only.
    private static let hopByHop: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]

    /// The request as the service gets it.
    /// - Parameters:
    ///   - peer: the address of the client.
    ///   - scheme: `http` or `https`.
    static func request(
        _ request: HTTPRequest, peer: String, scheme: String, port: Int, isUpgrade: Bool
    ) -> HTTPRequest {
        var result = request
        result.headers = endToEnd(request.headers, except: ["content-length"])
        if isUpgrade {
            result.headers["Connection"] = "Upgrade"
            result.headers["Upgrade"] = request.headers["Upgrade"]
        }
        let before = request.headers.all("X-Forwarded-For").joined(separator: ", ")
        result.headers["X-Forwarded-For"] = before.isEmpty ? peer : "\(before), \(peer)"
        result.headers["X-Real-IP"] = peer
        if let host = request.headers["Host"] { result.headers["X-Forwarded-Host"] = host }
        result.headers["X-Forwarded-Proto"] = scheme
        result.headers["X-Forwarded-Port"] = String(port)
        return result
    }

    /// The fields of the answer as the client gets them; the length is the server's to say.
    static func answer(_ headers: HTTPHeaders) -> HTTPHeaders { endToEnd(headers, except: ["content-length"]) }

    static func isUpgrade(_ request: HTTPRequest) -> Bool {
        request.headers["Upgrade"] != nil && request.headers.contains("Connection", token: "upgrade")
    }

    /// The path without the query.
    static func path(_ target: String) -> String {
        let path = target.prefix { $0 != "?" && $0 != "#" }
        return path.isEmpty ? "/" : String(path)
    }

    private static func endToEnd(_ headers: HTTPHeaders, except also: Set<String>) -> HTTPHeaders {
        let named = headers.all("Connection").flatMap { $0.split(separator: ",") }
            .map { $0.trimmingSpaces.lowercased() }
        let dropped = hopByHop.union(named).union(also)
        var result = HTTPHeaders()
        for field in headers.fields where !dropped.contains(field.name.lowercased()) {
            result.add(field.name, field.value)
        }
        return result
    }
}
