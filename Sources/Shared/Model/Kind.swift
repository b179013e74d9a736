/// What the wire calls a kind: group, version, kind, the plural in its paths, and its scope.
package struct KindType: Hashable, Sendable {
    package let group: String
    package let version: String
    package let kind: String
    package let plural: String
    package let isNamespaced: Bool

    package init(group: String, version: String, kind: String, plural: String, isNamespaced: Bool = true) {
        self.group = group
        self.version = version
        self.kind = kind
        self.plural = plural
        self.isNamespaced = isNamespaced
    }

    package var resource: GroupResource { GroupResource(group: group, plural) }
    /// `v1`, or `apps/v1`.
    package var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }
    /// `/api/v1` or `/apis/apps/v1`.
    package var root: String { group.isEmpty ? "/api/\(version)" : "/apis/\(group)/\(version)" }
    /// The path of the collection, or of one object, or of its subresource.
    package func path(namespace: String = "", name: String? = nil, subresource: String? = nil) -> String {
        var path = root
        if isNamespaced, !namespace.isEmpty { path += "/namespaces/\(namespace)" }
        path += "/\(plural)"
        if let name { path += "/\(name)" }
        if let subresource { path += "/\(subresource)" }
        return path
    }
}

/// A typed window onto a JSON value: reading looks members up, writing changes the value in place, and everything
/// that the window does not know stays as it was.
package protocol View: Sendable, Hashable {
    var json: JSON { get set }
    init(_ json: JSON)
}

/// A top-level object of the API: it has a type, and metadata like any object.
package protocol Kind: View {
    static var type: KindType { get }
}

extension Kind {
    /// A new object of this kind with `apiVersion`, `kind` and a name.
    package init(name: String, namespace: String = "") {
        self.init(["apiVersion": .string(Self.type.apiVersion), "kind": .string(Self.type.kind), "metadata": [:]])
        metadata.name = name
        if !namespace.isEmpty { metadata.namespace = namespace }
    }
    package var metadata: ObjectMeta {
        get { ObjectMeta(json["metadata"]) }
        set { json["metadata"] = newValue.json }
        _modify {
            var view = ObjectMeta(json["metadata"])
            json["metadata"] = .null
            defer { json["metadata"] = view.json }
            yield &view
        }
    }
    package var name: String { metadata.name }
    package var namespace: String { metadata.namespace }
    package var key: ObjectKey { ObjectKey(Self.type.resource, namespace: namespace, name: name) }
}

extension View {
    // What the accessors of the kinds are made of. Setting nil removes the member.

    package func text(_ key: String) -> String { json[key].string ?? "" }
    package mutating func setText(_ key: String, _ value: String) {
        json.set(key, value.isEmpty ? nil : .string(value))
    }
    package func view<V: View>(_ key: String) -> V { V(json[key]) }
    package func optional<V: View>(_ key: String) -> V? { json[key].isNull ? nil : V(json[key]) }
    package func views<V: View>(_ key: String) -> [V] { json[key].items.map { V($0) } }
    package mutating func setViews(_ key: String, _ values: [some View]) { json[key] = .array(values.map(\.json)) }
    package func time(_ key: String) -> Timestamp? { json[key].string.flatMap { Timestamp(rfc3339: $0) } }
    package mutating func setTime(_ key: String, _ value: Timestamp?) {
        json.set(key, value.map { .string($0.rfc3339) })
    }
}

/// Any object of the API, whatever its kind.
package struct Object: View {
    package var json: JSON
    package init(_ json: JSON) { self.json = json }

    package var apiVersion: String { text("apiVersion") }
    package var kind: String { text("kind") }
    package var metadata: ObjectMeta {
        get { view("metadata") }
        set { json["metadata"] = newValue.json }
    }
    package var name: String { metadata.name }
    package var namespace: String { metadata.namespace }
    /// The group part of `apiVersion`; empty for the core group.
    package var group: String {
        apiVersion.split(separator: "/").count == 2 ? String(apiVersion.split(separator: "/")[0]) : ""
    }
}
