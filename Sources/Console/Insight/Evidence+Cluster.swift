import Shared

extension Evidence {
    func node(_ target: Target) -> Why {
        guard let item = world.nodes[target.key], let facts = item.node else {
            return Why(target: target, headline: "has left the cluster", tone: .warn)
        }
        let pods = world.pods(of: target).filter { $0.pod?.health != .finished }
        var why = Why(
            target: target, headline: facts.status,
            tone: !facts.isReady ? .bad : facts.isCordoned || !facts.why.isEmpty ? .warn : .good)
        if !facts.isReady {
            why.chain.append(
                Why.Fact(
                    tone: .bad, text: facts.why.isEmpty ? "its agent does not report that it is ready" : facts.why,
                    source: "condition", time: facts.since, target: target))
            why.chain.append(
                Why.Fact(
                    tone: .warn,
                    text:
                        "\(TextFit.count(pods.count, "pod")) there can not be seen; copies start elsewhere after a grace time",
                    source: "pods", target: target))
            why.chain += endpoints(pods)
            why.advice = [
                world.abilities.killNode
                    ? "kconsole node list tells whether the machine is on; kconsole node start \(item.name) switches it on"
                    : "see whether the machine is on, its agent runs, and it reaches the API server"
            ]
        } else if !facts.why.isEmpty {
            why.chain.append(
                Why.Fact(
                    tone: .bad, text: "it is short of something: \(facts.why)", source: "condition", time: facts.since,
                    target: target))
            let evicted = pods.filter { $0.pod?.status == "Evicted" }
            if !evicted.isEmpty {
                why.chain.append(
                    Why.Fact(tone: .warn, text: "\(TextFit.count(evicted.count, "pod")) had to leave", source: "pods"))
            }
            why.advice = ["free what it is short of, or move pods away with drain"]
        }
        if facts.isCordoned {
            why.also.append(
                Why.Fact(tone: .warn, text: "it is cordoned: no new pod comes here", source: "spec", target: target))
            if facts.isReady { why.advice.append("u lets it take pods again") }
        }
        for group in groups(pods) where group.cause.root?.key != target.key {
            why.also.append(
                Why.Fact(
                    tone: .warn,
                    text: "\(TextFit.count(group.pods.count, "pod")): \(group.cause.what), \(group.cause.brief)",
                    source: "pod", target: group.pods.first.map { self.target($0, .pods) }))
        }
        return why
    }

    func claim(_ target: Target) -> Why {
        guard let item = world.feed(.all(.claims)).items[target.key], let facts = item.claim else {
            return Why(target: target, headline: "is not there, or not read yet", tone: .faint)
        }
        var why = Why(
            target: target, headline: facts.phase,
            tone: facts.phase == "Bound" ? .good : facts.phase == "Lost" ? .bad : .warn)
        switch facts.phase {
        case "Bound": break
        case "Lost":
            why.chain.append(
                Why.Fact(
                    tone: .bad, text: "its volume \(facts.volume) is gone, and the data with it", source: "status",
                    target: target))
        default:
            let event = events(
                "PersistentVolumeClaim", item.key,
                [
                    "ProvisioningFailed", "FailedBinding", "WaitForFirstConsumer", "ExternalProvisioning",
                    "WaitForPodScheduled",
                ]
            ).first
            let plain = Evidence.claimCause(facts, event)
            why.chain.append(
                Why.Fact(
                    tone: plain.isNormal ? .busy : .bad, text: plain.text, source: event == nil ? "spec" : "event",
                    time: event?.last, target: target, isCertain: event != nil))
            why.chain.append(
                Why.Fact(
                    tone: .warn, text: "claim \(item.name) waits for a volume of \(facts.size)", source: "status",
                    target: target))
            if !plain.advice.isEmpty { why.advice.append(plain.advice) }
        }
        if item.deleting != nil {
            why.also.append(
                Why.Fact(
                    tone: .warn, text: "it is being deleted, held by \(Words.list(item.finalizers, "finalizer"))",
                    source: "metadata",
                    target: target))
        }
        return why
    }

    static func claimCause(_ facts: ClaimFacts, _ event: EventFacts?) -> (text: String, advice: String, isNormal: Bool)
    {
        let storageClass = facts.storageClass ?? ""
        guard let event else {
            return (
                storageClass.isEmpty
                    ? "no volume fits it, and no storage class makes one"
                    : "nothing has made a volume of class \(storageClass) yet",
                "see whether the class exists and its provisioner runs", false
            )
        }
        switch event.reason {
        case "WaitForFirstConsumer", "WaitForPodScheduled":
            return ("its volume is made when a pod that uses it has a node", "", true)
        case "ProvisioningFailed" where event.message.contains("not found"):
            return (
                "there is no storage class \(storageClass)", "name a class that exists: :storageclasses lists them",
                false
            )
        case "ProvisioningFailed": return (Words.brief(event.message, 300), "correct what the provisioner names", false)
        case "ExternalProvisioning":
            return (Words.brief(event.message, 300), "see whether the provisioner of class \(storageClass) runs", false)
        default:
            return (
                Words.brief(event.message, 300), "make a volume that fits, or name a storage class that makes one",
                false
            )
        }
    }

    /// Kinds without rules of their own: bad conditions and warnings.
    func other(_ target: Target, _ whole: JSON?) -> Why {
        let phase = whole?.at("status", "phase").string
        var why = Why(target: target, headline: phase ?? "", tone: .text)
        let inverse = ["Pressure", "Unavailable", "Failed", "Failure", "Suspended", "Stalled", "Remaining"]
        for condition in (whole?.at("status", "conditions").items ?? []).map({ Condition($0) }) {
            let isGood = condition.isTrue != inverse.contains { condition.type.contains($0) }
            guard !isGood, condition.status != "Unknown" || !condition.message.isEmpty else { continue }
            let words = [condition.reason, condition.message].filter { !$0.isEmpty }.joined(separator: ": ")
            why.chain.append(
                Why.Fact(
                    tone: .bad, text: "\(condition.type) is \(condition.status)\(words.isEmpty ? "" : ": \(words)")",
                    source: "condition", time: condition.lastTransitionTime, target: target))
        }
        let warnings = events(target.resource.type.kind, target.key).filter(\.isWarning)
        for event in warnings.prefix(5) {
            let fact = Why.Fact(
                tone: .warn, text: "\(event.reason): \(Words.brief(event.message, 300))", source: "event",
                time: event.last,
                target: target)
            if why.chain.isEmpty { why.chain.append(fact) } else { why.also.append(fact) }
        }
        return why
    }
}
