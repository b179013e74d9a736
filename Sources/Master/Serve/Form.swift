import Shared

/// How an answer's JSON is written: compact, for people, or as YAML.
enum Form: Equatable, Sendable {
    case compact
    case pretty
    case yaml

    /// What the request wants: YAML when it is liked better than JSON; indented for `?pretty` and for browsers and
    /// command line programs. Source: apiserver `responsewriters.isPrettyPrint`.
    init(_ request: HTTPRequest, _ query: Query) {
        let wanted = MediaRange.list(request.headers["Accept"]).first {
            $0.isJSON || $0.type == "application/yaml"
        }
        if wanted?.type == "application/yaml" {
            self = .yaml
            return
        }
        if let given = query["pretty"] {
            self = ["false", "0", "f", "F", "FALSE", "False"].contains(given) ? .compact : .pretty
            return
        }
        let agent = request.headers["User-Agent"] ?? ""
        self = ["curl", "Wget", "Mozilla/5.0"].contains(where: agent.hasPrefix) ? .pretty : .compact
    }

    /// The answer in this form. Answers that are no JSON, and streams, stay as they are.
    func apply(to reply: HTTPServerReply) -> HTTPServerReply {
        guard self != .compact, case .whole(let status, var headers, let pieces) = reply,
            headers["Content-Type"] == "application/json", let json = try? JSON(parsing: Array(pieces.joined()))
        else { return reply }
        let text: String
        if self == .yaml {
            headers["Content-Type"] = "application/yaml"
            text = YAML.emit(json.sortedByKey)
        } else {
            text = json.pretty(indent: 2)
        }
        return .whole(status: status, headers: headers, pieces: [Array(text.utf8)])
    }
}

extension JSON {
    /// The same value with the members of all objects in the order of their keys.
    fileprivate var sortedByKey: JSON {
        switch self {
        case .object(let members): .object(Members(members.sorted().map { ($0.key, $0.value.sortedByKey) }))
        case .array(let items): .array(items.map(\.sortedByKey))
        default: self
        }
    }
}
