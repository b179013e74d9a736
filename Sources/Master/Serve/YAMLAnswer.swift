import Shared

/// Answers in YAML for clients that ask for it: the JSON answer, written anew with sorted keys as Go writes it.
enum YAMLAnswer {
    static func shaped(_ reply: HTTPServerReply, accept: String?) -> HTTPServerReply {
        guard let accept, accept.contains("yaml"), case .whole(let status, var headers, let pieces) = reply,
            headers["Content-Type"] == "application/json",
            MediaTypes.first(accept, MediaTypes.offered) == "application/yaml",
            let json = try? JSON(parsing: Array(pieces.joined()))
        else { return reply }
        headers["Content-Type"] = "application/yaml"
        return .whole(status: status, headers: headers, pieces: [Array(YAML.emit(sorted(json)).utf8)])
    }

    private static func sorted(_ json: JSON) -> JSON {
        switch json {
        case .array(let items): .array(items.map(sorted))
        case .object(let members): .object(JSON.Members(members.sorted().map { ($0.key, sorted($0.value)) }))
        default: json
        }
    }
}
