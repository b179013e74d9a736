import Shared

/// What is about to be written, as admission sees it. Source: apiserver `admission.Attributes`.
struct AdmissionCall: Sendable {
    enum Operation: String, Sendable {
        case create = "CREATE", update = "UPDATE", delete = "DELETE", connect = "CONNECT"
    }

    let operation: Operation
    let resource: Resource
    let subresource: String
    let namespace: String
    let name: String
    let user: User
    let isDryRun: Bool
    /// The object before the change; null on creation.
    let old: JSON
    /// The object as it will be written; plugins may change it.
    var object: JSON

    /// True for `resource` of `group` itself, not for its subresources.
    func concerns(_ resource: String, group: String = "") -> Bool {
        self.resource.plural == resource && self.resource.group == group && subresource.isEmpty
    }
}

/// A named step that may change or refuse what is about to be written. It reads the cluster through closures that it
/// was made with, and keeps nothing.
struct AdmissionPlugin: Sendable {
    let name: String
    let admit: @Sendable (inout AdmissionCall) throws(Status) -> Void
}

/// The stage between authorization and the registry: all plugins in their order.
struct Admission: Sendable {
    let plugins: [AdmissionPlugin]

    func callAsFunction(_ call: inout AdmissionCall) throws(Status) {
        for plugin in plugins { try plugin.admit(&call) }
    }
}
