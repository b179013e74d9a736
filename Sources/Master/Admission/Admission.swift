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

/// A named step that may change or refuse what is about to be written. It reads the cluster through closures that it
/// was made with, and keeps nothing.
struct AdmissionPlugin: Sendable {
    /// Mutating plugins run first, before the object is validated; validating ones see what will be stored.
    enum Phase: Sendable { case mutating, validating }
    typealias Admit = @Sendable (inout AdmissionCall) async throws(Status) -> Void

    let name: String
    let phase: Phase
    let admit: Admit

    init(name: String, phase: Phase = .mutating, admit: @escaping Admit) {
        self.name = name
        self.phase = phase
        self.admit = admit
    }
}

/// The stage between authorization and the registry: all plugins in their order, then the webhooks that the cluster's
/// users have installed. Source: apiserver `admission/chain.go`, KEP "mutating admission webhooks: reinvocation".
struct Admission: Sendable {
    private let mutating: [AdmissionPlugin]
    private let validating: [AdmissionPlugin]
    private let webhooks: Webhooks?

    init(plugins: [AdmissionPlugin], webhooks: Webhooks? = nil) {
        mutating = plugins.filter { $0.phase == .mutating }
        validating = plugins.filter { $0.phase == .validating }
        self.webhooks = webhooks
    }

    /// Lets plugins and webhooks change the call's object.
    func mutate(_ call: inout AdmissionCall) async throws(Status) {
        for plugin in mutating { try await plugin.admit(&call) }
        guard let webhooks else { return }
        var round = Webhooks.Round()
        try await webhooks.mutate(&call, &round)
        guard round.hasChanged else { return }
        // What a webhook has written may need what the plugins fill in, and webhooks may want to see each other's work.
        let before = call.object
        for plugin in mutating { try await plugin.admit(&call) }
        if call.object != before { round.requireAll() }
        try await webhooks.mutate(&call, &round)
    }

    /// Asks whether the call's object may be stored as it is.
    func validate(_ call: inout AdmissionCall) async throws(Status) {
        let object = call.object
        for plugin in validating { try await plugin.admit(&call) }
        call.object = object
        try await webhooks?.validate(&call)
    }
}
