import Shared

extension HTTPServerReply {
    /// The status code.
    var code: Int {
        switch self {
        case .whole(let status, _, _), .stream(let status, _, _): status
        case .upgrade: 101
        }
    }
}

/// The forms that answers have.
enum Answer {
    static func json(_ status: Int, _ body: JSON, warnings: [String] = []) -> HTTPServerReply {
        bytes(status, [body.encoded], warnings: warnings)
    }

    static func bytes(
        _ status: Int, _ pieces: [[UInt8]], type: String = "application/json", warnings: [String] = []
    ) -> HTTPServerReply {
        var headers: HTTPHeaders = ["Content-Type": type, "Cache-Control": "no-cache, private"]
        for warning in warnings { headers.add("Warning", "299 - \(quoted(warning))") }
        return .whole(status: status, headers: headers, pieces: pieces)
    }

    static func text(_ status: Int, _ text: String) -> HTTPServerReply {
        bytes(status, [Array(text.utf8)], type: "text/plain; charset=utf-8")
    }

    /// A refusal that is no Status: a line of text, as Go's `http.Error` writes it.
    static func plainFailure(_ status: Int, _ text: String) -> HTTPServerReply {
        let headers: HTTPHeaders = [
            "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-cache, private",
        ]
        return .whole(status: status, headers: headers, pieces: [Array((text + "\n").utf8)])
    }

    /// The target of a request in quotes, safe to be shown in a page. Source: apiserver `responsewriters`.
    static func quotedTarget(_ request: HTTPRequest) -> String {
        var safe = ""
        for character in request.target.prefix(1024) {
            switch character {
            case "&": safe += "&amp;"
            case "<": safe += "&lt;"
            case ">": safe += "&gt;"
            default: safe.append(character)
            }
        }
        return JSON.string(safe).text
    }

    static func failure(_ status: Status) -> HTTPServerReply {
        var headers: HTTPHeaders = ["Content-Type": "application/json", "Cache-Control": "no-cache, private"]
        if status.retryAfterSeconds > 0 { headers["Retry-After"] = String(status.retryAfterSeconds) }
        if status.code == 403 { headers["X-Content-Type-Options"] = "nosniff" }
        if status.code == 401 { headers["WWW-Authenticate"] = "Basic realm=\"kubernetes\"" }
        return .whole(status: status.code, headers: headers, pieces: [status.json.encoded])
    }

    /// The reply with one more warning.
    static func warned(_ reply: HTTPServerReply, _ warning: String) -> HTTPServerReply {
        switch reply {
        case .whole(let status, var headers, let pieces):
            headers.add("Warning", "299 - \(quoted(warning))")
            return .whole(status: status, headers: headers, pieces: pieces)
        case .stream(let status, var headers, let body):
            headers.add("Warning", "299 - \(quoted(warning))")
            return .stream(status: status, headers: headers, body: body)
        default: return reply
        }
    }

    /// A warning's text as a quoted string of a header: control characters become spaces. Source: RFC 7234 section 5.5.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\" + String(scalar)
            case let control where control.value < 0x20 || control.value == 0x7F: result += " "
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
