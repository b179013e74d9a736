/// A resource without its version: the unit that is stored, watched and granted, such as `deployments.apps`.
package struct GroupResource: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Empty for the core group.
    package let group: String
    /// Plural, lower case: `pods`.
    package let resource: String
    package init(group: String = "", _ resource: String) {
        self.group = group
        self.resource = resource
    }
    package var description: String { group.isEmpty ? resource : "\(resource).\(group)" }
    package static func < (left: Self, right: Self) -> Bool {
        (left.group, left.resource) < (right.group, right.resource)
    }
}

/// The identity of one object: resource, namespace (empty for cluster-scoped kinds) and name.
package struct ObjectKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let resource: GroupResource
    package let namespace: String
    package let name: String
    package init(_ resource: GroupResource, namespace: String = "", name: String) {
        self.resource = resource
        self.namespace = namespace
        self.name = name
    }
    /// `namespace/name`, or `name` alone; as controllers log it.
    package var path: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }
    package var description: String { "\(resource) \(path)" }
    package static func < (left: Self, right: Self) -> Bool {
        (left.resource, left.namespace, left.name) < (right.resource, right.namespace, right.name)
    }
}
