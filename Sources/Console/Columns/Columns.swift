import Shared

/// The columns of each resource: our own where they tell more, else the server's.
enum Columns {
    static func of(_ resource: Resource, _ columns: [TableColumn]) -> [Column] {
        switch (resource.type.group, resource.plural) {
        case ("", "pods"): return pods
        case ("", "nodes"): return nodes
        case ("", "services"): return services
        case ("", "events"): return events
        case ("apps", "deployments"), ("apps", "replicasets"), ("apps", "statefulsets"), ("apps", "daemonsets"):
            return workloads
        case ("batch", "jobs"): return jobs
        case ("discovery.k8s.io", "endpointslices"): return slices
        default: return server(resource, columns)
        }
    }

    /// Whether the console reads whole objects of a resource, having better columns than the server's Table.
    static func isOurs(_ resource: Resource) -> Bool {
        switch (resource.type.group, resource.plural) {
        case ("", "pods"), ("", "nodes"), ("", "services"), ("", "events"), ("apps", "deployments"),
            ("apps", "replicasets"),
            ("apps", "statefulsets"), ("apps", "daemonsets"), ("batch", "jobs"), ("discovery.k8s.io", "endpointslices"):
            true
        default: false
        }
    }

    private static func server(_ resource: Resource, _ columns: [TableColumn]) -> [Column] {
        var result: [Column] = resource.type.isNamespaced ? [.namespace] : []
        for (index, column) in columns.enumerated() {
            switch column.name.lowercased() {
            case "name": result.append(.name)
            // AGE tells the same in fewer letters.
            case "age", "created at": continue
            default:
                let isStatus = ["status", "phase", "state"].contains(column.name.lowercased())
                let isNumber = ["integer", "number"].contains(column.type)
                result.append(
                    Column(
                        column.name.uppercased(), isStatus ? .status : .plain, drop: 4 + min(index, 9),
                        isWide: column.priority > 0,
                        alignsRight: isNumber
                    ) { item, _ in
                        let text = item.cells.flatMap { $0.indices.contains(index) ? $0[index] : nil } ?? ""
                        return Span(text, isStatus ? tone(status: text) : text == "<none>" ? .faint : .text)
                    })
            }
        }
        if !result.contains(where: { $0.role == .name }) {
            result.insert(.name, at: resource.type.isNamespaced ? 1 : 0)
        }
        return result + [.age, .labels]
    }

    /// A colour for a status word of any resource.
    static func tone(status: String) -> Style.Tone {
        switch status {
        case "Running", "Ready", "Active", "Bound", "Available", "True", "Complete", "Healthy": .good
        case "Pending", "Waiting", "Progressing", "ContainerCreating", "PodInitializing", "Released": .busy
        case "Terminating", "Unknown", "Suspended": .warn
        case "Completed", "Succeeded": .done
        case "Failed", "Error", "Lost", "False": .bad
        default: .text
        }
    }

    static let pods: [Column] = [
        .namespace, .name,
        Column(
            "READY", drop: 4, alignsRight: true,
            order: { .number(Double($0.pod.map { $0.ready * 1000 / max(1, $0.total) } ?? 0)) }
        ) { item, _ in
            guard let pod = item.pod else { return Span("") }
            return Span("\(pod.ready)/\(pod.total)", pod.ready == pod.total || pod.health == .finished ? .text : .warn)
        },
        Column(
            "STATUS", .status, drop: 0, order: { .text($0.pod?.status ?? "") }, search: { $0.pod?.status ?? "" }
        ) { item, _ in
            guard let pod = item.pod else { return Span("") }
            return Span("\(pod.health.glyph) \(pod.status)", pod.health.tone)
        },
        Column("RESTARTS", drop: 5, alignsRight: true, order: { .number(Double($0.pod?.restarts ?? 0)) }) { item, now in
            guard let pod = item.pod else { return Span("") }
            let age = pod.restarts > 0 ? pod.lastRestart.map { " (\((max($0, now) - $0).human))" } ?? "" : ""
            return Span("\(pod.restarts)\(age)", pod.restarts == 0 ? .faint : .warn)
        },
        Column("NODE", drop: 4, order: { .text($0.pod?.node ?? "") }) { item, _ in Span(item.pod?.node ?? "") },
        Column("IP", drop: 8, order: { .text($0.pod?.address ?? "") }) { item, _ in
            Span(item.pod?.address ?? "", .faint)
        },
        .age,
        Column("WHY", .rest, drop: 7, order: { .text($0.pod?.why ?? "") }) { item, _ in
            Span(item.pod?.why ?? "", item.pod?.health.tone ?? .text)
        },
        Column("CPU", isWide: true, alignsRight: true, order: { .number(Double($0.pod?.cpuMillis ?? 0)) }) { item, _ in
            Span(item.pod.map { $0.cpuMillis == 0 ? "–" : "\($0.cpuMillis)m" } ?? "", .faint)
        },
        Column("MEMORY", isWide: true, alignsRight: true, order: { .number(Double($0.pod?.memoryBytes ?? 0)) }) {
            item, _ in
            Span(item.pod.map { $0.memoryBytes == 0 ? "–" : bytes($0.memoryBytes) } ?? "", .faint)
        },
        .labels,
    ]

    static let nodes: [Column] = [
        .name,
        Column("STATUS", .status, drop: 0, order: { .text($0.node?.status ?? "") }) { item, _ in
            guard let node = item.node else { return Span("") }
            return Span(
                "\(node.isReady ? node.isCordoned ? "◌" : "●" : "✗") \(node.status)",
                node.isReady ? node.isCordoned ? .warn : .good : .bad)
        },
        Column("ROLES", drop: 4) { item, _ in
            Span(item.node.map { $0.roles.isEmpty ? "worker" : $0.roles.joined(separator: ",") } ?? "")
        },
        Column("ADDRESS", drop: 5) { item, _ in Span(item.node?.address ?? "", .faint) },
        Column("CPU", drop: 6, alignsRight: true, order: { .number(Double($0.node?.cpuMillis ?? 0)) }) { item, _ in
            Span(item.node.map { cores($0.cpuMillis) } ?? "")
        },
        Column("MEMORY", drop: 6, alignsRight: true, order: { .number(Double($0.node?.memoryBytes ?? 0)) }) { item, _ in
            Span(item.node.map { bytes($0.memoryBytes) } ?? "")
        },
        Column("VERSION", drop: 7) { item, _ in Span(item.node?.version ?? "", .faint) },
        .age,
        Column("WHY", .rest, drop: 8) { item, _ in Span(item.node?.why ?? "", item.node?.isReady ?? true ? .warn : .bad)
        },
        Column("TAINTS", isWide: true) { item, _ in Span(item.node?.taints.joined(separator: ",") ?? "", .faint) },
        Column("SYSTEM", isWide: true) { item, _ in Span(item.node?.system ?? "", .faint) },
        Column("KERNEL", isWide: true) { item, _ in Span(item.node?.kernel ?? "", .faint) },
        Column("RUNTIME", isWide: true) { item, _ in Span(item.node?.runtime ?? "", .faint) },
        .labels,
    ]

    static let workloads: [Column] = [
        .namespace, .name,
        Column(
            "READY", drop: 0, alignsRight: true,
            order: { .number(Double($0.workload.map { $0.ready * 1000 / max(1, $0.desired) } ?? 0)) }
        ) { item, _ in
            guard let facts = item.workload else { return Span("") }
            return Span(
                "\(facts.ready)/\(facts.desired)",
                facts.ready >= facts.desired ? .good : facts.ready == 0 ? .bad : .warn)
        },
        Column("STATUS", .status, drop: 3) { item, _ in
            guard let facts = item.workload else { return Span("") }
            if !facts.why.isEmpty { return Span("✗ Stuck", .bad) }
            if facts.isPaused { return Span("◌ Paused", .warn) }
            if facts.desired == 0 { return Span("○ Scaled to 0", .faint) }
            return facts.ready >= facts.desired ? Span("● Ready", .good) : Span("◐ Progressing", .busy)
        },
        Column("UP-TO-DATE", drop: 6, alignsRight: true) { item, _ in Span("\(item.workload?.updated ?? 0)") },
        Column("AVAILABLE", drop: 5, alignsRight: true) { item, _ in Span("\(item.workload?.available ?? 0)") },
        .age,
        Column("IMAGES", .rest, drop: 7) { item, _ in Span(item.workload?.images.joined(separator: ",") ?? "", .faint)
        },
        Column("WHY", .rest, drop: 8) { item, _ in Span(item.workload?.why ?? "", .bad) },
        Column("CONTAINERS", isWide: true) { item, _ in
            Span(item.workload?.containers.joined(separator: ",") ?? "", .faint)
        },
        Column("SELECTOR", isWide: true) { item, _ in Span(pairs(item.workload?.selector ?? [:]), .faint) },
        .labels,
    ]

    static let services: [Column] = [
        .namespace, .name,
        Column("TYPE", drop: 4) { item, _ in Span(item.service?.type ?? "") },
        Column("CLUSTER-IP", drop: 3) { item, _ in Span(item.service?.address ?? "", .accent) },
        Column("EXTERNAL-IP", drop: 7) { item, _ in Span(item.service?.external ?? "", .faint) },
        Column("PORTS", drop: 2) { item, _ in Span(item.service?.ports ?? "") },
        .age,
        Column("SELECTOR", .rest, drop: 8) { item, _ in Span(pairs(item.service?.selector ?? [:]), .faint) },
        .labels,
    ]

    static let slices: [Column] = [
        .namespace, .name,
        Column("SERVICE", drop: 2, order: { .text($0.slice?.service ?? "") }) { item, _ in
            Span(item.slice?.service ?? "", .accent)
        },
        Column(
            "READY", .status, drop: 0, alignsRight: true, order: { .number(Double($0.slice?.ready ?? 0)) }
        ) { item, _ in
            guard let slice = item.slice else { return Span("") }
            let tone: Style.Tone = slice.ready == 0 ? .bad : slice.ready < slice.total ? .warn : .good
            return Span("\(slice.ready)/\(slice.total)", tone)
        },
        .age,
        Column("PODS", .rest, drop: 7, order: { .number(Double($0.slice?.readyPods.count ?? 0)) }) { item, _ in
            Span(item.slice?.readyPods.sorted().joined(separator: ",") ?? "", .faint)
        },
        .labels,
    ]

    static let jobs: [Column] = [
        .namespace, .name,
        Column("STATUS", .status, drop: 0) { item, _ in
            guard let job = item.job else { return Span("") }
            switch job.status {
            case "Complete": return Span("✓ Complete", .done)
            case "Failed": return Span("✗ Failed", .bad)
            case "Suspended": return Span("◌ Suspended", .warn)
            default: return Span("◐ Running", .busy)
            }
        },
        Column("COMPLETIONS", drop: 3, alignsRight: true) { item, _ in
            item.job.map { Span("\($0.succeeded)/\($0.completions ?? $0.parallelism)") } ?? Span("")
        },
        Column("FAILED", drop: 5, alignsRight: true) { item, _ in
            Span("\(item.job?.failed ?? 0)", (item.job?.failed ?? 0) == 0 ? .faint : .warn)
        },
        Column(
            "DURATION", drop: 4, alignsRight: true,
            order: { .number($0.job.flatMap { job in job.start.map { ((job.end ?? $0) - $0).inSeconds } } ?? 0) }
        ) { item, now in
            guard let job = item.job, let start = job.start else { return Span("–", .faint) }
            return Span((max(start, job.end ?? now) - start).human)
        },
        .age,
        Column("WHY", .rest, drop: 7) { item, _ in Span(item.job?.why ?? "", .bad) },
        Column("IMAGES", .rest, drop: 9, isWide: true) { item, _ in
            Span(item.job?.images.joined(separator: ",") ?? "", .faint)
        },
        .labels,
    ]

    static let events: [Column] = [
        Column(
            "LAST SEEN", .age, drop: 0, alignsRight: true, order: { .number(-Double($0.event?.last?.nanoseconds ?? 0)) }
        ) { item, now in
            Span(TextFit.age(since: item.event?.last, now), .faint)
        },
        .namespace,
        Column("TYPE", drop: 4) { item, _ in
            item.event?.isWarning == true ? Span("▲ Warning", .warn) : Span("· Normal", .faint)
        },
        Column("REASON", .status, drop: 1) { item, _ in
            Span(item.event?.reason ?? "", item.event?.isWarning == true ? .warn : .text)
        },
        Column("OBJECT", drop: 2) { item, _ in
            Span(item.event.map { "\($0.kind.lowercased())/\($0.name)" } ?? "", .accent)
        },
        Column("COUNT", drop: 5, alignsRight: true) { item, _ in Span("\(item.event?.count ?? 1)", .faint) },
        Column("MESSAGE", .rest, drop: 3) { item, _ in Span(item.event?.message ?? "") },
        Column("SOURCE", isWide: true) { item, _ in Span(item.event?.source ?? "", .faint) },
        Column("NAME", .name, drop: 9, isWide: true, order: { .text($0.name) }) { item, _ in Span(item.name, .faint) },
    ]

    static func pairs(_ labels: [String: String]) -> String {
        labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
    /// `1.9Gi`, `512Mi`.
    static func bytes(_ count: Int) -> String {
        let units = ["", "Ki", "Mi", "Gi", "Ti", "Pi"]
        var value = Double(count)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        let tenths = Int((value * 10).rounded())
        return (value >= 10 || tenths % 10 == 0 ? "\(Int(value.rounded()))" : "\(tenths / 10).\(tenths % 10)")
            + units[unit]
    }
    static func cores(_ millis: Int) -> String { millis % 1000 == 0 ? "\(millis / 1000)" : "\(millis)m" }
}
