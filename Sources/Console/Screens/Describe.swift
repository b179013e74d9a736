import Shared

/// An object in words: what it is, how it is doing, why, and what happened to it. Pure.
enum Describe {
    private static let labelWidth = 14

    static func lines(_ json: JSON, _ target: Target, _ world: World, width: Int) -> [Line] {
        let object = Object(json)
        let metadata = object.metadata
        var lines: [Line] = state(json, target, world)
        lines += head(metadata, target, world)
        switch target.resource.plural {
        case "pods": lines += pod(Pod(json), world, width)
        case "nodes": lines += node(Node(json), target, world)
        case "services": lines += service(ClusterService(json), target, world)
        case "deployments", "replicasets", "statefulsets", "daemonsets": lines += workload(json, target, world)
        case "configmaps": lines += data(json)
        case "secrets": lines += secret(json)
        default: lines += rest(json)
        }
        lines += conditions(json, world, width)
        lines += events(metadata, target, world, width)
        return lines
    }

    private static func field(_ label: String, _ value: String, _ tone: Style.Tone = .text) -> [Line] {
        value.isEmpty ? [] : [[Span(" " + TextFit.pad(label, to: labelWidth), .faint), Span(value, tone)]]
    }
    private static func section(_ title: String, _ lines: [Line], note: String = "") -> [Line] {
        lines.isEmpty
            ? [] : [[], [Span(" " + title, .heading), Span(note.isEmpty ? "" : "  " + note, .faint)]] + lines
    }

    /// The first line: the one thing that matters.
    private static func state(_ json: JSON, _ target: Target, _ world: World) -> [Line] {
        switch Item.project(json, target.resource.type).facts {
        case .pod(let pod):
            return [
                [
                    Span(" \(pod.health.glyph) \(pod.status)", Style(pod.health.tone, .bold)),
                    Span(pod.why.isEmpty ? "" : "  \(pod.why)", pod.health.tone),
                ], [],
            ]
        case .node(let node):
            return [
                [
                    Span(" \(node.isReady ? "●" : "✗") \(node.status)", Style(node.isReady ? .good : .bad, .bold)),
                    Span(node.why.isEmpty ? "" : "  \(node.why)", .warn),
                ], [],
            ]
        case .workload(let work):
            let tone: Style.Tone = !work.why.isEmpty ? .bad : work.isSettled ? .good : .busy
            let word = !work.why.isEmpty ? "✗ Stuck" : work.isSettled ? "● Ready" : "◐ Progressing"
            return [
                [
                    Span(" \(word)", Style(tone, .bold)), Span("  \(work.ready) of \(work.desired) ready"),
                    Span(work.why.isEmpty ? "" : "  \(work.why)", .bad),
                ], [],
            ]
        case .job(let job):
            let tone: Style.Tone = job.status == "Failed" ? .bad : job.status == "Complete" ? .done : .busy
            return [
                [
                    Span(" \(job.status)", Style(tone, .bold)),
                    Span("  \(job.succeeded) of \(job.completions ?? job.parallelism) done"),
                    Span(job.why.isEmpty ? "" : "  \(job.why)", .bad),
                ], [],
            ]
        default: return []
        }
    }

    private static func head(_ metadata: ObjectMeta, _ target: Target, _ world: World) -> [Line] {
        var lines = field("Name", metadata.name, .strong)
        lines += field("Namespace", metadata.namespace, .accent)
        if let created = metadata.creationTimestamp {
            lines.append([
                Span(" " + TextFit.pad("Age", to: labelWidth), .faint), Span(TextFit.age(since: created, world.now)),
                Span("  since \(created.rfc3339)", .faint),
            ])
        }
        if let due = metadata.deletionTimestamp {
            lines += field(
                "Deleting",
                "due \(due.rfc3339)"
                    + (metadata.finalizers.isEmpty ? "" : ", held by \(metadata.finalizers.joined(separator: ", "))"),
                .warn)
        }
        if let owner = metadata.controller ?? metadata.ownerReferences.first {
            lines.append([
                Span(" " + TextFit.pad("Owner", to: labelWidth), .faint), Span("\(owner.kind) "),
                Span(owner.name, .accent), Span("  J jumps there", .edge),
            ])
        }
        lines += map("Labels", metadata.labels)
        lines += map(
            "Annotations", metadata.annotations.filter { $0.key != "kubectl.kubernetes.io/last-applied-configuration" })
        return lines
    }

    private static func map(_ label: String, _ values: [String: String]) -> [Line] {
        values.sorted { $0.key < $1.key }.prefix(20).enumerated().map { index, pair in
            [
                Span(" " + TextFit.pad(index == 0 ? label : "", to: labelWidth), .faint), Span(pair.key, .faint),
                Span("=", .edge), Span(TextFit.cut(pair.value, to: 200)),
            ]
        }
    }

    // MARK: Kinds.

    private static func pod(_ pod: Pod, _ world: World, _ width: Int) -> [Line] {
        var lines: [Line] = []
        lines += field("Node", pod.spec.nodeName + (pod.status.hostIP.isEmpty ? "" : " (\(pod.status.hostIP))"))
        lines += field("Address", pod.status.podIP)
        lines += field("Account", pod.spec.serviceAccountName)
        lines += field("Quality", pod.status.json["qosClass"].string ?? "")
        let states = pod.status.initContainerStatuses + pod.status.containerStatuses
        for (index, container) in (pod.spec.initContainers + pod.spec.containers).enumerated() {
            let isInit = index < pod.spec.initContainers.count
            lines += section(
                "\(isInit ? "Init container" : "Container") \(container.name)",
                self.container(container, states.first { $0.name == container.name }, world))
        }
        let volumes: [Line] = pod.spec.volumes.prefix(30).map { volume in
            let source = volume.members.first { $0.key != "name" }
            let name =
                source?.value["name"].string ?? source?.value["secretName"].string ?? source?.value["claimName"].string
                ?? source?.value["path"].string ?? ""
            return [
                Span("   " + TextFit.pad(volume["name"].string ?? "", to: labelWidth + 8)),
                Span(source?.key ?? "", .accent), Span(name.isEmpty ? "" : "  \(name)", .faint),
            ]
        }
        return lines + section("Volumes", volumes)
    }

    private static func container(_ container: Container, _ status: ContainerStatus?, _ world: World) -> [Line] {
        var lines: [Line] = []
        func field(_ label: String, _ value: String, _ tone: Style.Tone = .text) -> [Line] {
            value.isEmpty ? [] : [[Span("   " + TextFit.pad(label, to: labelWidth - 2), .faint), Span(value, tone)]]
        }
        if let status {
            let facts = ContainerFacts(status)
            let since =
                (status.state[facts.state]["startedAt"].string ?? "").isEmpty
                ? ""
                : " for "
                    + TextFit.age(
                        since: Timestamp(rfc3339: status.state[facts.state]["startedAt"].string ?? ""), world.now)
            let tone: Style.Tone =
                facts.state == "running"
                ? facts.isReady ? .good : .busy
                : facts.exitCode == 0 ? .done : facts.state == "waiting" && facts.restarts == 0 ? .busy : .bad
            let word = [facts.state, facts.reason, facts.exitCode.map { "exit \($0)" } ?? ""].filter { !$0.isEmpty }
                .joined(separator: " · ")
            lines += field(
                "State", word + (facts.state == "running" ? since + (facts.isReady ? ", ready" : ", not ready") : ""),
                tone)
            lines += field("Says", status.state[facts.state]["message"].string ?? "", tone)
            if facts.restarts > 0 {
                let ago = facts.lastExit?.at.map { ", \(TextFit.age(since: $0, world.now)) ago" } ?? ""
                lines += field(
                    "Restarts", "\(facts.restarts)" + (facts.lastExit.map { ", last \($0.text)\(ago)" } ?? ""), .warn)
            }
        }
        lines += field("Image", container.image)
        lines += field("Command", (container.command + container.arguments).joined(separator: " "))
        lines += field(
            "Ports",
            container.ports.map {
                "\($0["containerPort"].int ?? 0)/\($0["protocol"].string ?? "TCP")"
                    + ($0["name"].string.map { " \($0)" } ?? "")
            }.joined(separator: ", "))
        let requests = container.json.at("resources", "requests").strings
        let limits = container.json.at("resources", "limits").strings
        let names = Set(requests.keys).union(limits.keys).sorted()
        lines += field(
            "Resources",
            names.map { "\($0) \(requests[$0] ?? "–") to \(limits[$0] ?? "no limit")" }.joined(separator: ", "))
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
            let value = container.json[probe]
            guard value.object != nil else { continue }
            let how =
                value["httpGet"].object != nil
                ? "GET \(value.at("httpGet", "path").string ?? "/") on \(value.at("httpGet", "port").int.map(String.init) ?? value.at("httpGet", "port").string ?? "")"
                : value["tcpSocket"].object != nil
                    ? "connect to \(value.at("tcpSocket", "port").text)"
                    : value.at("exec", "command").items.compactMap(\.string).joined(separator: " ")
            lines += field(
                probe.dropLast(5).capitalizedFirst, "\(how) every \(value["periodSeconds"].int ?? 10)s", .faint)
        }
        return lines
    }

    private static func node(_ node: Node, _ target: Target, _ world: World) -> [Line] {
        let facts = NodeFacts(node)
        var lines = field("Address", facts.address)
        lines += field("Pod network", node.podCIDR)
        lines += field("Version", facts.version)
        lines += field("System", [facts.system, facts.kernel].filter { !$0.isEmpty }.joined(separator: ", "))
        lines += field("Taints", facts.taints.joined(separator: ", "), .warn)
        let pods = world.pods(of: target).sorted { $0.key < $1.key }
        let used = pods.filter { $0.pod?.health != .finished }.reduce((0, 0)) {
            ($0.0 &+ ($1.pod?.cpuMillis ?? 0), $0.1 &+ ($1.pod?.memoryBytes ?? 0))
        }
        var room: [Line] = []
        if facts.cpuMillis > 0 {
            room.append(
                [Span("   " + TextFit.pad("cpu", to: 8), .faint)] + Gauge.line(used.0, of: facts.cpuMillis, cells: 20)
                    + [Span("  \(used.0)m of \(facts.cpuMillis)m requested", .faint)])
        }
        if facts.memoryBytes > 0 {
            room.append(
                [Span("   " + TextFit.pad("memory", to: 8), .faint)]
                    + Gauge.line(used.1, of: facts.memoryBytes, cells: 20) + [
                        Span("  \(Columns.bytes(used.1)) of \(Columns.bytes(facts.memoryBytes)) requested", .faint)
                    ])
        }
        lines += section("Room", room)
        let rows: [Line] = pods.prefix(50).map { pod in
            [
                Span("   \(pod.pod?.health.glyph ?? " ") ", pod.pod?.health.tone ?? .text),
                Span(TextFit.pad(pod.name, to: 40, .middle)), Span("  " + TextFit.pad(pod.namespace, to: 16), .faint),
                Span("  \(pod.pod?.status ?? "")", pod.pod?.health.tone ?? .text),
            ]
        }
        return lines + section("Pods", rows, note: "\(pods.count)")
    }

    private static func service(_ service: ClusterService, _ target: Target, _ world: World) -> [Line] {
        var lines = field("Type", service.type)
        lines += field("Address", service.clusterIP, .accent)
        lines += field("Ports", ServiceFacts(service).ports)
        lines += field("Selector", Columns.pairs(service.selector))
        let slices = world.slices.values.filter {
            $0.namespace == target.key.namespace && $0.slice?.service == target.key.name
        }
        let ready = slices.reduce(0) { $0 + ($1.slice?.ready ?? 0) }
        let total = slices.reduce(0) { $0 + ($1.slice?.total ?? 0) }
        lines += field("Endpoints", "\(ready) ready of \(total)", ready == 0 ? .bad : ready < total ? .warn : .good)
        let names = slices.flatMap { $0.slice?.readyPods ?? [] }.sorted()
        return lines + section("Ready behind it", names.prefix(50).map { [Span("   ● ", .good), Span($0)] })
    }

    private static func workload(_ json: JSON, _ target: Target, _ world: World) -> [Line] {
        let facts = WorkloadFacts(json)
        var lines = field(
            "Replicas",
            "\(facts.desired) wanted, \(facts.current) there, \(facts.updated) up to date, \(facts.available) available"
        )
        lines += field(
            "Strategy",
            json.at("spec", "strategy", "type").string ?? json.at("spec", "updateStrategy", "type").string ?? "")
        lines += field("Selector", Columns.pairs(facts.selector))
        lines += field("Images", facts.images.joined(separator: ", "))
        let pods = world.pods(of: target).sorted { $0.key < $1.key }
        let rows: [Line] = pods.prefix(50).map { pod in
            [
                Span("   \(pod.pod?.health.glyph ?? " ") ", pod.pod?.health.tone ?? .text),
                Span(TextFit.pad(pod.name, to: 36, .middle)),
                Span("  " + TextFit.pad(pod.pod?.status ?? "", to: 18), pod.pod?.health.tone ?? .text),
                Span("  \(pod.pod?.node ?? "")", .faint), Span("  \(world.age(pod))", .faint),
            ]
        }
        return lines + section("Pods", rows, note: "\(pods.count)")
    }

    private static func data(_ json: JSON) -> [Line] {
        var lines: [Line] = []
        for (key, value) in json["data"].strings.sorted(by: { $0.key < $1.key }).prefix(100) {
            let text = value.split(separator: "\n", omittingEmptySubsequences: false).prefix(40)
            lines += section(key, text.map { [Span("   " + String($0))] })
        }
        return lines
    }

    /// Names and sizes; values stay out of sight.
    private static func secret(_ json: JSON) -> [Line] {
        field("Type", json["type"].string ?? "")
            + section(
                "Data",
                json["data"].strings.sorted { $0.key < $1.key }.map {
                    [Span("   " + TextFit.pad($0.key, to: 30)), Span("\($0.value.utf8.count / 4 * 3) bytes", .faint)]
                })
    }

    /// Kinds without a description of their own show their other members as YAML.
    private static func rest(_ json: JSON) -> [Line] {
        var members = json
        for name in ["apiVersion", "kind", "metadata"] { members.remove(name) }
        if members["status"].object != nil { members["status"].remove("conditions") }
        var lines: [Line] = []
        for (key, value) in members.members where value.object.map({ !$0.isEmpty }) ?? !value.isNull {
            lines += section(key.capitalizedFirst, YAMLText.lines(value).prefix(400).map { [Span("   ")] + $0 })
        }
        return lines
    }

    private static func conditions(_ json: JSON, _ world: World, _ width: Int) -> [Line] {
        let all = json.at("status", "conditions").items.map { Condition($0) }
        // Names that are good when false.
        let inverse = ["Pressure", "Unavailable", "Failed", "ReplicaFailure", "Suspended", "DisruptionTarget"]
        return section(
            "Conditions",
            all.prefix(30).map { condition in
                let isGood = condition.isTrue != inverse.contains { condition.type.hasSuffix($0) }
                let tone: Style.Tone = condition.status == "Unknown" ? .warn : isGood ? .good : .bad
                let age = TextFit.age(since: condition.lastTransitionTime, world.now)
                let words = [condition.reason, condition.message].filter { !$0.isEmpty }.joined(separator: ": ")
                return [
                    Span("   \(isGood ? "✓" : "✗") ", tone), Span(TextFit.pad(condition.type, to: 26)),
                    Span(TextFit.pad(condition.status, to: 8), tone),
                    Span(TextFit.pad(age, to: 7, alignRight: true) + "  ", .faint),
                    Span(words, isGood ? .faint : .text),
                ]
            })
    }

    /// Events about the object, the newest first.
    private static func events(_ metadata: ObjectMeta, _ target: Target, _ world: World, _ width: Int) -> [Line] {
        let mine = world.events.values.compactMap(\.event).filter { event in
            event.kind == target.resource.type.kind && event.name == metadata.name
                && (event.uid.isEmpty || metadata.uid.isEmpty || event.uid == metadata.uid
                    || target.resource.plural == "nodes")
                && (metadata.namespace.isEmpty || event.namespace == metadata.namespace)
        }.sorted { ($0.last?.nanoseconds ?? 0) > ($1.last?.nanoseconds ?? 0) }
        let rows: [Line] = mine.prefix(50).map { event in
            [
                Span("   \(event.isWarning ? "▲" : "·") ", event.isWarning ? .warn : .faint),
                Span(TextFit.pad(TextFit.age(since: event.last, world.now), to: 6, alignRight: true) + "  ", .faint),
                Span(TextFit.pad(event.reason, to: 18) + "  ", event.isWarning ? .warn : .accent), Span(event.message),
                Span(event.count > 1 ? "  ×\(event.count)" : "", .faint),
            ]
        }
        return section("Events", rows.isEmpty ? [[Span("   none in the last hour", .faint)]] : rows)
    }
}
