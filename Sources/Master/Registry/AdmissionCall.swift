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
    /// The object as it will be written; mutating plugins may change it.
    var object: JSON
    /// `metav1.CreateOptions`, `UpdateOptions` or `DeleteOptions` of the request, as webhooks are shown them.
    var options: JSON = .null
    /// Texts for the writer's `Warning` headers.
    var warnings: [String] = []
    /// What is to be checked when the object is written.
    var checks: [any AdmissionCheck] = []

    /// True for `resource` of `group` itself, not for its subresources.
    func concerns(_ resource: String, group: String = "") -> Bool {
        self.resource.plural == resource && self.resource.group == group && subresource.isEmpty
    }

    /// The refusal of this call: 403 with the resource and the name of the object.
    func forbidden(_ why: String) -> Status {
        let name = self.name.isEmpty ? Object(object).metadata.generateName : self.name
        return Status.forbidden(resource.groupResource, name, why)
    }
}

/// What must hold exactly, whoever else writes at the same time: it runs inside the transaction of the write, before the
/// object is written, sees the state with all earlier writes, and may change other objects.
protocol AdmissionCheck: Sendable {
    func check(_ transaction: inout Transaction) throws(Status)
}

/// The stage that may change or refuse what is about to be written; the registry asks it in the middle of each write.
protocol AdmissionStage: Sendable {
    /// Lets it change the call's object.
    func mutate(_ call: inout AdmissionCall) async throws(Status)
    /// Asks whether the call's object may be stored as it is.
    func validate(_ call: inout AdmissionCall) async throws(Status)
}
