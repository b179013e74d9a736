import Shared

/// Commands that act on objects, whichever screen they were selected on: whether they can be used, what they would
/// affect, and the calls they are made of. Pure.
enum Actions {
    static func availability(_ command: Intent, _ targets: [Target], _ world: World) -> Availability {
        guard let target = targets.first else { return .hidden }
        let plural = target.resource.plural
        let isPod = plural == "pods" && target.resource.type.group.isEmpty
        let isNode = plural == "nodes" && target.resource.type.group.isEmpty
        let runs = World.scalable.contains(plural) || plural == "daemonsets"
        switch command {
        case .describe, .yaml, .open, .copy, .why: return .yes
        case .logs: return isPod || runs || plural == "jobs" || plural == "services" ? .yes : .hidden
        case .previousLogs: return isPod ? .yes : .hidden
        case .owner: return owner(target, world) == nil ? .no("It has no owner: it was made by hand.") : .yes
        case .edit: return changing(.yes, world)
        case .delete:
            let verbs = target.resource.verbs
            return verbs.contains("delete") ? changing(.yes, world) : .no("The server does not delete \(plural).")
        case .scale: return World.scalable.contains(plural) ? changing(.yes, world) : .hidden
        case .restart:
            return ["deployments", "statefulsets", "daemonsets"].contains(plural) ? changing(.yes, world) : .hidden
        case .kill:
            if isPod { return changing(.yes, world) }
            guard isNode else { return .hidden }
            return changing(
                world.abilities.killNode
                    ? .yes : .no("Only a node of a local cluster (kconsole up) can be killed from here."), world)
        case .killContainer:
            guard isPod else { return .hidden }
            return changing(
                world.abilities.killContainer
                    ? .yes : .no("This cluster offers no way to end a container; K kills the pod."), world)
        case .cordon: return isNode ? changing(isCordoned(target, world) ? .hidden : .yes, world) : .hidden
        case .uncordon: return isNode ? changing(isCordoned(target, world) ? .yes : .hidden, world) : .hidden
        case .drain: return isNode ? changing(.yes, world) : .hidden
        case .shell:
            guard isPod else { return .hidden }
            guard world.abilities.shell else { return .no("A shell is not offered by this build; use kconsole exec.") }
            return world.pods[target.key]?.pod?.health == .running ? .yes : .no("A shell needs a running pod.")
        default: return .hidden
        }
    }

    private static func changing(_ availability: Availability, _ world: World) -> Availability {
        guard case .yes = availability, world.isReadOnly else { return availability }
        return .no("The console is read-only.")
    }
    private static func isCordoned(_ target: Target, _ world: World) -> Bool {
        world.nodes[target.key]?.node?.isCordoned ?? false
    }

    static func steps(_ command: Intent, _ targets: [Target], _ world: World) -> [Step] {
        guard let target = targets.first else { return [] }
        switch command {
        case .describe: return [.push(DetailScreen(target, .describe))]
        case .why: return [.push(WhyScreen(target))]
        case .yaml: return [.push(DetailScreen(target, .yaml))]
        case .open: return drill(target, world)
        case .owner: return owner(target, world).map { [.push(DetailScreen($0, .describe))] } ?? []
        case .logs, .previousLogs: return logs(target, isPrevious: command == .previousLogs, world)
        case .copy:
            return [
                .effect(.copy(target.key.name)),
                .say("\(target.key.name) is on the clipboard, if the terminal allows it.", .faint),
            ]
        case .edit: return [.effect(.edit(target))]
        case .shell: return shell(target, world)
        case .delete: return delete(targets, world)
        case .kill: return kill(targets, world)
        case .killContainer: return killContainer(target, world)
        case .restart: return restart(targets, world)
        case .scale: return askScale(targets, world)
        case .cordon, .uncordon: return cordon(targets, command == .cordon)
        case .drain: return drain(target, world)
        default: return []
        }
    }

    /// Where enter leads: to the pods of what runs pods, else to the details.
    private static func drill(_ target: Target, _ world: World) -> [Step] {
        switch target.resource.plural {
        case "namespaces": return [.namespace(target.key.name), .push(ListScreen(.pods))]
        case "deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "services", "nodes":
            return [.push(ListScreen(.pods, of: target))]
        default: return [.push(DetailScreen(target, .describe))]
        }
    }

    static func owner(_ target: Target, _ world: World) -> Target? {
        let item = world.feeds.values.lazy.compactMap { $0.items[target.key] }.first { $0.uid == target.uid }
        guard let owner = item?.owner else { return nil }
        let group =
            owner.apiVersion.split(separator: "/").count == 2 ? String(owner.apiVersion.split(separator: "/")[0]) : ""
        guard let resource = world.catalog.find(kind: owner.kind, group: group) else { return nil }
        let namespace = resource.type.isNamespaced ? target.key.namespace : ""
        return Target(resource: resource, key: Item.Key(namespace: namespace, name: owner.name), uid: owner.uid)
    }

    private static func logs(_ target: Target, isPrevious: Bool, _ world: World) -> [Step] {
        let pods = world.pods(of: target).sorted { $0.key < $1.key }
        guard !pods.isEmpty else {
            return [
                .say("\(target.text.capitalizedSentence.dropLast()) has no pods, so there is no log to read.", .warn)
            ]
        }
        return [.push(LogScreen(target, pods: pods, isPrevious: isPrevious))]
    }

    private static func shell(_ target: Target, _ world: World) -> [Step] {
        guard let facts = world.pods[target.key]?.pod,
            let container = facts.containers.first(where: { $0.state == "running" })
        else { return [] }
        return [.effect(.shell(namespace: target.key.namespace, pod: target.key.name, container: container.name))]
    }

    // MARK: Plans.

    private static func names(_ targets: [Target]) -> String {
        targets.count == 1 ? targets[0].text : "\(targets.count) \(targets[0].resource.plural)"
    }

    private static func delete(_ targets: [Target], _ world: World) -> [Step] {
        var body: [Line] = targets.prefix(6).map {
            [
                Span("  ✗ ", .bad), Span($0.text),
                Span($0.key.namespace.isEmpty ? "" : "  in \($0.key.namespace)", .faint),
            ]
        }
        if targets.count > 6 { body.append([Span("    and \(targets.count - 6) more", .faint)]) }
        body += Affected.lines(targets, world)
        let calls = targets.map {
            Action.Call(
                method: "DELETE", path: $0.path(),
                body: [
                    "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background",
                    "preconditions": ["uid": .string($0.uid)],
                ])
        }
        return ask(
            "Delete \(names(targets))?", body, "Delete", "delete \(names(targets))", "\(names(targets)) deleted", calls)
    }

    private static func kill(_ targets: [Target], _ world: World) -> [Step] {
        guard targets[0].resource.plural == "pods" else { return killNode(targets[0], world) }
        let calls = targets.map {
            Action.Call(
                method: "DELETE", path: $0.path(),
                body: [
                    "kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0,
                    "preconditions": ["uid": .string($0.uid)],
                ])
        }
        let body: [Line] = [[Span("  Ends at once, without time to finish its work.")]] + Affected.lines(targets, world)
        return ask("Kill \(names(targets))?", body, "Kill", "kill \(names(targets))", "\(names(targets)) killed", calls)
    }

    private static func killNode(_ target: Target, _ world: World) -> [Step] {
        let pods = world.pods(of: target)
        let body: [Line] = [
            [Span("  The machine stops as if its plug was pulled.")],
            [
                Span("  Lost with it: "), Span(TextFit.count(pods.count, "pod"), .warn),
                Span(", which are started elsewhere after some seconds."),
            ],
            [],
            [Span("  kconsole node start \(target.key.name) brings it back.", .faint)],
        ]
        let action = Action(
            title: "kill node \(target.key.name)", done: "node \(target.key.name) killed",
            work: .killNode(target.key.name))
        return [
            .ask(Dialog(title: "Kill node \(target.key.name)?", body: body, verb: "Kill", effects: [.perform(action)]))
        ]
    }

    private static func killContainer(_ target: Target, _ world: World) -> [Step] {
        guard let container = world.pods[target.key]?.pod?.containers.first(where: { $0.state == "running" }) else {
            return [.say("No container of it is running.", .warn)]
        }
        let name = "container \(container.name) of pod \(target.key.name)"
        let action = Action(
            title: "kill \(name)", done: "\(name) killed",
            work: .killContainer(namespace: target.key.namespace, pod: target.key.name, container: container.name))
        let body: [Line] = [[Span("  Its processes end at once; the pod stays and restarts it.")]]
        return [.ask(Dialog(title: "Kill \(name)?", body: body, verb: "Kill", effects: [.perform(action)]))]
    }

    private static func restart(_ targets: [Target], _ world: World) -> [Step] {
        let calls = targets.map {
            Action.Call(
                method: "PATCH", path: $0.path(),
                body: [
                    "spec": [
                        "template": [
                            "metadata": [
                                "annotations": ["kubectl.kubernetes.io/restartedAt": .string(world.now.rfc3339)]
                            ]
                        ]
                    ]
                ],
                contentType: Client.PatchFormat.strategic.rawValue)
        }
        let pods = targets.flatMap { world.pods(of: $0) }.count
        let body: [Line] = [
            [
                Span(
                    "  \(TextFit.count(pods, "pod").capitalizedSentence.dropLast()) replaced one after the other, as the rollout allows."
                )
            ]
        ]
        return ask(
            "Restart \(names(targets))?", body, "Restart", "restart \(names(targets))", "\(names(targets)) restarts",
            calls)
    }

    private static func askScale(_ targets: [Target], _ world: World) -> [Step] {
        let current = world.feeds.values.lazy.compactMap { $0.items[targets[0].key]?.workload }.first?.desired ?? 1
        return [
            .prompt(Prompt(.scale(targets, from: current), label: "Replicas of \(names(targets)), now \(current): "))
        ]
    }

    static func scale(_ targets: [Target], to count: Int, from before: Int, _ world: World) -> [Step] {
        let calls = targets.map {
            Action.Call(
                method: "PATCH", path: $0.path("scale"), body: ["spec": ["replicas": JSON(count)]],
                contentType: Client.PatchFormat.merge.rawValue)
        }
        let title = "scale \(names(targets)) from \(before) to \(count)"
        let action = Action(title: title, done: "\(names(targets)) scaled to \(count)", work: .calls(calls))
        guard count < before else { return [.effect(.perform(action))] }
        let body: [Line] =
            [
                [
                    Span("  From "), Span("\(before)", .accent), Span(" to "),
                    Span("\(count)", count == 0 ? .bad : .accent),
                    Span(" replicas: \(TextFit.count(before - count, "pod")) will end."),
                ]
            ] + (count == 0 ? [[Span("  Nothing will be left to serve.", .bad)]] : [])
        return [
            .ask(Dialog(title: "Scale \(names(targets)) down?", body: body, verb: "Scale", effects: [.perform(action)]))
        ]
    }

    private static func cordonCall(_ target: Target, _ on: Bool) -> Action.Call {
        Action.Call(
            method: "PATCH", path: target.path(), body: ["spec": ["unschedulable": on ? true : .null]],
            contentType: Client.PatchFormat.merge.rawValue)
    }

    private static func cordon(_ targets: [Target], _ on: Bool) -> [Step] {
        let verb = on ? "cordon" : "uncordon"
        let done = on ? "\(names(targets)) takes no new pods" : "\(names(targets)) takes pods again"
        return [
            .effect(
                .perform(
                    Action(
                        title: "\(verb) \(names(targets))", done: done, work: .calls(targets.map { cordonCall($0, on) })
                    )))
        ]
    }

    private static func drain(_ target: Target, _ world: World) -> [Step] {
        let all = world.pods(of: target).filter { $0.pod?.health != .finished }
        let pods = all.filter { $0.owner?.kind != "DaemonSet" && $0.owner?.kind != "Node" }
        let alone = pods.filter { $0.owner == nil }
        let evictions = pods.map { pod in
            Action.Call(
                method: "POST",
                path: Pod.type.path(namespace: pod.namespace, name: URLText.encode(pod.name), subresource: "eviction"),
                body: [
                    "apiVersion": "policy/v1", "kind": "Eviction",
                    "metadata": ["name": .string(pod.name), "namespace": .string(pod.namespace)],
                ],
                isPatient: true, acceptsMissing: true)
        }
        var body: [Line] = [
            [
                Span("  It takes no new pods, and "), Span(TextFit.count(pods.count, "pod"), .warn),
                Span(" move elsewhere, as budgets allow."),
            ]
        ]
        if all.count > pods.count {
            body.append([Span("  \(TextFit.count(all.count - pods.count, "pod")) of DaemonSets stay.", .faint)])
        }
        if !alone.isEmpty {
            body.append([
                Span("  \(TextFit.count(alone.count, "pod")) without an owner will not come back: ", .bad),
                Span(alone.prefix(3).map(\.name).joined(separator: ", ")),
            ])
        }
        return ask(
            "Drain node \(target.key.name)?", body, "Drain", "drain node \(target.key.name)",
            "node \(target.key.name) drained", [cordonCall(target, true)] + evictions)
    }

    private static func ask(
        _ question: String, _ body: [Line], _ verb: String, _ title: String, _ done: String,
        _ calls: [Action.Call]
    ) -> [Step] {
        [
            .ask(
                Dialog(
                    title: question, body: body, verb: verb,
                    effects: [.perform(Action(title: title, done: done, work: .calls(calls)))]))
        ]
    }
}

extension World {
    static let scalable: Set<String> = ["deployments", "replicasets", "statefulsets"]
}
