import Shared

/// The logs of one or several pods, merged by time, growing live. Bounded: what had to go is counted and said.
struct LogScreen: Screen {
    let target: Target
    private(set) var keys: [LogKey]
    let isPrevious: Bool
    /// Pods that the target has, of which the first ones are read.
    private var podCount: Int
    private(set) var lines: [LogLine] = []
    private(set) var dropped = 0
    private(set) var pane = TextPane()
    private(set) var showsTimes = false
    private(set) var wraps = true
    /// Index into `keys`; nil shows all.
    private(set) var only: Int?
    private var states: [LogKey: String] = [:]
    /// Everything is laid out anew; else only lines behind `shownCount` are.
    private var isStale = true
    private var shownCount = 0
    private var width = 0
    /// Lines that a container had written before the ones asked for, as far as it shows.
    private var received: [LogKey: Int] = [:]

    init(_ target: Target, pods: [Item], isPrevious: Bool) {
        self.target = target
        self.isPrevious = isPrevious
        podCount = pods.count
        keys = pods.prefix(Limits.logPodsMax).flatMap { LogScreen.keys(of: $0, isPrevious: isPrevious) }
        pane.follows = true
    }

    private static func keys(of pod: Item, isPrevious: Bool) -> [LogKey] {
        (pod.pod?.names ?? []).map {
            LogKey(namespace: pod.namespace, pod: pod.name, container: $0, isPrevious: isPrevious)
        }
    }

    /// Pods that join the workload are read too; those that are gone make room.
    private mutating func join(_ pod: Item, _ world: World) {
        podCount += 1
        if Set(keys.map(\.pod)).count >= Limits.logPodsMax {
            keys.removeAll { world.pods[Item.Key(namespace: $0.namespace, name: $0.pod)] == nil }
            only = nil
        }
        guard Set(keys.map(\.pod)).count < Limits.logPodsMax else { return }
        keys += LogScreen.keys(of: pod, isPrevious: false)
        insert(LogLine(time: "", container: "", text: "pod \(pod.name) joins", kind: .boundary))
    }

    var scope: Scope { .logs }
    var title: String { "Log of \(target.text)" }
    var filterText: String { pane.search.text }
    func logs(_ world: World) -> [LogKey] { keys }
    func feeds(_ world: World) -> [FeedKey] { [] }

    func subtitle(_ world: World) -> Line {
        var line: Line = []
        if let only {
            line.append(Span(name(keys[only]), .accent))
        } else if keys.count > 1 {
            line.append(Span("\(keys.count) containers", .accent))
        }
        let read = Set(keys.map(\.pod)).count
        if read < podCount, podCount > Limits.logPodsMax {
            line.append(Span("  of \(read) of \(podCount) pods", .warn))
        }
        if isPrevious { line.append(Span("  the run before", .warn)) }
        if dropped > 0 { line.append(Span("  \(TextFit.grouped(dropped)) older lines dropped", .warn)) }
        line.append(pane.follows ? Span("  ● following", .good) : Span("  ◌ standing still, f follows", .warn))
        return line + pane.position
    }

    private func name(_ key: LogKey) -> String {
        Set(keys.map(\.pod)).count > 1 ? "\(key.pod.suffix(11))/\(key.container)" : key.container
    }

    mutating func observe(_ key: LogKey, _ news: LogNews, _ world: World) {
        guard keys.contains(key) else { return }
        switch news {
        case .opened: states[key] = ""
        case .lines(let new):
            received[key, default: 0] += new.count
            for line in new { insert(LogLine(time: line.time, container: name(key), text: line.text, kind: line.kind)) }
            if lines.count > Limits.logLinesMax + Limits.logLinesMax / 10 {
                dropped += lines.count - Limits.logLinesMax
                lines.removeFirst(lines.count - Limits.logLinesMax)
                isStale = true
            }
        case .ended(let why, let isFinal):
            states[key] = why
            if isFinal {
                insert(LogLine(time: lines.last?.time ?? "", container: name(key), text: why, kind: .boundary))
            }
        }
    }

    /// A restart becomes a line of its own, between the end of one run and the beginning of the next.
    mutating func observe(_ key: FeedKey, _ changes: [(old: Item?, new: Item?)], _ world: World) {
        guard key == .all(.pods), !isPrevious else { return }
        let belongs = target.resource == .pods ? nil : world.belongs(to: target)
        for change in changes {
            if let belongs, change.old == nil, let new = change.new, belongs(new),
                !keys.contains(where: { $0.pod == new.name })
            {
                join(new, world)
            }
            guard let item = change.new, let old = change.old?.pod, let new = item.pod,
                keys.contains(where: { $0.pod == item.name && $0.namespace == item.namespace })
            else { continue }
            for container in new.containers {
                guard let before = old.containers.first(where: { $0.name == container.name }),
                    container.restarts > before.restarts
                else { continue }
                let exit = container.lastExit.map { " after \($0.text)" } ?? ""
                let key = LogKey(namespace: item.namespace, pod: item.name, container: container.name)
                insert(
                    LogLine(
                        time: "", container: name(key), text: "restarted (×\(container.restarts))\(exit)",
                        kind: .boundary))
            }
        }
    }

    /// Lines of several containers arrive nearly in order: look back a little for the right place.
    private mutating func insert(_ line: LogLine) {
        var index = lines.count
        let floor = max(0, index - 2_000)
        if !line.time.isEmpty {
            while index > floor, lines[index - 1].time > line.time { index -= 1 }
        }
        if index < shownCount { isStale = true }
        lines.insert(line, at: index)
    }

    func targets(_ world: World) -> [Target] { [target] }
    func availability(_ command: Intent, _ world: World) -> Availability {
        switch command {
        case .follow, .timestamps, .wrap: .yes
        case .nextContainer: keys.count > 1 ? .yes : .no("There is one container only.")
        case .previousLogs: target.resource.plural == "pods" ? .yes : .hidden
        default: pane.availability(command)
        }
    }

    mutating func perform(_ command: Intent, _ world: World) -> [Step] {
        if pane.perform(command) {
            if command == .bottom { pane.follows = true }
            return []
        }
        isStale = true
        switch command {
        case .follow: pane.follows.toggle()
        case .timestamps: showsTimes.toggle()
        case .wrap: wraps.toggle()
        case .nextContainer: only = only.map { $0 + 1 < keys.count ? $0 + 1 : nil } ?? 0
        case .previousLogs:
            let pods = world.pods(of: target)
            guard !pods.isEmpty else { return [.say("The pod is gone, and its log with it.", .warn)] }
            return [.pop, .push(LogScreen(target, pods: pods, isPrevious: !isPrevious))]
        default: break
        }
        return []
    }

    mutating func setFilter(_ text: String, _ world: World) { pane.setSearch(text) }

    mutating func settle(_ world: World, _ area: Area) {
        if !isStale, width == area.width {
            // Only what is new is laid out: a busy log costs what it writes.
            if shownCount < lines.count {
                pane.append(rows(lines[shownCount...], area.width), height: area.height)
                shownCount = lines.count
            }
            return pane.resize(height: area.height)
        }
        isStale = false
        width = area.width
        var shown: [Line] = []
        if dropped > 0 {
            shown.append([Span(" ── \(TextFit.grouped(dropped)) older lines were dropped to bound memory ──", .warn)])
        } else if received.contains(where: { $0.value >= $0.key.tail && !$0.key.isPrevious }) {
            shown.append([
                Span(
                    " ── begins with the last \(TextFit.grouped(keys.first?.tail ?? 0)) lines of each container ──",
                    .faint)
            ])
        }
        shown += rows(lines[...], area.width)
        shownCount = lines.count
        pane.show(shown, height: area.height)
    }

    private func rows(_ lines: ArraySlice<LogLine>, _ width: Int) -> [Line] {
        var shown: [Line] = []
        let selected = only.map { name(keys[$0]) }
        let label = keys.count > 1 && only == nil ? min(20, keys.map { Width.of(name($0)) }.max() ?? 0) : 0
        for line in lines where selected == nil || line.container == selected || line.container.isEmpty {
            if line.kind == .boundary {
                shown.append([Span(" ── \(line.container.isEmpty ? "" : line.container + " ")\(line.text) ──", .warn)])
                continue
            }
            var row: Line = [Span(" ")]
            if showsTimes { row.append(Span(TextFit.cut(String(line.time.prefix(23)), to: 23) + " ", .edge)) }
            if label > 0 {
                row.append(Span(TextFit.pad(line.container, to: label) + " ", LogScreen.tone(line.container)))
            }
            row.append(Span(line.text, LogScreen.level(line.text)))
            shown += wraps ? TextPane.wrap(row, width: width - 2) : [row]
        }
        return shown
    }

    /// A colour of its own for each container, out of the calm ones.
    private static func tone(_ name: String) -> Style.Tone {
        let tones: [Style.Tone] = [.accent, .good, .busy, .warn]
        return tones[name.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF } % tones.count]
    }
    /// Lines that speak of errors stand out.
    private static func level(_ text: String) -> Style.Tone {
        let head = text.prefix(120)
        if ["ERROR", "FATAL", "PANIC", "panic:", "level=error", "\"level\":\"error\""].contains(where: {
            head.contains($0)
        }) {
            return .bad
        }
        return ["WARN", "level=warn", "\"level\":\"warn"].contains(where: { head.contains($0) }) ? .warn : .text
    }

    func draw(_ canvas: inout Canvas, _ area: Area, _ world: World) {
        guard pane.lines.isEmpty else { return pane.draw(&canvas, area) }
        let trouble = states.values.first { !$0.isEmpty }
        if let trouble {
            EmptyView.draw(&canvas, area, [[Span("There is no log to show.", .strong)], [Span(trouble, .faint)]])
        } else {
            EmptyView.draw(
                &canvas, area,
                [
                    [
                        Span(states.isEmpty ? "◐ " : "● ", .busy),
                        Span(states.isEmpty ? "Opening the log…" : "The log is empty so far.", .strong),
                    ]
                ])
        }
    }
}
