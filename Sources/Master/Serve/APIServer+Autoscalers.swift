import Shared

/// `autoscaling/v1` HorizontalPodAutoscalers: stored as v2, told as v1.
extension APIServer {
    /// Whether a request is about autoscalers in their first version.
    static func asksForFirstAutoscalers(_ info: RequestInfo) -> Bool {
        info.group == "autoscaling" && info.version == "v1" && info.resource == "horizontalpodautoscalers"
    }

    /// Answers in v1 what is asked in v1.
    /// - Parameter forward: serves a request of the same sender.
    func answerFirstAutoscalers(
        _ call: Call, _ forward: (HTTPRequest) async throws(Status) -> HTTPServerReply
    ) async throws(Status) -> HTTPServerReply {
        var request = call.request
        request.target = APIServer.latestTarget(request.target)
        switch call.info.verb {
        case "create", "update":
            request.body = AutoscalerVersions.latest(try call.body().json).encoded
            request.headers["Content-Type"] = "application/json"
        case "patch":
            guard
                let resource = storage.registry.resource(
                    group: "autoscaling", version: "v2", kind: HorizontalPodAutoscaler.type.kind)
            else { break }
            let patch = try PatchBody(call, try PatchBody.format(of: call, resource))
            if patch.format == .apply {
                request.body = AutoscalerVersions.latest(patch.json).encoded
                break
            }
            var read = request
            read.method = "GET"
            read.body = []
            for name in ["Content-Type", "Accept"] { read.headers[name] = nil }
            guard case .whole(200, _, let pieces) = try await forward(read),
                let stored = try? JSON(parsing: pieces.joined())
            else { return try await forward(read) }
            let before = AutoscalerVersions.first(stored)
            let after: JSON
            switch patch.format {
            case .json: after = try JSONPatch.apply(patch.json, to: before)
            default: after = MergePatch.apply(patch.json, to: before)
            }
            request.method = "PUT"
            request.body = AutoscalerVersions.latest(after).encoded
            request.headers["Content-Type"] = "application/json"
        default: break
        }
        switch try await forward(request) {
        case .whole(let status, let headers, let pieces):
            guard let body = try? JSON(parsing: pieces.joined()) else {
                return .whole(status: status, headers: headers, pieces: pieces)
            }
            return .whole(status: status, headers: headers, pieces: [APIServer.first(body).encoded])
        case .stream(let status, let headers, let body):
            return .stream(status: status, headers: headers) { writer in
                try await body(
                    BodyWriter { pieces in
                        for line in pieces.joined().split(separator: UInt8(ascii: "\n")) {
                            guard var event = try? JSON(parsing: line) else { continue }
                            event["object"] = APIServer.first(event["object"])
                            try await writer.write(event.encoded + [UInt8(ascii: "\n")])
                        }
                    })
            }
        case .upgrade(let headers, let body): return .upgrade(headers: headers, body: body)
        }
    }

    /// The same path in v2.
    private static func latestTarget(_ target: String) -> String {
        let old = "/apis/autoscaling/v1/"
        return target.hasPrefix(old) ? "/apis/autoscaling/v2/" + target.dropFirst(old.count) : target
    }

    /// An answer in v1: an autoscaler or a list of them; anything else stays as it is.
    private static func first(_ body: JSON) -> JSON {
        switch body["kind"].string {
        case HorizontalPodAutoscaler.type.kind: return AutoscalerVersions.first(body)
        case "\(HorizontalPodAutoscaler.type.kind)List":
            var list = body
            list["apiVersion"] = "autoscaling/v1"
            list["items"] = .array(
                body["items"].items.map { item in
                    var item = AutoscalerVersions.first(item)
                    item.remove("apiVersion")
                    return item
                })
            return list
        default: return body
        }
    }
}
