import Shared

/// All resources that the server knows, and the ways to find one. A value: custom resources are added to a copy.
struct Registry: Sendable {
    private(set) var resources: [Resource] = []
    private var byPath: [Path: Int] = [:]
    private var byKind: [Path: Int] = [:]

    private struct Path: Hashable {
        let group: String
        let version: String
        let name: String
    }

    init(_ resources: [Resource]) {
        for resource in resources { add(resource) }
    }

    /// The resources of Kubernetes itself. Source: `assets/api/resources.txt`.
    static let builtIn = Registry(Asset.resources.rows.compactMap(Resource.init(row:)))

    /// Adds a resource, or replaces the one of the same group, version and plural.
    mutating func add(_ resource: Resource) {
        let path = Path(group: resource.group, version: resource.version, name: resource.plural)
        let index = byPath[path] ?? resources.endIndex
        if index == resources.endIndex { resources.append(resource) } else { resources[index] = resource }
        byPath[path] = index
        byKind[Path(group: resource.group, version: resource.version, name: resource.kind)] = index
        for subresource in resource.subresources where subresource.isForeign {
            let path = Path(group: subresource.group, version: subresource.version, name: subresource.kind)
            byKind[path] = byKind[path] ?? index
        }
    }

    /// Removes all versions of a resource.
    mutating func remove(_ resource: GroupResource) {
        self = Registry(resources.filter { $0.groupResource != resource })
    }

    /// The resource behind a path such as `/apis/apps/v1/…/deployments`.
    func resource(group: String, version: String, plural: String) -> Resource? {
        byPath[Path(group: group, version: version, name: plural)].map { resources[$0] }
    }
    /// The resource whose objects are of this kind; the first version of the group when `version` is nil.
    func resource(group: String, version: String? = nil, kind: String) -> Resource? {
        if let version { return byKind[Path(group: group, version: version, name: kind)].map { resources[$0] } }
        return resources.first { $0.group == group && $0.kind == kind }
    }
    /// The resource in the preferred version of its group.
    func resource(_ resource: GroupResource) -> Resource? {
        for version in versions(of: resource.group) {
            if let found = self.resource(group: resource.group, version: version, plural: resource.resource) {
                return found
            }
        }
        return nil
    }
    /// The resource that a user means by a plural, singular, short name or lower-case kind; core resources win.
    func resource(named name: String) -> Resource? {
        resources.first { $0.plural == name || $0.singular == name }
            ?? resources.first { $0.shortNames.contains(name) || $0.kind.lowercased() == name }
    }

    /// The groups with their versions, preferred version first; the core group is the empty name.
    var groups: [(name: String, versions: [String])] {
        var names: [String] = []
        for resource in resources where !names.contains(resource.group) { names.append(resource.group) }
        return names.map { ($0, versions(of: $0)) }
    }

    /// The versions of a group, preferred first: stable before beta before alpha, then the higher number.
    /// Source: apimachinery `version.CompareKubeAwareVersionStrings`.
    func versions(of group: String) -> [String] {
        var versions: [String] = []
        for resource in resources where resource.group == group && !versions.contains(resource.version) {
            versions.append(resource.version)
        }
        return versions.sorted { VersionRank($0) > VersionRank($1) }
    }

    /// All resources of one group and version, in the order of their names.
    func resources(group: String, version: String) -> [Resource] {
        resources.filter { $0.group == group && $0.version == version }.sorted { $0.plural < $1.plural }
    }
}

/// How a version such as `v1beta2` compares to others.
struct VersionRank: Comparable {
    /// 3 stable, 2 beta, 1 alpha, 0 not a version of Kubernetes's form.
    private let stage: Int
    private let major: Int
    private let minor: Int
    private let text: String

    init(_ text: String) {
        self.text = text
        var rest = text.dropFirst()
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        rest = rest.dropFirst(digits.count)
        guard text.first == "v", let major = Int(digits) else {
            (stage, major, minor) = (0, 0, 0)
            return
        }
        self.major = major
        if rest.isEmpty {
            (stage, minor) = (3, 0)
        } else if rest.hasPrefix("beta"), let number = Int(rest.dropFirst(4)) {
            (stage, minor) = (2, number)
        } else if rest.hasPrefix("alpha"), let number = Int(rest.dropFirst(5)) {
            (stage, minor) = (1, number)
        } else {
            (stage, minor) = (0, 0)
        }
    }

    static func < (left: VersionRank, right: VersionRank) -> Bool {
        if left.stage == 0, right.stage == 0 { return left.text > right.text }
        return (left.stage, left.major, left.minor) < (right.stage, right.major, right.minor)
    }
}
