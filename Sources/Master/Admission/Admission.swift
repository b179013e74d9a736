import Shared

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
struct Admission: AdmissionStage {
    private let mutating: [AdmissionPlugin]
    private let validating: [AdmissionPlugin]
    private let webhooks: Webhooks?

    init(plugins: [AdmissionPlugin], webhooks: Webhooks? = nil) {
        mutating = plugins.filter { $0.phase == .mutating }
        validating = plugins.filter { $0.phase == .validating }
        self.webhooks = webhooks
    }

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

    func validate(_ call: inout AdmissionCall) async throws(Status) {
        let object = call.object
        for plugin in validating { try await plugin.admit(&call) }
        call.object = object
        try await webhooks?.validate(&call)
    }
}
