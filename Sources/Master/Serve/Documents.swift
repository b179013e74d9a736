import Shared
import Synchronization

/// The paths that are no resources: discovery, schemas, version, health. A class: it keeps the encoded documents.
final class Documents: Sendable {
    private let live: LiveRegistry
    private let health: Health
    private let metrics: @Sendable () -> String
    private let serverAddress: String
    private let tokens: ServiceAccountTokens
    /// What was encoded for one generation of the registry.
    private let cache = Mutex<(generation: Int, documents: [String: [UInt8]])>((0, [:]))

    /// - Parameter serverAddress: `host:port` that `/api` names.
    init(
        registry: LiveRegistry, serverAddress: String, health: Health,
        metrics: @escaping @Sendable () -> String, tokens: ServiceAccountTokens
    ) {
        self.tokens = tokens
        live = registry
        self.serverAddress = serverAddress
        self.health = health
        self.metrics = metrics
    }

    func answer(_ call: Call) throws(Status) -> HTTPServerReply {
        let segments = call.info.path.split(separator: "/").map(String.init)
        let reads = ["get", "head"].contains(call.info.verb)
        if let root = segments.first, Health.roots.contains(root) {
            let name = segments.dropFirst().joined(separator: "/")
            guard let reply = health.answer(root, name, call.query) else { return index(404) }
            return reply
        }
        // The list of groups is served by a plain handler, which asks for no method.
        guard reads || segments == ["apis"] else { throw Status.wrongMethod }
        switch segments.first {
        case "version" where segments.count == 1:
            try Self.require("application/json", call: call)
            return Answer.json(200, Discovery.version())
        case "metrics" where segments.count == 1:
            return Answer.bytes(200, [Array(metrics().utf8)], type: "text/plain; version=0.0.4; charset=utf-8")
        case "api", "apis": return try discovery(call, segments)
        case ".well-known" where segments == [".well-known", "openid-configuration"]:
            return Self.lasting(tokens.openIDConfiguration(serverAddress: serverAddress), "application/json")
        case "openid" where segments == ["openid", "v1", "jwks"]:
            return Self.lasting(tokens.keySet, "application/jwk-set+json")
        case "openapi": return try openAPI(call, segments)
        case nil: return index(200)
        default: return index(404)
        }
    }

    /// The paths that are served: the answer to `/`, and to a path that is not.
    private func index(_ code: Int) -> HTTPServerReply {
        var paths: Set<String> = ["/.well-known/openid-configuration", "/api", "/apis", "/apis/", "/metrics"]
        paths.formUnion(["/openapi/v2", "/openapi/v3", "/openapi/v3/", "/openid/v1/jwks", "/version"])
        paths.formUnion(health.paths)
        for group in live.current.groups {
            let root = group.name.isEmpty ? "/api" : "/apis/\(group.name)"
            paths.insert(root)
            for version in group.versions { paths.insert("\(root)/\(version)") }
        }
        return Answer.json(code, ["paths": JSON(paths.sorted())])
    }

    /// - Throws: 406 unless the client takes one of the types.
    private static func require(_ types: String..., call: Call) throws(Status) {
        guard MediaTypes.accepts(call.request.headers["Accept"], types) else { throw Status.notAcceptable }
    }

    /// A document that clients may keep for an hour.
    private static func lasting(_ document: JSON, _ type: String) -> HTTPServerReply {
        let headers: HTTPHeaders = ["Content-Type": type, "Cache-Control": "public, max-age=3600"]
        return .whole(status: 200, headers: headers, pieces: [document.encoded])
    }

    private func discovery(_ call: Call, _ segments: [String]) throws(Status) -> HTTPServerReply {
        let registry = live.current
        let isCore = segments[0] == "api"
        if !isCore, segments.count > 1, registry.versions(of: segments[1]).isEmpty {
            return Answer.plainFailure(404, "404 page not found")
        }
        if segments.count == 1, let version = Self.aggregatedVersion(call.request.headers["Accept"]) {
            let bytes = encoded("aggregated \(segments[0]) \(version)") {
                Discovery.aggregated(registry, core: isCore, version: version).encoded
            }
            let type = "application/json;g=apidiscovery.k8s.io;v=\(version);as=APIGroupDiscoveryList"
            return tagged(bytes, type, call)
        }
        let document: JSON? =
            switch (isCore, segments.count) {
            case (true, 1): Discovery.coreVersions(serverAddress: serverAddress)
            case (true, 2): Discovery.resourceList(group: "", version: segments[1], registry)
            case (false, 1): Discovery.groupList(registry)
            case (false, 2): Discovery.group(segments[1], registry)
            case (false, 3): Discovery.resourceList(group: segments[1], version: segments[2], registry)
            default: nil
            }
        guard let document else { throw Status.unknownResource }
        try MediaTypes.check(call.request.headers["Accept"], isPlain: !isCore && segments.count == 1)
        return Answer.json(200, document)
    }

    /// `v2` or `v2beta1`, whichever the client names first.
    private static func aggregatedVersion(_ accept: String?) -> String? {
        for part in (accept ?? "").split(separator: ",") where part.contains("as=APIGroupDiscoveryList") {
            if part.contains("v=v2beta1") { return "v2beta1" }
            if part.contains("v=v2") { return "v2" }
        }
        return nil
    }

    private func openAPI(_ call: Call, _ segments: [String]) throws(Status) -> HTTPServerReply {
        let registry = live.current
        if segments == ["openapi", "v2"] { return try openAPIv2(call, registry) }
        guard segments.count >= 2, segments[1] == "v3" else { return index(404) }
        if segments.count == 2 {
            return tagged(encoded("openapi") { OpenAPI.index(registry).encoded }, "application/json", call)
        }
        let isCore = segments[2] == "api"
        guard segments.count == (isCore ? 4 : 5), let version = segments.last else { throw Status.unknownResource }
        let group = isCore ? "" : segments[3]
        guard !registry.resources(group: group, version: version).isEmpty else { throw Status.unknownResource }
        let document = encoded("openapi \(group)/\(version)") {
            OpenAPI.document(group: group, version: version, registry)?.encoded ?? []
        }
        return tagged(document, "application/json", call)
    }

    private func openAPIv2(_ call: Call, _ registry: Registry) throws(Status) -> HTTPServerReply {
        let accept = call.request.headers["Accept"]
        let offered = [OpenAPIv2.protobufType, OpenAPIv2.olderProtobufType]
        if MediaTypes.first(accept, ["application/json"] + offered) != "application/json",
            MediaTypes.accepts(accept, offered)
        {
            let bytes = encoded("openapi v2 protobuf") { OpenAPIv2.protobuf(OpenAPIv2.document(registry)) }
            // The older name has an @, which is no media type: the answer carries the later one.
            return tagged(bytes, OpenAPIv2.protobufType, call)
        }
        guard MediaTypes.accepts(accept, ["application/json"]) else {
            return .whole(status: 406, headers: ["Vary": "Accept", "Cache-Control": "no-cache, private"], pieces: [])
        }
        return tagged(encoded("openapi v2") { OpenAPIv2.document(registry).encoded }, "application/json", call)
    }

    private func encoded(_ name: String, _ make: () -> [UInt8]) -> [UInt8] {
        let generation = live.generation
        let known = cache.withLock { cache in
            if cache.generation != generation { cache = (generation, [:]) }
            return cache.documents[name]
        }
        if let known { return known }
        let bytes = make()
        cache.withLock { cache in
            if cache.generation == generation, live.generation == generation { cache.documents[name] = bytes }
        }
        return bytes
    }

    /// Answers 304 when the client has the document already.
    private func tagged(_ bytes: [UInt8], _ type: String, _ call: Call) -> HTTPServerReply {
        let tag = "\"\(Discovery.entityTag(bytes))\""
        var headers: HTTPHeaders = ["Content-Type": type, "ETag": tag, "Vary": "Accept", "Cache-Control": "public"]
        if call.request.headers["If-None-Match"] == tag { return .whole(status: 304, headers: headers, pieces: []) }
        if call.query["hash"] != nil { headers["Cache-Control"] = "public, immutable" }
        return .whole(status: 200, headers: headers, pieces: [bytes])
    }
}
