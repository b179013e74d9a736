import Shared

/// The documents by which clients learn what the server offers. Source: apimachinery `APIResourceList`, KEP-3352.
enum Discovery {
    /// `/api`. `serverAddress` is `host:port`, as the client reaches it.
    static func coreVersions(serverAddress: String) -> JSON {
        [
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [["clientCIDR": "0.0.0.0/0", "serverAddress": .string(serverAddress)]],
        ]
    }

    /// `/apis`.
    static func groupList(_ registry: Registry) -> JSON {
        let groups = registry.groups.filter { !$0.name.isEmpty }.map { group($0.name, $0.versions) }
        return ["kind": "APIGroupList", "apiVersion": "v1", "groups": .array(groups)]
    }

    /// `/apis/GROUP`; nil when there is no such group.
    static func group(_ name: String, _ registry: Registry) -> JSON? {
        let versions = registry.versions(of: name)
        guard !name.isEmpty, !versions.isEmpty else { return nil }
        var members = JSON.Members([("kind", "APIGroup"), ("apiVersion", "v1")])
        for (key, value) in group(name, versions).members { members.append(key, value) }
        return .object(members)
    }

    private static func group(_ name: String, _ versions: [String]) -> JSON {
        let list = versions.map { version -> JSON in
            ["groupVersion": .string("\(name)/\(version)"), "version": .string(version)]
        }
        return ["name": .string(name), "versions": .array(list), "preferredVersion": list.first ?? [:]]
    }

    /// `/api/v1`, `/apis/GROUP/VERSION`; nil when the group has no such version.
    static func resourceList(group: String, version: String, _ registry: Registry) -> JSON? {
        let resources = registry.resources(group: group, version: version)
        guard !resources.isEmpty else { return nil }
        var list: [JSON] = []
        for resource in resources {
            list.append(entry(resource))
            list += resource.subresources.sorted { $0.name < $1.name }.flatMap { entries($0, of: resource) }
        }
        var members = JSON.Members([("kind", "APIResourceList")])
        if !group.isEmpty { members.append("apiVersion", "v1") }
        members.append("groupVersion", .string(resources[0].apiVersion))
        members.append("resources", .array(list))
        return .object(members)
    }

    private static func entry(_ resource: Resource) -> JSON {
        var entry: JSON = [
            "name": .string(resource.plural), "singularName": .string(resource.singular),
            "namespaced": .bool(resource.isNamespaced), "kind": .string(resource.kind), "verbs": JSON(resource.verbs),
        ]
        if !resource.shortNames.isEmpty { entry["shortNames"] = JSON(resource.shortNames) }
        if !resource.categories.isEmpty { entry["categories"] = JSON(resource.categories) }
        if resource.isStored {
            entry["storageVersionHash"] = .string(
                storageHash("\(resource.group)/\(resource.version)/\(resource.kind)"))
        }
        return entry
    }

    private static func entries(_ subresource: Resource.Subresource, of resource: Resource) -> [JSON] {
        var entry: JSON = [
            "name": .string("\(resource.plural)/\(subresource.name)"), "singularName": "",
            "namespaced": .bool(resource.isNamespaced),
        ]
        if subresource.isForeign {
            if !subresource.group.isEmpty { entry["group"] = .string(subresource.group) }
            if !subresource.group.isEmpty || subresource.version != resource.version {
                entry["version"] = .string(subresource.version)
            }
        }
        entry["kind"] = .string(subresource.kind)
        entry["verbs"] = JSON(subresource.verbs)
        return [entry]
    }

    /// `/api` (`core`) and `/apis` in the aggregated form. `version` is `v2` or `v2beta1`.
    static func aggregated(_ registry: Registry, core: Bool, version: String) -> JSON {
        var items: [JSON] = []
        for group in registry.groups where group.name.isEmpty == core {
            let versions = group.versions.map { groupVersion -> JSON in
                let resources = registry.resources(group: group.name, version: groupVersion)
                return [
                    "version": .string(groupVersion), "resources": .array(resources.map { aggregated($0) }),
                    "freshness": "Current",
                ]
            }
            let metadata: JSON = group.name.isEmpty ? [:] : ["name": .string(group.name)]
            items.append(["metadata": metadata, "versions": .array(versions)])
        }
        return [
            "kind": "APIGroupDiscoveryList", "apiVersion": .string("apidiscovery.k8s.io/\(version)"), "metadata": [:],
            "items": .array(items),
        ]
    }

    private static func aggregated(_ resource: Resource) -> JSON {
        func responseKind(_ group: String, _ version: String, _ kind: String) -> JSON {
            ["group": .string(group), "version": .string(version), "kind": .string(kind)]
        }
        var entry: JSON = [
            "resource": .string(resource.plural),
            "responseKind": responseKind(resource.group, resource.version, resource.kind),
            "scope": resource.isNamespaced ? "Namespaced" : "Cluster",
            "singularResource": .string(resource.singular), "verbs": JSON(resource.verbs),
        ]
        if !resource.shortNames.isEmpty { entry["shortNames"] = JSON(resource.shortNames) }
        if !resource.categories.isEmpty { entry["categories"] = JSON(resource.categories) }
        let subresources = resource.subresources.sorted { $0.name < $1.name }.map { subresource -> JSON in
            [
                "subresource": .string(subresource.name),
                "responseKind": responseKind(subresource.group, subresource.version, subresource.kind),
                "verbs": JSON(subresource.verbs),
            ]
        }
        if !subresources.isEmpty { entry["subresources"] = .array(subresources) }
        return entry
    }

    /// `/version`. The numbers are Kubernetes's: clients decide by them what they may ask for.
    static func version() -> JSON {
        let parts = Version.kubernetes.drop { $0 == "v" }.split(separator: ".")
        return [
            "major": .string(String(parts.first ?? "")), "minor": .string(String(parts.dropFirst().first ?? "")),
            "gitVersion": .string(Version.kubernetes), "gitCommit": "", "gitTreeState": "clean", "buildDate": "",
            "goVersion": "", "compiler": "swiftc", "platform": .string("linux/\(architecture)"),
        ]
    }

    private static var architecture: String {
        #if arch(arm64)
            "arm64"
        #else
            "amd64"
        #endif
    }

    /// An entity tag for the bytes of a document: equal bytes, equal tag. Not for secrets.
    static func entityTag(_ bytes: some Sequence<UInt8>) -> String {
        let first = fingerprint(bytes, seed: 0xcbf2_9ce4_8422_2325)
        let second = fingerprint(bytes, seed: 0x9e37_79b9_7f4a_7c15)
        return hex(first) + hex(second)
    }

    private static func storageHash(_ text: String) -> String {
        let hash = fingerprint(text.utf8, seed: 0xcbf2_9ce4_8422_2325)
        return Base64.encode((0..<8).map { UInt8(truncatingIfNeeded: hash >> (56 - 8 * $0)) })
    }

    /// FNV-1a, 64 bits.
    private static func fingerprint(_ bytes: some Sequence<UInt8>, seed: UInt64) -> UInt64 {
        var hash = seed
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash
    }
    private static func hex(_ number: UInt64) -> String {
        let digits = String(number, radix: 16, uppercase: true)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
