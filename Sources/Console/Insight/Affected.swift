import Shared

/// What goes, breaks or comes back when objects are deleted: shown before it is done. Pure.
enum Affected {
    static func lines(_ targets: [Target], _ world: World) -> [Line] {
        guard let first = targets.first else { return [] }
        var lines: [Line] = []
        switch first.resource.plural {
        case "namespaces": lines += namespace(targets, world)
        case "nodes": lines += node(targets, world)
        case "services": lines += service(targets, world)
        case "persistentvolumeclaims": lines += claim(targets, world)
        default: lines += pods(targets, world)
        }
        let finalizers = targets.flatMap { target in
            world.feeds.values.lazy.compactMap { $0.items[target.key] }.first { $0.uid == target.uid }?.finalizers ?? []
        }
        if !finalizers.isEmpty {
            lines.append([Span("  Goes only when \(Words.list(finalizers.uniqued(), "finalizer")) is done.", .warn)])
        }
        return lines.isEmpty ? [] : [[]] + lines
    }

    /// Pods that go with their owner, what services lose, what budgets say, what brings them back.
    private static func pods(_ targets: [Target], _ world: World) -> [Line] {
        let isPods = targets[0].resource == .pods
        let gone = targets.flatMap { world.pods(of: $0) }
        var lines: [Line] = []
        if !isPods, !gone.isEmpty {
            let names = gone.prefix(3).map(PodFacts.shortName).joined(separator: ", ")
            lines.append([
                Span("  Goes with it: "), Span(TextFit.count(gone.count, "pod"), .warn),
                Span("  \(names)\(gone.count > 3 ? ", …" : "")", .faint),
            ])
        }
        let keys = Set(gone.map(\.key))
        for (service, ready, left) in world.serving(keys) {
            lines.append([
                Span("  Service "), Span(service.name, .accent), Span(": \(ready) → \(left) ready endpoints"),
                Span(left == 0 ? ", nothing serves" : "", .bad),
            ])
        }
        for item in world.feed(.all(.budgets)).items.values.sorted(by: { $0.key < $1.key }) {
            guard let budget = item.budget, let selector = budget.selector else { continue }
            let hit = gone.count {
                $0.namespace == item.namespace && selector.matches($0.labels) && $0.pod?.health == .running
            }
            guard hit > budget.allowed else { continue }
            lines.append([
                Span("  Budget "), Span(item.name, .accent),
                Span(
                    " allows \(TextFit.count(budget.allowed, "disruption")), this makes \(hit): it is passed over", .bad
                ),
            ])
        }
        if targets[0].resource.plural == "statefulsets" {
            lines.append([Span("  Its volume claims, and their data, stay.", .faint)])
        }
        if isPods, let owner = world.pods[targets[0].key]?.owner {
            let finished = world.pods[targets[0].key]?.pod?.health == .finished
            lines.append([
                Span(
                    owner.kind == "Job" && finished
                        ? "  Its Job counts it as done and makes no new one."
                        : "  Its \(owner.kind) makes a new one.", .faint)
            ])
        } else if isPods {
            lines.append([Span("  It has no owner: nothing makes a new one.", .warn)])
        }
        return lines
    }

    private static func namespace(_ targets: [Target], _ world: World) -> [Line] {
        let inside = Set(targets.map(\.key.name))
        let kinds: [(Resource, String)] = [
            (.pods, "pod"), (.deployments, "deployment"), (.statefulSets, "stateful set"), (.services, "service"),
            (.jobs, "job"), (.claims, "volume claim"),
        ]
        let counts = kinds.compactMap { resource, noun -> String? in
            let count = world.feed(.all(resource)).items.keys.count { inside.contains($0.namespace) }
            return count == 0 ? nil : TextFit.count(count, noun)
        }
        return [
            [
                Span(
                    "  Everything in it goes: \(counts.isEmpty ? "all objects" : counts.joined(separator: ", ") + " and all other objects").",
                    .bad)
            ]
        ]
    }

    private static func node(_ targets: [Target], _ world: World) -> [Line] {
        let count = targets.flatMap { world.pods(of: $0) }.count
        return [
            [
                Span(
                    "  Its \(TextFit.count(count, "pod")) are given up and started elsewhere.",
                    count > 0 ? .warn : .faint)
            ],
            [Span("  A running agent joins again by itself; drain and stop it first.", .faint)],
        ]
    }

    private static func service(_ targets: [Target], _ world: World) -> [Line] {
        targets.flatMap { target -> [Line] in
            guard let facts = world.services[target.key]?.service else { return [] }
            let ready = world.slices.values.filter {
                $0.namespace == target.key.namespace && $0.slice?.service == target.key.name
            }
            .reduce(0) { $0 + ($1.slice?.ready ?? 0) }
            return [
                [
                    Span("  Nothing answers at "), Span(facts.address, .accent), Span(" \(facts.ports) any more; "),
                    Span("its \(TextFit.count(ready, "ready endpoint")) and pods stay.", .faint),
                ]
            ]
        }
    }

    private static func claim(_ targets: [Target], _ world: World) -> [Line] {
        var lines: [Line] = []
        for target in targets {
            let users = world.pods.values.filter {
                $0.namespace == target.key.namespace && $0.pod?.claims.contains(target.key.name) ?? false
            }
            if !users.isEmpty {
                lines.append([
                    Span(
                        "  In use by \(users.map(\.name).sorted().prefix(3).joined(separator: ", ")): it goes after them.",
                        .warn)
                ])
            }
        }
        lines.append([
            Span("  A volume that its class reclaims is deleted with its data; that can not be undone.", .bad)
        ])
        return lines
    }
}
