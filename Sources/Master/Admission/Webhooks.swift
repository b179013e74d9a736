import Shared

/// The admission webhooks that users of the cluster have installed: asks them in order, or all at once when they only
/// judge. Source: apiserver `admission/plugin/webhook/{mutating,validating}/dispatcher.go`.
struct Webhooks: Sendable {
    /// The stored objects of a resource, sorted by name.
    let list: @Sendable (GroupResource) -> [JSON]
    /// The stored namespace.
    let namespace: @Sendable (String) -> JSON?
    /// Other versions in which the objects of a resource are the same but for the version's name.
    let versions: @Sendable (Resource) -> [Resource]
    /// Brings what a webhook has made of an object into the form in which objects are kept.
    let normalize: @Sendable (JSON, Resource) throws(Status) -> JSON
    let caller: WebhookCaller

    private static let group = "admissionregistration.k8s.io"
    private static let mutating = GroupResource(group: group, "mutatingwebhookconfigurations")
    private static let validating = GroupResource(group: group, "validatingwebhookconfigurations")

    /// What happened in the rounds of one request. A webhook that wants it is asked once more when others have changed
    /// the object after it.
    struct Round: Sendable {
        fileprivate var isSecond = false
        fileprivate var invoked: Set<Webhook.Key> = []
        fileprivate var required: Set<Webhook.Key> = []
        /// Whether any webhook has changed the object.
        fileprivate(set) var hasChanged = false

        /// Something else has changed the object: all that have been asked want to see it.
        mutating func requireAll() { required.formUnion(invoked) }
        fileprivate mutating func changed(by key: Webhook.Key) {
            hasChanged = true
            required.formUnion(invoked.subtracting([key]))
        }
    }

    func mutate(_ call: inout AdmissionCall, _ round: inout Round) async throws(Status) {
        let hooks = hooks(Webhooks.mutating)
        guard !hooks.isEmpty else { return }
        let (labels, versions) = (namespaceLabels(call), versions(call.resource))
        for hook in hooks {
            if round.isSecond, !round.required.contains(hook.key) { continue }
            guard let target = hook.target(call, namespaceLabels: labels, versions: versions) else { continue }
            try refuseDryRun(hook, call)
            let verdict = try await ask(hook, call, target)
            guard let verdict else { continue }
            call.warnings += verdict.warnings
            guard verdict.isAllowed else { throw AdmissionReview.refusal(verdict, by: hook.name) }
            if try apply(verdict.patch, to: &call, target) { round.changed(by: hook.key) }
            if hook.isReinvoked, !round.isSecond { round.invoked.insert(hook.key) }
        }
        round.isSecond = true
    }

    func validate(_ call: inout AdmissionCall) async throws(Status) {
        let hooks = hooks(Webhooks.validating)
        guard !hooks.isEmpty else { return }
        let (labels, versions) = (namespaceLabels(call), versions(call.resource))
        var asked: [(Webhook, Resource)] = []
        for hook in hooks {
            guard let target = hook.target(call, namespaceLabels: labels, versions: versions) else { continue }
            try refuseDryRun(hook, call)
            asked.append((hook, target))
        }
        guard !asked.isEmpty else { return }
        let question = call
        let answers = await withTaskGroup(of: (Int, Result<AdmissionReview.Verdict?, Status>).self) { group in
            for (index, (hook, target)) in asked.enumerated() {
                group.addTask {
                    do throws(Status) {
                        return (index, .success(try await ask(hook, question, target)))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            var answers = [Result<AdmissionReview.Verdict?, Status>](repeating: .success(nil), count: asked.count)
            for await (index, answer) in group { answers[index] = answer }
            return answers
        }
        for (index, answer) in answers.enumerated() {
            guard let verdict = try answer.get() else { continue }
            call.warnings += verdict.warnings
            guard verdict.isAllowed else { throw AdmissionReview.refusal(verdict, by: asked[index].0.name) }
        }
    }

    private func hooks(_ resource: GroupResource) -> [Webhook] {
        list(resource).flatMap { configuration in
            let name = configuration["metadata"]["name"].string ?? ""
            return configuration["webhooks"].items.map { Webhook($0, configuration: name) }
        }
    }

    /// The labels by which webhooks choose namespaces; nil for objects outside of any.
    private func namespaceLabels(_ call: AdmissionCall) -> [String: String]? {
        if call.resource.groupResource == Namespace.type.resource {
            let object = call.object.isNull ? call.old : call.object
            return object["metadata"]["labels"].strings
        }
        guard !call.namespace.isEmpty else { return nil }
        return namespace(call.namespace)?["metadata"]["labels"].strings ?? [:]
    }

    private func refuseDryRun(_ hook: Webhook, _ call: AdmissionCall) throws(Status) {
        guard call.isDryRun, hook.hasSideEffects else { return }
        throw Status(.badRequest, "admission webhook \"\(hook.name)\" does not support dry run")
    }

    /// The verdict of a webhook; nil when it could not be had and the webhook's owner does not mind.
    private func ask(_ hook: Webhook, _ call: AdmissionCall, _ target: Resource) async throws(Status)
        -> AdmissionReview.Verdict?
    {
        var generator = SystemRandomNumberGenerator()
        let uid = RandomNames.uid(using: &generator)
        let review = AdmissionReview.request(call, uid: uid, target: target, version: hook.reviewVersion)
        let problem: String
        do {
            let answer = try await caller.post(review, to: hook)
            return try AdmissionReview.verdict(answer, uid: uid, version: hook.reviewVersion)
        } catch {
            problem = "\(error)"
        }
        if hook.failsOpen { return nil }
        let why = "failed calling webhook \"\(hook.name)\": failed to call webhook: \(problem)"
        throw Status.internalError(why)
    }

    /// Changes the call's object; false when the patch changes nothing.
    private func apply(_ patch: JSON, to call: inout AdmissionCall, _ target: Resource) throws(Status) -> Bool {
        guard !patch.isNull, !patch.items.isEmpty else { return false }
        let patched: JSON
        do throws(Status) {
            patched = try JSONPatch.apply(patch, to: AdmissionReview.converted(call.object, to: target))
        } catch {
            throw Status.internalError(error.message)
        }
        let object = try normalize(AdmissionReview.converted(patched, to: call.resource), call.resource)
        guard object != call.object else { return false }
        call.object = object
        return true
    }
}
