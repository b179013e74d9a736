import Shared

/// One object that a command is about.
struct Target: Hashable, Sendable {
    let resource: Resource
    let key: Item.Key
    let uid: String

    /// `pod web-1`.
    var text: String { "\(resource.type.kind.lowercased()) \(key.name)" }
    func path(_ subresource: String? = nil) -> String {
        resource.type.path(
            namespace: key.namespace, name: URLText.encode(key.name), subresource: subresource)
    }
}
