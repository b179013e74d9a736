import Shared

/// A kind of object that the server serves, with the words that name it.
struct ServedResource: Hashable, Sendable {
    let type: KindType
    let singular: String
    let shortNames: [String]
    let categories: [String]
    let verbs: [String]
    let subresources: [String]

    /// `deployment.apps`, or `pod`: as kubectl names kinds in its answers.
    var title: String {
        let name = singular.isEmpty ? type.kind.lowercased() : singular
        return type.group.isEmpty ? name : "\(name).\(type.group)"
    }
    func path(_ namespace: String, _ name: String? = nil, subresource: String? = nil) -> String {
        type.path(
            namespace: type.isNamespaced ? URLText.encode(namespace) : "", name: name.map(URLText.encode),
            subresource: subresource)
    }
}

/// All kinds that a server serves, found by the words that users type. Pure but for `load`.
struct ServedResources: Sendable {
    let all: [ServedResource]

    /// The kind that a word names: plural, singular, short name or kind, with a group and a version behind a dot if
    /// wanted (`deployments.v1.apps`). The core group comes first, then apps and batch.
    func find(_ word: String) -> ServedResource? {
        let word = word.lowercased()
        if let found = match(word, group: nil, version: nil) { return found }
        guard let dot = word.firstIndex(of: ".") else { return nil }
        let name = String(word[..<dot])
        let rest = String(word[word.index(after: dot)...])
        if let found = match(name, group: rest, version: nil) { return found }
        let parts = rest.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        return match(name, group: parts.count == 2 ? String(parts[1]) : "", version: String(parts[0]))
    }

    private func match(_ name: String, group: String?, version: String?) -> ServedResource? {
        let fitting = all.filter {
            (group == nil || $0.type.group == group) && (version == nil || $0.type.version == version)
        }
        return fitting.first { $0.type.plural == name } ?? fitting.first { $0.singular == name }
            ?? fitting.first { $0.shortNames.contains(name) } ?? fitting.first { $0.type.kind.lowercased() == name }
    }

    func find(kind: String, apiVersion: String) -> ServedResource? {
        all.first { $0.type.kind == kind && $0.type.apiVersion == apiVersion }
    }

    /// All kinds of a category, such as `all`.
    func category(_ name: String) -> [ServedResource] { all.filter { $0.categories.contains(name.lowercased()) } }

    /// - Throws: a sentence with the nearest known words.
    func require(_ word: String) throws(Failure) -> ServedResource {
        if let found = find(word) { return found }
        let words = all.flatMap { [$0.type.plural, $0.singular] + $0.shortNames }.filter { !$0.isEmpty }
        let near = NearMatches.of(word, among: words)
        let hint =
            near.isEmpty ? "kconsole api-resources lists all" : "did you mean \(near.joined(separator: " or "))?"
        throw Failure("error: the server doesn't have a resource type \"\(word)\"; \(hint)")
    }
}

extension ServedResources {
    private static let accept =
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"

    /// Asks the server: two requests where it answers with aggregated discovery, else one for each group.
    static func load(_ client: Client) async throws -> ServedResources {
        let core = try await client.call("GET", "/api", accept: accept)
        let groups = try await client.call("GET", "/apis", accept: accept)
        guard core["kind"].string == "APIGroupDiscoveryList", groups["kind"].string == "APIGroupDiscoveryList" else {
            return try await loadPlain(client, groups)
        }
        return ServedResources(all: (core["items"].items + groups["items"].items).flatMap(aggregated).inOrder)
    }

    static func aggregated(_ item: JSON) -> [ServedResource] {
        let group = item.at("metadata", "name").string ?? ""
        return item["versions"].items.flatMap { version in
            version["resources"].items.compactMap { entry in
                guard let plural = entry["resource"].string, let kind = entry.at("responseKind", "kind").string else {
                    return nil
                }
                let type = KindType(
                    group: group, version: version["version"].string ?? "", kind: kind, plural: plural,
                    isNamespaced: entry["scope"].string == "Namespaced")
                return ServedResource(
                    type: type, singular: entry["singularResource"].string ?? "",
                    shortNames: entry["shortNames"].items.compactMap(\.string),
                    categories: entry["categories"].items.compactMap(\.string),
                    verbs: entry["verbs"].items.compactMap(\.string),
                    subresources: entry["subresources"].items.compactMap { $0["subresource"].string })
            }
        }
    }

    private static func loadPlain(_ client: Client, _ groups: JSON) async throws -> ServedResources {
        var found = plain(try await client.call("GET", "/api/v1"), group: "", version: "v1")
        for group in groups["groups"].items.prefix(500) {
            let name = group["name"].string ?? ""
            for version in group["versions"].items.compactMap({ $0["version"].string }) {
                // A group whose server is away must not hide the others.
                guard let list = try? await client.call("GET", "/apis/\(name)/\(version)") else { continue }
                found += plain(list, group: name, version: version)
            }
        }
        return ServedResources(all: found.inOrder)
    }

    static func plain(_ list: JSON, group: String, version: String) -> [ServedResource] {
        let entries = list["resources"].items
        return entries.compactMap { entry in
            guard let plural = entry["name"].string, !plural.contains("/"), let kind = entry["kind"].string else {
                return nil
            }
            let parts = entries.compactMap { $0["name"].string }.filter { $0.hasPrefix(plural + "/") }
            return ServedResource(
                type: KindType(
                    group: group, version: version, kind: kind, plural: plural,
                    isNamespaced: entry["namespaced"].bool ?? false), singular: entry["singularName"].string ?? "",
                shortNames: entry["shortNames"].items.compactMap(\.string),
                categories: entry["categories"].items.compactMap(\.string),
                verbs: entry["verbs"].items.compactMap(\.string),
                subresources: parts.map { String($0.dropFirst(plural.count + 1)) })
        }
    }
}

extension [ServedResource] {
    /// The core group, then apps and batch, then the others as the server lists them.
    fileprivate var inOrder: [ServedResource] {
        let first = ["", "apps", "batch"]
        return first.flatMap { group in filter { $0.type.group == group } } + filter { !first.contains($0.type.group) }
    }
}
