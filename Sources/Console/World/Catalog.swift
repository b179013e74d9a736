import Shared

/// Everything the server lists, and how words find it.
struct Catalog: Equatable, Sendable {
    var resources: [Resource] = Resource.known
    var isComplete = false

    /// The resource that a word names: plural, singular, short name, kind, `plural.group`. Core groups win.
    func find(_ word: String) -> Resource? {
        let word = word.lowercased()
        if let exact = resources.first(where: { $0.words.contains(word) }) { return exact }
        if let extra = Catalog.aliases[word] { return find(extra) }
        return resources.first { $0.type.resource.description == word || word == "\($0.singular).\($0.type.group)" }
    }
    func find(kind: String, group: String) -> Resource? {
        resources.first { $0.type.kind == kind && $0.type.group == group }
    }

    /// Words that start like `prefix`, best first.
    func completions(of prefix: String) -> [String] {
        let prefix = prefix.lowercased()
        return resources.filter { $0.verbs.contains("list") }.flatMap {
            $0.words.filter { $0.hasPrefix(prefix) }.prefix(1)
        }
        .uniqued().sorted { ($0.count, $0) < ($1.count, $1) }
    }

    /// Names that a mistyped word may have meant.
    func near(_ word: String) -> [String] {
        resources.map { resource in
            (resource.plural, resource.words.map { Catalog.distance(word.lowercased(), $0) }.min() ?? 99)
        }
        .filter { $0.1 <= max(1, word.count / 3) }.sorted { ($0.1, $0.0) < ($1.1, $1.0) }.map(\.0).uniqued()
    }

    /// Names of k9s that are no names of the API.
    private static let aliases = [
        "po": "pods", "no": "nodes", "dp": "deployments", "sec": "secrets", "jo": "jobs", "ro": "roles",
        "rb": "rolebindings", "cr": "clusterroles", "crb": "clusterrolebindings", "np": "networkpolicies",
    ]

    /// Changes of one character that turn one word into the other (swaps of neighbours count once).
    static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.utf8.prefix(64))
        let right = Array(right.utf8.prefix(64))
        var before: [Int] = []
        var previous = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                let same = left[row] == right[column]
                var best = min(previous[column] + (same ? 0 : 1), previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, before[column - 1] + 1)
                }
                current.append(best)
            }
            before = previous
            previous = current
        }
        return previous[right.count]
    }
}
