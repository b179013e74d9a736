import Shared
import TestKit
import Testing

@testable import Master

struct DiscoveryTests {
    @Test(.enabled(if: Golden.has("discovery.jsonl")))
    func `resources are offered as a real server offers them`() {
        var rate = PassRate()
        for line in Golden.lines("discovery.jsonl") {
            let id = line["id"].string ?? ""
            guard id.hasPrefix("resources/"), let groupVersion = line["response"]["groupVersion"].string else {
                continue
            }
            let parts = groupVersion.split(separator: "/").map(String.init)
            let group = parts.count == 2 ? parts[0] : ""
            guard let mine = Discovery.resourceList(group: group, version: parts.last ?? "", .builtIn) else { continue }
            for wanted in line["response"]["resources"].items {
                let name = wanted["name"].string ?? ""
                let entry = mine["resources"].items.first { $0["name"].string == name } ?? .null
                var misses: [String] = []
                // Eviction has become stable, and services can be deleted by selector.
                if ["pods/eviction", "services"].contains(name), group.isEmpty { continue }
                for key in ["kind", "namespaced", "verbs", "shortNames", "categories", "group", "version"]
                where entry[key] != wanted[key] {
                    misses.append("\(key) \(entry[key].encodedText) want \(wanted[key].encodedText)")
                }
                rate.note(groupVersion, misses.isEmpty, "\(groupVersion) \(name): \(misses)")
            }
        }
        print("discovery:\n\(rate.summary)\n" + rate.failures.joined(separator: "\n"))
        #expect(rate.failures.isEmpty)
    }

    // MARK: Requests

    /// Records of what newer versions answer otherwise on purpose, and of what only that machine has: beta versions
    /// that are gone or have become stable, the old documents, its log folder and its profiles.
    private static func isChanged(_ id: String) -> Bool {
        let changed = [
            "get/apis/policy/v1", "get/apis/batch/v1/cronjobs", "get/apis/autoscaling/v2/horizontalpodautoscalers",
            "get/apis/networking.k8s.io/v1beta1/ingressclasses", "get/openapi/v3", "get/logs", "get/logs/",
            "get/debug/pprof", "get/api/v1/componentstatuses/scheduler", "get/api/v1/watch", "metrics", "root",
            "version",
            "get/apis/apiregistration.k8s.io/v1/apiservices/v1.apps",
        ]
        return changed.contains(id) || id.contains("v1beta1") || id.contains("v2beta") || id.contains("flowcontrol")
            || id.hasSuffix("/crd") || id.contains("extensions") || id.contains("/verbose") || id.hasSuffix("/exclude")
    }

    @Test(.enabled(if: Golden.has("discovery.jsonl")))
    func `paths that are no resources answer as a real server's`() async throws {
        let server = try await MasterFixture()
        for name in ["gb-rbac-a"] {
            _ = try await server.client().call(
                "POST", "/api/v1/namespaces",
                body: ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]])
        }
        server.plane.markReady()
        var rate = PassRate()
        var changed: [String] = []
        for line in Golden.lines("discovery.jsonl") {
            let id = line["id"].string ?? ""
            if ["resources/", "group/", "openapi/v2"].contains(where: id.hasPrefix) { continue }
            if Self.isChanged(id) {
                changed.append(id)
                continue
            }
            var headers: [(String, String)] = []
            if let accept = line["accept"].string { headers.append(("Accept", accept)) }
            let method = line["method"].string ?? "GET"
            if method == "PATCH" { headers.append(("Content-Type", "application/merge-patch+json")) }
            let reply = try await server.call(
                method, line["path"].string ?? "", headers: headers, body: line["body"])
            let misses = Self.misses(id, line, reply)
            rate.note(String(id.prefix { $0 != "/" }), misses.isEmpty, "\(id): \(misses)")
        }
        print("requests:\n\(rate.summary)\n" + rate.failures.joined(separator: "\n"))
        print("changed since 1.20 or only there: \(changed)")
        #expect(rate.failures.isEmpty)
    }

    private static func misses(_ id: String, _ line: JSON, _ reply: MasterFixture.Reply) -> [String] {
        var misses: [String] = []
        if reply.code != line["code"].int { misses.append("\(reply.code) want \(line["code"].text)") }
        if let type = line["contentType"].string, !id.contains("openapi"), reply.headers["Content-Type"] != type {
            misses.append("\(reply.headers["Content-Type"] ?? "none") want \(type)")
        }
        let wanted = line["response"]
        if wanted["kind"] == "Status", reply.json != wanted { misses.append("\(reply.text) want \(wanted.text)") }
        if let text = wanted.string, text == "ok" || text.hasPrefix("404"), reply.text != text {
            misses.append("\(reply.text) want \(text)")
        }
        if wanted["paths"].array != nil, reply.json["paths"].array == nil { misses.append("no index of paths") }
        return misses
    }

    @Test func `health tells each check, leaves out what is asked and fails with the one that fails`() async throws {
        let server = try await MasterFixture()
        let verbose = try await server.call("GET", "/readyz?verbose")
        #expect(verbose.code == 500)
        #expect(verbose.text.contains("[-]informer-sync failed: reason withheld\n"))
        #expect(verbose.text.hasSuffix("readyz check failed\n"))
        #expect(try await server.call("GET", "/readyz/informer-sync").code == 500)
        let without = try await server.call("GET", "/readyz?verbose&exclude=informer-sync")
        #expect(without.code == 200)
        #expect(without.text.contains("[+]informer-sync excluded: ok\n"))
        #expect(try await server.call("GET", "/livez/informer-sync").code == 404)
        server.plane.markReady()
        #expect(try await server.call("GET", "/readyz").text == "ok")
        #expect(try await server.call("GET", "/readyz?verbose").text.hasSuffix("readyz check passed\n"))
    }

    @Test func `metrics count requests by verb, resource and code`() async throws {
        let server = try await MasterFixture()
        _ = try await server.call("GET", "/api/v1/namespaces/default/pods")
        _ = try await server.call("GET", "/api/v1/namespaces/default/pods/none")
        _ = try await server.call("GET", "/api/v1/never-heard-of")
        let text = try await server.call("GET", "/metrics").text
        let labels = "group=\"\",resource=\"pods\",scope=\"namespace\",subresource=\"\",verb=\"LIST\",version=\"v1\""
        #expect(text.contains("apiserver_request_total{code=\"200\",\(labels)} 1\n"))
        #expect(text.contains("apiserver_request_duration_seconds_count{\(labels)} 1\n"))
        #expect(text.contains("code=\"404\",group=\"\",resource=\"pods\",scope=\"resource\""))
        #expect(!text.contains("never-heard-of"))
        #expect(text.contains("apiserver_storage_objects{"))
    }

    // MARK: OpenAPI v2

    @Test(.enabled(if: Golden.has("discovery.jsonl")))
    func `the old document describes the operations and types as a real server's`() async throws {
        let document = OpenAPIv2.document(.builtIn)
        var rate = PassRate()
        for line in Golden.lines("discovery.jsonl") {
            let id = line["id"].string ?? ""
            if id == "openapi/v2/operations" {
                for (key, wanted) in line["response"].members {
                    let parts = key.split(separator: " ").map(String.init)
                    guard parts.count == 2, Self.isServed(parts[0]) else { continue }
                    let mine = document["paths"][parts[0]][parts[1]]
                    var misses: [String] = []
                    for name in ["operationId", "x-kubernetes-action", "tags"] where mine[name] != wanted[name] {
                        misses.append("\(name) \(mine[name].text) want \(wanted[name].text)")
                    }
                    rate.note("operations", misses.isEmpty, "\(key): \(misses)")
                }
            }
            guard id.hasPrefix("openapi/v2/definition/") else { continue }
            let name = String(id.dropFirst("openapi/v2/definition/".count))
            let mine = document["definitions"][name]
            let wanted = line["response"]
            for (field, property) in wanted["properties"].members {
                let own = mine["properties"][field]
                // Fields that newer versions have not any more.
                if own.isNull, ["clusterName", "selfLink"].contains(field) { continue }
                var misses: [String] = []
                for key in ["type", "format", "$ref", "items", "additionalProperties", "x-kubernetes-patch-merge-key"]
                where Self.plain(own[key]) != Self.plain(property[key]) {
                    misses.append("\(key) \(own[key].text) want \(property[key].text)")
                }
                rate.note("definitions", misses.isEmpty, "\(name).\(field): \(misses)")
            }
        }
        print("openapi v2:\n\(rate.summary)\n" + rate.failures.joined(separator: "\n"))
        #expect(rate.failures.isEmpty)
    }

    /// Without what later versions say beside a type.
    private static func plain(_ json: JSON) -> JSON {
        var json = json
        if json.object != nil { json.remove("default") }
        return json
    }

    /// Whether a path of 1.20 leads to something that is still served.
    private static func isServed(_ path: String) -> Bool {
        let parts = path.split(separator: "/").map(String.init)
        guard let root = parts.first, parts.count > 1 else { return ["/api/", "/apis/", "/version/"].contains(path) }
        let (group, version) = root == "api" ? ("", parts[1]) : (parts[1], parts.count > 2 ? parts[2] : "")
        guard root == "api" || root == "apis" else { return false }
        let versions = Registry.builtIn.versions(of: group)
        if version.isEmpty { return !versions.isEmpty }
        guard versions.contains(version) else { return false }
        let rest = parts.dropFirst(root == "api" ? 2 : 3).filter { $0 != "watch" && !$0.hasPrefix("{") }
        let names = rest.first == "namespaces" && rest.count > 1 ? Array(rest.dropFirst()) : Array(rest)
        guard let plural = names.first else { return true }
        guard let resource = Registry.builtIn.resource(group: group, version: version, plural: plural) else {
            // A namespace's own subresource.
            return ["status", "finalize"].contains(plural)
        }
        return names.count < 2 || resource.subresource(names[1]) != nil
    }

    @Test func `the protobuf form holds the same definitions and answers 304 to who has it`() async throws {
        let server = try await MasterFixture()
        let accept = ("Accept", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf")
        let first = try await server.call("GET", "/openapi/v2", headers: [accept])
        #expect(first.code == 200)
        #expect(first.headers["Content-Type"] == OpenAPIv2.protobufType)
        let fields = try ProtoFields(first.bytes)
        #expect(fields.texts(1) == ["2.0"])
        let definitions = try ProtoFields(try #require(fields.bytes(9).first)).bytes(1)
        let names = try definitions.map { try ProtoFields($0).texts(1).first ?? "" }
        let json = try await server.call("GET", "/openapi/v2").json
        #expect(names == json["definitions"].members.keys)
        let place = try #require(names.firstIndex(of: "io.k8s.api.core.v1.PodSpec"))
        let schema = try ProtoFields(try #require(try ProtoFields(definitions[place]).bytes(2).first))
        let properties = try ProtoFields(try #require(schema.bytes(25).first)).bytes(1)
        let containers = try #require(try properties.first { try ProtoFields($0).texts(1) == ["containers"] })
        let extensions = try ProtoFields(try #require(try ProtoFields(containers).bytes(2).first)).bytes(31)
        #expect(try extensions.contains { try ProtoFields($0).texts(1) == ["x-kubernetes-patch-merge-key"] })
        let tag = first.headers["ETag"] ?? ""
        let again = try await server.call("GET", "/openapi/v2", headers: [accept, ("If-None-Match", tag)])
        #expect(again.code == 304)
        #expect(again.bytes.isEmpty)
    }

    // MARK: Descriptions

    @Test func `every field of the kinds that people write is explained`() {
        let roots = [
            "core.v1.Pod", "apps.v1.Deployment", "apps.v1.StatefulSet", "apps.v1.DaemonSet", "apps.v1.ReplicaSet",
            "batch.v1.Job", "batch.v1.CronJob", "core.v1.Service", "core.v1.ConfigMap", "core.v1.Secret",
            "core.v1.PersistentVolume", "core.v1.PersistentVolumeClaim", "networking.v1.Ingress",
            "core.v1.Namespace", "core.v1.Node", "core.v1.ServiceAccount", "storage.v1.StorageClass",
            "rbac.v1.Role", "rbac.v1.RoleBinding", "rbac.v1.ClusterRole", "rbac.v1.ClusterRoleBinding",
            "autoscaling.v2.HorizontalPodAutoscaler", "policy.v1.PodDisruptionBudget", "networking.v1.NetworkPolicy",
            "core.v1.ResourceQuota", "core.v1.LimitRange",
        ]
        let schemas = OpenAPISchemas(reachableFrom: roots, .v3).json
        var missing: [String] = []
        for (name, schema) in schemas.members {
            if schema["description"].isNull { missing.append(name) }
            for (field, property) in schema["properties"].members where property["description"].isNull {
                missing.append("\(name).\(field)")
            }
        }
        print("not explained: \(missing.count)\n" + missing.joined(separator: "\n"))
        #expect(missing.isEmpty)
    }

    @Test func `no schema is empty, which kubectl explain takes for none`() {
        var empty: [String] = []
        func walk(_ schema: JSON, _ path: String) {
            if schema.members.isEmpty { empty.append(path) }
            for (name, property) in schema["properties"].members { walk(property, "\(path).\(name)") }
            for key in ["items", "additionalProperties"] where !schema[key].isNull {
                walk(schema[key], "\(path).\(key)")
            }
        }
        let schemas = OpenAPISchemas(reachableFrom: Schema.names, .v3).json.members
        for (name, schema) in schemas { walk(schema, name) }
        #expect(schemas.count > 500 && empty.isEmpty)
    }

    @Test func `kubectl finds what it needs to validate and patch`() throws {
        let document = try #require(OpenAPI.document(group: "apps", version: "v1", .builtIn))
        let patch = document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
        #expect(patch["x-kubernetes-group-version-kind"]["kind"] == "Deployment")
        #expect(patch["parameters"].items.contains { $0["name"] == "fieldValidation" })
        #expect(!patch["requestBody"]["content"]["application/strategic-merge-patch+json"].isNull)
        let spec = document["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]
        #expect(spec["properties"]["containers"]["x-kubernetes-patch-merge-key"] == "name")
        #expect(OpenAPI.index(.builtIn)["paths"]["apis/apps/v1"]["serverRelativeURL"].string?.contains("hash=") == true)
    }

    @Test func `aggregated discovery lists every group once`() {
        let groups = Discovery.aggregated(.builtIn, core: false, version: "v2")["items"].items
        #expect(Set(groups.map { $0["metadata"]["name"] }).count == groups.count)
        #expect(Discovery.version()["minor"] == "33")
    }
}

/// The fields of a protobuf message whose values have a length.
private struct ProtoFields {
    struct Broken: Error {}
    private var values: [(number: Int, bytes: [UInt8])] = []

    init(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        func varint() throws -> Int {
            var value = 0
            for shift in stride(from: 0, to: 63, by: 7) {
                guard let byte = rest.popFirst() else { throw Broken() }
                value |= Int(byte & 0x7F) << shift
                if byte < 0x80 { return value }
            }
            throw Broken()
        }
        while !rest.isEmpty {
            let key = try varint()
            switch key & 7 {
            case 0: _ = try varint()
            case 2:
                let count = try varint()
                guard count <= rest.count else { throw Broken() }
                values.append((key >> 3, Array(rest.prefix(count))))
                rest = rest.dropFirst(count)
            default: throw Broken()
            }
        }
    }

    func bytes(_ number: Int) -> [[UInt8]] { values.filter { $0.number == number }.map(\.bytes) }
    func texts(_ number: Int) -> [String] { bytes(number).map { String(decoding: $0, as: UTF8.self) } }
}
