import Shared
import Synchronization

/// The paths that are no resources: discovery, schemas, version, health. A class: it keeps the encoded documents.
final class Documents: Sendable {
    private let live: LiveRegistry
    private let isReady: @Sendable () -> Bool
    private let metrics: @Sendable () -> String
    private let serverAddress: String
    /// What was encoded for one generation of the registry.
    private let cache = Mutex<(generation: Int, documents: [String: [UInt8]])>((0, [:]))

    /// - Parameter serverAddress: `host:port` that `/api` names.
    init(
        registry: LiveRegistry, serverAddress: String, isReady: @escaping @Sendable () -> Bool,
        metrics: @escaping @Sendable () -> String
    ) {
        live = registry
        self.serverAddress = serverAddress
        self.isReady = isReady
        self.metrics = metrics
    }

    func answer(_ call: Call) throws(Status) -> HTTPServerReply {
        guard ["get", "head"].contains(call.info.verb) else {
            throw Status(.methodNotAllowed, "the server does not allow this method on the requested resource")
        }
        let segments = call.info.path.split(separator: "/").map(String.init)
        switch segments.first {
        case "healthz", "livez", "readyz": return try health(call, segments)
        case "version" where segments.count == 1: return Answer.json(200, Discovery.version())
        case "metrics" where segments.count == 1:
            return Answer.bytes(200, [Array(metrics().utf8)], type: "text/plain; version=0.0.4")
        case "api", "apis": return try discovery(call, segments)
        case "openapi": return try openAPI(call, segments)
        case nil:
            return Answer.json(
                200,
                ["paths": ["/api", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v3", "/readyz", "/version"]])
        default: throw Self.unknown
        }
    }

    private static let unknown = Status(.notFound, "the server could not find the requested resource")

    private func health(_ call: Call, _ segments: [String]) throws(Status) -> HTTPServerReply {
        guard segments.count <= 2, segments.count == 1 || ["ping", "etcd"].contains(segments[1]) else {
            throw Self.unknown
        }
        let ready = segments[0] != "readyz" || isReady()
        if call.query["verbose"] != nil {
            let check = ready ? "[+]informer-sync ok" : "[-]informer-sync failed: reason withheld"
            return Answer.text(
                ready ? 200 : 500,
                "[+]ping ok\n[+]store ok\n\(check)\n\(segments[0]) check \(ready ? "passed" : "failed")\n")
        }
        return Answer.text(ready ? 200 : 500, ready ? "ok" : "the controllers' caches are being filled")
    }

    private func discovery(_ call: Call, _ segments: [String]) throws(Status) -> HTTPServerReply {
        let registry = live.current
        let isCore = segments[0] == "api"
        if segments.count == 1, let version = Self.aggregatedVersion(call.request.headers["Accept"]) {
            let bytes = encoded("aggregated \(segments[0]) \(version)") {
                Discovery.aggregated(registry, core: isCore, version: version)
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
        guard let document else { throw Self.unknown }
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
        guard segments.count >= 2, segments[1] == "v3" else { throw Self.unknown }
        let registry = live.current
        if segments.count == 2 {
            return tagged(encoded("openapi") { OpenAPI.index(registry) }, "application/json", call)
        }
        let isCore = segments[2] == "api"
        guard segments.count == (isCore ? 4 : 5), let version = segments.last else { throw Self.unknown }
        let group = isCore ? "" : segments[3]
        guard !registry.resources(group: group, version: version).isEmpty else { throw Self.unknown }
        let document = encoded("openapi \(group)/\(version)") {
            OpenAPI.document(group: group, version: version, registry) ?? [:]
        }
        return tagged(document, "application/json", call)
    }

    private func encoded(_ name: String, _ make: () -> JSON) -> [UInt8] {
        let generation = live.generation
        let known = cache.withLock { cache in
            if cache.generation != generation { cache = (generation, [:]) }
            return cache.documents[name]
        }
        if let known { return known }
        let bytes = make().encoded
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
