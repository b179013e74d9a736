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
                for key in ["kind", "namespaced", "verbs", "shortNames", "categories", "group", "version"]
                where entry[key] != wanted[key] {
                    misses.append("\(key) \(entry[key].encodedText) want \(wanted[key].encodedText)")
                }
                rate.note(groupVersion, misses.isEmpty, "\(groupVersion) \(name): \(misses)")
            }
        }
        print("discovery:\n\(rate.summary)\n" + rate.failures.joined(separator: "\n"))
        #expect(rate.share > 0.85)
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
