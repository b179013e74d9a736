import Shared

/// One cause that pods may share: facts with the root first.
struct PodCause: Equatable, Sendable {
    /// Pods with the same key have the same trouble.
    let key: String
    /// In two or three words: `CrashLoopBackOff`, `no image`.
    let what: String
    /// In one line, for lists.
    let brief: String
    var severity = Problem.Severity.broken
    var facts: [Why.Fact]
    var advice: [String] = []
    var log: LogKey?
    /// What lies behind it and is listed by itself: a lost node, a claim.
    var root: Target?
}

extension Evidence {
    func pod(_ target: Target) -> Why {
        guard let item = world.pods[target.key], let facts = item.pod else {
            return Why(target: target, headline: "is not there any more", tone: .faint)
        }
        guard let cause = cause(of: item) else {
            var why = Why(
                target: target, headline: "\(facts.status), \(facts.ready) of \(facts.total) ready",
                tone: facts.health.tone)
            if let last = facts.containers.compactMap(\.lastExit).max(by: { ($0.at ?? now) < ($1.at ?? now) }),
                facts.restarts > 0
            {
                why.also.append(
                    Why.Fact(
                        tone: .warn, text: "it was restarted \(facts.restarts)×, the last time after \(last.text)",
                        source: "container status", time: last.at, target: target))
            }
            return why
        }
        var why = Why(target: target, headline: cause.what, tone: cause.severity.tone)
        why.chain = cause.facts + (facts.health == .running ? [] : endpoints([item]))
        why.advice = cause.advice
        why.log = cause.log
        return why
    }

    /// What is wrong with a pod; nil when it is well, or only just starts or leaves.
    func cause(of item: Item) -> PodCause? {
        guard let facts = item.pod else { return nil }
        let me = target(item, .pods)
        if let due = item.deleting { return deletion(item, facts, me, due) }
        if facts.health == .finished { return nil }
        if facts.health == .lost || isLost(facts.node) { return lost(facts, me) }
        if facts.node.isEmpty, facts.health == .pending { return unplaced(item, facts, me) }
        if facts.health == .failed { return failed(facts, me) }
        for container in facts.initContainers + facts.containers {
            if let cause = trouble(container, item, facts, me) { return cause }
        }
        return facts.health == .running ? nil : unready(item, facts, me)
    }

    private func isLost(_ node: String) -> Bool {
        guard !node.isEmpty, let facts = world.nodes[Item.Key(namespace: "", name: node)]?.node else { return false }
        return !facts.isReady
    }

    // MARK: Leaving.

    private func deletion(_ item: Item, _ facts: PodFacts, _ me: Target, _ due: Timestamp) -> PodCause? {
        let late = now - due
        if isLost(facts.node) {
            guard var cause = lost(facts, me) else { return nil }
            cause.facts.append(
                Why.Fact(
                    tone: .warn, text: "its end can not be confirmed before the node is back", source: "metadata",
                    target: me))
            return cause
        }
        guard late > .seconds(10) else { return nil }
        if !item.finalizers.isEmpty {
            let names = Words.list(item.finalizers, "finalizer")
            return PodCause(
                key: "finalizer \(names)", what: "stuck deletion", brief: "held by \(names)", severity: .warning,
                facts: [
                    Why.Fact(
                        tone: .bad, text: "its deletion is held by \(names)", source: "metadata", time: due, target: me),
                    Why.Fact(
                        tone: .warn, text: "it should have been gone \(late.human) ago", source: "metadata", target: me),
                ],
                advice: ["the program behind the finalizer has to remove it; see whether that program runs"])
        }
        return PodCause(
            key: "late", what: "still terminating", brief: "its deletion was due \(late.human) ago", severity: .warning,
            facts: [
                Why.Fact(
                    tone: .warn, text: "its containers have not ended \(late.human) after they had to",
                    source: "metadata",
                    time: due, target: me, isCertain: false)
            ],
            advice: ["K ends it without waiting; look at the agent of \(facts.node) if that does not help"])
    }

    private func lost(_ facts: PodFacts, _ me: Target) -> PodCause? {
        let key = Item.Key(namespace: "", name: facts.node)
        let node = world.nodes[key]
        let target = node.map { self.target($0, .nodes) }
        let why =
            node?.node.map { $0.why.isEmpty ? "it does not report any more" : $0.why } ?? "it has left the cluster"
        return PodCause(
            key: "node \(facts.node)", what: "node lost", brief: "\(facts.node) does not answer",
            facts: [
                Why.Fact(
                    tone: .bad, text: "node \(facts.node) is lost: \(why)", source: "condition",
                    time: node?.node?.since,
                    target: target),
                Why.Fact(
                    tone: .warn,
                    text: "what runs there is not known; a copy is started elsewhere after a short grace time",
                    source: "pod", target: me),
            ],
            advice: ["see whether \(facts.node) runs and reaches the API server"], root: target)
    }

    // MARK: Waiting for a node.

    private func unplaced(_ item: Item, _ facts: PodFacts, _ me: Target) -> PodCause? {
        let event = events("Pod", item.key, ["FailedScheduling"]).first
        let text = facts.why.isEmpty ? event?.message ?? "" : facts.why
        if text.isEmpty {
            guard let created = item.created, now - created > .seconds(30) else { return nil }
            return PodCause(
                key: "unseen", what: "waiting", brief: "no scheduler has placed it", severity: .warning,
                facts: [
                    Why.Fact(
                        tone: .warn, text: "no scheduler has looked at it since it was made", source: "pod",
                        time: created,
                        target: me, isCertain: false)
                ],
                advice: ["see whether the scheduler runs, and whether spec.schedulerName names it"])
        }
        let waiting = facts.claims.compactMap { name in
            world.feed(.all(.claims)).items[Item.Key(namespace: item.namespace, name: name)]
        }.filter { $0.claim?.phase == "Pending" }
        var advice: [String] = []
        var chain: [Why.Fact] = []
        let message = SchedulerMessage(text)
        for part in message?.parts ?? [] {
            let plain = SchedulerMessage.plain(part)
            chain.append(Why.Fact(tone: .bad, text: plain.text, source: "scheduler", time: event?.last))
            if !plain.advice.isEmpty, !advice.contains(plain.advice) { advice.append(plain.advice) }
        }
        if chain.isEmpty { chain = [Why.Fact(tone: .bad, text: text, source: "scheduler", time: event?.last)] }
        var root: Target?
        if let claim = waiting.first, text.contains("PersistentVolumeClaim") {
            let target = self.target(claim, .claims)
            let why = self.claim(target)
            chain = why.chain + chain
            advice = why.advice
            root = target
        }
        if facts.cpuMillis > 0 || facts.memoryBytes > 0 {
            let asks = [
                facts.cpuMillis > 0 ? "\(Columns.cores(facts.cpuMillis)) cpu" : "",
                facts.memoryBytes > 0 ? "\(Columns.bytes(facts.memoryBytes)) memory" : "",
            ].filter { !$0.isEmpty }.joined(separator: ", ")
            chain.append(
                Why.Fact(tone: .text, text: "the pod asks for \(asks); \(room())", source: "nodes", target: me))
        }
        let fits = message.map { "\($0.fitting) of \($0.all) nodes fit" } ?? "no node fits"
        chain.append(
            Why.Fact(tone: .warn, text: "\(fits), so the pod waits", source: "pod", time: item.created, target: me))
        return PodCause(
            key: "unplaced \(message?.parts.map(\.reason).joined() ?? text)", what: "unschedulable", brief: text,
            severity: .warning, facts: chain, advice: advice, root: root)
    }

    /// The most that one ready node has left.
    private func room() -> String {
        var cpu = 0
        var memory = 0
        for item in world.nodes.values {
            guard let node = item.node, node.isReady, !node.isCordoned else { continue }
            let load = world.tally.load(item.name)
            cpu = max(cpu, node.cpuMillis - load.cpuMillis)
            memory = max(memory, node.memoryBytes - load.memoryBytes)
        }
        return "the most that is left on one node is \(Columns.cores(cpu)) cpu, \(Columns.bytes(memory)) memory"
    }

    // MARK: Containers.

    private func log(_ item: Item, _ container: ContainerFacts) -> LogKey {
        LogKey(
            namespace: item.namespace, pod: item.name, container: container.name,
            isPrevious: container.state != "terminated" && container.restarts > 0, tail: Limits.lastLinesMax)
    }

    private func trouble(_ container: ContainerFacts, _ item: Item, _ facts: PodFacts, _ me: Target) -> PodCause? {
        let isWaiting = container.state == "waiting"
        switch container.reason {
        case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable",
            "ImageInspectError":
            return image(container, item, me)
        case "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError",
            "ContainerCannotRun", "AddressInUse":
            let text = container.message.isEmpty ? container.lastExit?.message ?? "" : container.message
            return PodCause(
                key: "\(container.reason) \(text)", what: container.reason,
                brief: text.isEmpty ? "container \(container.name) can not be started" : Words.brief(text),
                facts: [
                    Why.Fact(
                        tone: .bad, text: text.isEmpty ? "the runtime does not say why" : Words.brief(text),
                        source: "container status", target: me),
                    Why.Fact(
                        tone: .warn, text: "container \(container.name) can not be started (\(container.reason))",
                        source: "container status", target: me),
                ],
                advice: Evidence.missing(text).map { [$0] } ?? [
                    "correct the manifest; the container is tried again by itself"
                ])
        case "ContainerCreating", "PodInitializing", "":
            return isWaiting ? starting(item, facts, me) : nil
        default: break
        }
        if container.reason == "CrashLoopBackOff" || (container.state == "terminated" && container.lastExit?.code != 0)
            || (facts.health == .crashed && container.lastExit != nil && container.state != "running")
        {
            return crash(container, item, facts, me)
        }
        // Between two crashes it runs for a moment: the story is the same.
        if container.state == "running", container.restarts > 0, !container.isReady, let exit = container.lastExit,
            let at = exit.at, now - at < .seconds(120), exit.code != 0
        {
            return crash(container, item, facts, me)
        }
        return nil
    }

    /// What to make when something is missing.
    private static func missing(_ text: String) -> String? {
        for kind in ["configmap", "secret"] where text.lowercased().contains("\(kind) \"") && text.contains("not found")
        {
            return "make the \(kind) that it names, or mark the reference optional"
        }
        return text.contains("couldn't find key") ? "add the key that it names, or mark the reference optional" : nil
    }

    private func image(_ container: ContainerFacts, _ item: Item, _ me: Target) -> PodCause {
        let told = events("Pod", item.key, ["Failed", "InspectFailed"]).first {
            $0.message.contains(container.image) || $0.message.lowercased().contains("image")
        }
        // The status alternates between the answer and "Back-off"; the event keeps the answer.
        let text =
            container.reason == "ErrImagePull" || told == nil ? container.message : told?.message ?? container.message
        let cause = ImageTrouble.cause(container.reason, text)
        var facts = [
            Why.Fact(
                tone: .bad, text: cause.text, source: told == nil ? "container status" : "event", time: told?.last,
                target: me,
                isCertain: cause.isCertain)
        ]
        if !text.isEmpty {
            facts.append(Why.Fact(tone: .faint, text: Words.brief(text, 300), source: "runtime", target: me))
        }
        facts.append(
            Why.Fact(
                tone: .warn,
                text: "container \(container.name) waits for image \(container.image) (\(container.reason))",
                source: "container status", target: me))
        return PodCause(
            key: "image \(container.image)", what: container.reason, brief: "\(container.image): \(cause.text)",
            facts: facts,
            advice: [cause.advice])
    }

    /// Still being made: only what keeps failing is worth telling.
    private func starting(_ item: Item, _ facts: PodFacts, _ me: Target) -> PodCause? {
        let reasons: Set = [
            "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "FailedCreatePodContainer",
            "NetworkNotReady",
            "FailedBinding", "FailedPrepareDynamicResources",
        ]
        guard let event = events("Pod", item.key, reasons).first else { return nil }
        return PodCause(
            key: "\(event.reason) \(event.message)", what: event.reason, brief: Words.brief(event.message),
            severity: .warning,
            facts: [
                Why.Fact(
                    tone: .bad, text: Words.brief(event.message, 300), source: "event", time: event.last, target: me),
                Why.Fact(
                    tone: .warn, text: "its containers can not be made yet (\(event.reason))", source: "event",
                    target: me),
            ],
            advice: [
                Evidence.missing(event.message)
                    ?? (event.reason == "FailedMount"
                        ? "make what the volume names; the mount is tried again by itself" : "")
            ].filter { !$0.isEmpty })
    }

    private func crash(_ container: ContainerFacts, _ item: Item, _ facts: PodFacts, _ me: Target) -> PodCause {
        let exit = container.lastExit
        var chain: [Why.Fact] = []
        var advice: [String] = []
        let probe = events("Pod", item.key, ["Unhealthy", "ProbeWarning"]).first {
            $0.message.hasPrefix("Liveness") || $0.message.hasPrefix("Startup")
        }
        let killed = events("Pod", item.key, ["Killing"]).first { $0.message.contains("probe") }
        let brief: String
        if exit?.reason == "OOMKilled" {
            let limit = facts.memoryLimit.map { " of \(Columns.bytes($0))" } ?? ""
            chain.append(
                Why.Fact(
                    tone: .bad, text: "container \(container.name) needs more memory than its limit\(limit)",
                    source: "container status", time: exit?.at, target: me))
            advice = ["raise the memory limit, or find what fills the memory"]
            brief = "\(exit?.text ?? ""): more memory than the limit\(limit)"
        } else if let probe, killed != nil || (exit.map { [137, 143, 0].contains($0.code) } ?? false) {
            chain.append(
                Why.Fact(
                    tone: .bad, text: Words.brief(probe.message, 300), source: "event", time: probe.last, target: me))
            chain.append(
                Why.Fact(
                    tone: .bad, text: "so the node ended container \(container.name)", source: "event",
                    time: killed?.last,
                    target: me, isCertain: killed != nil))
            advice = ["see what the probe asks for and how long it waits: initialDelaySeconds, timeoutSeconds"]
            brief = Words.brief(probe.message)
        } else if let exit {
            let ran = exit.ran.map { " after \($0.human)" } ?? ""
            chain.append(
                Why.Fact(
                    tone: .bad,
                    text: "container \(container.name) ended with exit \(exit.code)\(ran): \(ExitCode.meaning(exit))",
                    source: "container status", time: exit.at, target: me))
            if exit.code == 0, facts.restartsAlways {
                advice = ["a program that ends belongs into a Job; a service must go on running"]
            } else if exit.code == 127 || exit.code == 126 {
                advice = ["check command and args against what the image contains"]
            } else {
                advice = ["read the end of its log: l, then p for the run before"]
            }
            brief = exit.text
        } else {
            brief = container.message
        }
        if let message = exit?.message, !message.isEmpty {
            chain.append(
                Why.Fact(
                    tone: .text, text: "its last words: \(Words.brief(message, 300))", source: "termination message",
                    target: me))
        }
        if container.restarts > 0 || container.reason == "CrashLoopBackOff" {
            let wait = container.reason == "CrashLoopBackOff" ? ", and waits longer each time (CrashLoopBackOff)" : ""
            chain.append(
                Why.Fact(
                    tone: .warn, text: "it was restarted \(container.restarts)×\(wait)", source: "container status",
                    target: me))
        }
        return PodCause(
            key: "crash \(container.name) \(exit?.text ?? "")",
            what: facts.status == "Running" ? "crashes" : facts.status,
            brief: brief.isEmpty ? facts.why : brief, facts: chain, advice: advice, log: log(item, container))
    }

    // MARK: Unready and failed.

    private func unready(_ item: Item, _ facts: PodFacts, _ me: Target) -> PodCause? {
        let since = facts.since ?? item.created
        let probe = events("Pod", item.key, ["Unhealthy"]).first
        let isLong = since.map { now - $0 > .seconds(30) } ?? false
        let isFresh = probe?.last.map { now - $0 < .seconds(60) } ?? false
        guard isLong || (isFresh && (probe?.count ?? 0) > 2) else { return nil }
        let waiting = facts.containers.first { !$0.isReady }
        if let probe, waiting != nil {
            return PodCause(
                key: "probe \(Words.brief(probe.message, 60))", what: "not ready", brief: Words.brief(probe.message),
                severity: .warning,
                facts: [
                    Why.Fact(
                        tone: .bad, text: Words.brief(probe.message, 300), source: "event", time: probe.last, target: me
                    ),
                    Why.Fact(
                        tone: .warn, text: "container \(waiting?.name ?? "") runs, but does not count as ready",
                        source: "container status", time: since, target: me),
                ],
                advice: ["see what the probe asks for, and whether the program listens there"],
                log: waiting.map { log(item, $0) })
        }
        if !facts.gates.isEmpty {
            return PodCause(
                key: "gate", what: "not ready", brief: "waits for \(Words.list(facts.gates, "readiness gate"))",
                severity: .warning,
                facts: [
                    Why.Fact(
                        tone: .warn, text: "\(Words.list(facts.gates, "readiness gate")) is not met",
                        source: "condition",
                        target: me)
                ], advice: ["the program that sets the condition has to do so"])
        }
        return PodCause(
            key: "unready", what: "not ready",
            brief: facts.why.isEmpty ? "\(facts.ready) of \(facts.total) containers are ready" : facts.why,
            severity: .warning,
            facts: [
                Why.Fact(
                    tone: .warn, text: "\(facts.ready) of \(facts.total) containers are ready",
                    source: "container status",
                    time: since, target: me)
            ], log: waiting.map { log(item, $0) })
    }

    private func failed(_ facts: PodFacts, _ me: Target) -> PodCause {
        let broken = (facts.initContainers + facts.containers).first { ($0.lastExit?.code ?? 0) != 0 }
        var chain: [Why.Fact] = []
        if let exit = broken?.lastExit {
            chain.append(
                Why.Fact(
                    tone: .bad,
                    text: "container \(broken?.name ?? "") ended with exit \(exit.code): \(ExitCode.meaning(exit))",
                    source: "container status", time: exit.at, target: me))
            if !exit.message.isEmpty {
                chain.append(
                    Why.Fact(
                        tone: .text, text: "its last words: \(Words.brief(exit.message, 300))",
                        source: "termination message"))
            }
        } else {
            chain.append(
                Why.Fact(
                    tone: .bad, text: facts.why.isEmpty ? facts.status : facts.why, source: "pod", time: facts.since,
                    target: me))
        }
        chain.append(
            Why.Fact(
                tone: .warn, text: "the pod has failed (\(facts.status)) and is not started again", source: "pod",
                target: me))
        let key = LogKey(
            namespace: me.key.namespace, pod: me.key.name, container: broken?.name ?? facts.names.last ?? "",
            tail: Limits.lastLinesMax)
        return PodCause(
            key: "failed \(facts.status)", what: facts.status,
            brief: facts.why.isEmpty ? broken?.lastExit?.text ?? "" : facts.why,
            facts: chain, log: broken == nil ? nil : key)
    }
}
