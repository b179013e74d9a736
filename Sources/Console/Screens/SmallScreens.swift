import Shared

/// Everything that is not well, the worst first, with the reason beside it.
struct ProblemsScreen: Screen {
    private(set) var index = 0
    private(set) var offset = 0
    private(set) var filter = Filter("")
    private var shown: [Problem] = []
    private var height = 1

    var scope: Scope { .problems }
    var title: String { "Problems" }
    var filterText: String { filter.text }
    mutating func setFilter(_ text: String, _ world: World) { filter = Filter(text) }
    func subtitle(_ world: World) -> Line {
        let affected = shown.reduce(0) { $0 + $1.count }
        return [
            Span(world.namespaceTitle, .accent),
            Span("  \(TextFit.count(shown.count, "problem")), \(TextFit.count(affected, "object"))", .faint),
        ] + (filter.text.isEmpty ? [] : [Span("  /\(filter.text)", .warn)])
    }

    mutating func settle(_ world: World, _ area: Area) {
        let before = shown.indices.contains(index) ? shown[index].target : nil
        shown = world.problems.filter { problem in
            let inside =
                world.namespace.isEmpty || problem.target.key.namespace.isEmpty
                || problem.target.key.namespace == world.namespace
            return inside
                && (filter.isEmpty
                    || filter.matches([problem.target.text, problem.target.key.namespace, problem.what, problem.why]))
        }
        if let before, let found = shown.firstIndex(where: { $0.target == before }) { index = found }
        index = max(0, min(index, shown.count - 1))
        height = max(1, (area.height - 1) / 2)
        offset = max(0, min(offset, index))
        if index >= offset + height { offset = index - height + 1 }
    }

    func targets(_ world: World) -> [Target] { shown.indices.contains(index) ? [shown[index].target] : [] }
    func availability(_ command: Intent, _ world: World) -> Availability {
        switch command {
        case .up, .down, .pageUp, .pageDown, .top, .bottom, .filter: .yes
        default: Actions.availability(command, targets(world), world)
        }
    }
    mutating func perform(_ command: Intent, _ world: World) -> [Step] {
        switch command {
        case .up: index = max(0, index - 1)
        case .down: index = min(max(0, shown.count - 1), index + 1)
        case .pageUp: index = max(0, index - height)
        case .pageDown: index = min(max(0, shown.count - 1), index + height)
        case .top: index = 0
        case .bottom: index = max(0, shown.count - 1)
        case .open: return Actions.steps(.why, targets(world), world)
        default: return Actions.steps(command, targets(world), world)
        }
        return []
    }

    func draw(_ canvas: inout Canvas, _ area: Area, _ world: World) {
        if shown.isEmpty {
            return EmptyView.draw(
                &canvas, area,
                [
                    [
                        Span("● ", .good),
                        Span(filter.isEmpty ? "Everything is well." : "No problem matches /\(filter.text).", .strong),
                    ],
                    [
                        Span(
                            "Nodes, pods, workloads, services and claims are watched; trouble shows here as it comes.",
                            .faint)
                    ],
                ])
        }
        for (row, problem) in shown.dropFirst(offset).prefix(height).enumerated() {
            let y = area.y + 1 + row * 2
            let more = problem.count > 1 ? "  +\(problem.count - 1) like it" : ""
            let place = problem.target.key.namespace.isEmpty ? "" : "  \(problem.target.key.namespace)"
            canvas.put(
                [
                    Span("\(TextFit.pad(problem.severity.word, to: 7))", Style(problem.severity.tone, .bold)),
                    Span(problem.target.text, .strong), Span(place, .faint),
                    Span("  \(problem.what)", problem.severity.tone), Span(more, .warn),
                ],
                x: area.x + 2, y: y, limit: area.x + area.width - 8)
            canvas.put(
                [Span(TextFit.age(since: problem.since, world.now), .quiet)], endingAt: area.x + area.width - 2, y: y)
            let effects = problem.effects.isEmpty ? "" : "  ⇒ \(problem.effects.joined(separator: ", "))"
            canvas.put(
                [Span(problem.why, .faint), Span(effects, .warn)], x: area.x + 9, y: y + 1,
                limit: area.x + area.width - 2)
            if offset + row == index { TableView.select(&canvas, Area(x: area.x, y: y, width: area.width, height: 1)) }
        }
    }
}

/// The action log: what was done in this session, and what failed.
struct MessagesScreen: Screen {
    private(set) var pane = TextPane()
    init() { pane.follows = true }
    var scope: Scope { .messages }
    var title: String { "Messages" }
    var filterText: String { pane.search.text }
    func subtitle(_ world: World) -> Line { [Span("what was done in this session", .faint)] + pane.position }
    mutating func setFilter(_ text: String, _ world: World) { pane.setSearch(text) }
    func availability(_ command: Intent, _ world: World) -> Availability { pane.availability(command) }
    mutating func perform(_ command: Intent, _ world: World) -> [Step] {
        _ = pane.perform(command)
        return []
    }
    mutating func settle(_ world: World, _ area: Area) {
        let lines: [Line] = world.entries.flatMap { entry -> [Line] in
            TextPane.wrap(
                [Span(" \(world.clock(entry.time))  ", .faint), Span(entry.text, entry.tone)], width: area.width - 2)
        }
        pane.show(lines, height: area.height)
    }
    func draw(_ canvas: inout Canvas, _ area: Area, _ world: World) {
        guard pane.lines.isEmpty else { return pane.draw(&canvas, area) }
        EmptyView.draw(
            &canvas, area,
            [
                [Span("Nothing was done yet.", .strong)],
                [Span("Every action and every failure of this session is kept here.", .faint)],
            ])
    }
}

/// All keys and commands, made from the tables that also drive them.
struct HelpScreen: Screen {
    let from: Scope
    private(set) var pane = TextPane()
    private(set) var filter = Filter("")

    init(from scope: Scope) { from = scope }
    var scope: Scope { .help }
    var title: String { "Help" }
    var filterText: String { filter.text }
    func subtitle(_ world: World) -> Line {
        [Span("/ searches", .faint)] + (filter.text.isEmpty ? [] : [Span("  /\(filter.text)", .warn)])
    }
    mutating func setFilter(_ text: String, _ world: World) { filter = Filter(text) }
    func availability(_ command: Intent, _ world: World) -> Availability { pane.availability(command) }
    mutating func perform(_ command: Intent, _ world: World) -> [Step] {
        _ = pane.perform(command)
        return []
    }
    mutating func settle(_ world: World, _ area: Area) {
        pane.show(HelpScreen.lines(from, filter, width: area.width), height: area.height)
    }
    func draw(_ canvas: inout Canvas, _ area: Area, _ world: World) { pane.draw(&canvas, area) }

    static func lines(_ scope: Scope, _ filter: Filter, width: Int) -> [Line] {
        var lines: [Line] = []
        func row(_ head: String, _ help: String, isHere: Bool, label: String = "") -> [Line] {
            guard filter.isEmpty || filter.matches([head, help, label]) else { return [] }
            return TextFit.wrap(help, to: max(20, width - 24)).enumerated().map { index, text in
                [
                    Span(
                        "  " + TextFit.pad(index == 0 ? head : "", to: 18),
                        Style(isHere ? .accent : .faint, isHere ? .bold : [])), Span(text, isHere ? .text : .faint),
                ]
            }
        }
        for group in Binding.Group.allCases {
            let here = Keymap.bindings.filter { $0.group == group && $0.scopes.contains(scope) }
            let rows = here.flatMap {
                row($0.keys.map(\.description).joined(separator: " "), $0.help, isHere: true, label: $0.label)
            }
            if !rows.isEmpty { lines += (lines.isEmpty ? [] : [[]]) + [[Span(" \(group.rawValue)", .heading)]] + rows }
        }
        let verbs =
            PromptCommand.verbs.flatMap { row(":\($0.name) \($0.operands)", $0.help, isHere: true) }
            + row(
                ":RESOURCE [NS] [/TEXT]",
                "Any resource the server lists, by any of its names: :pods, :deploy kube-system, :po -l app=web.",
                isHere: true)
        lines += [[], [Span(" Commands", .heading)]] + verbs
        let others = Keymap.bindings.filter { !$0.scopes.contains(scope) }
        let rest = others.flatMap {
            row($0.keys.map(\.description).joined(separator: " "), $0.help, isHere: false, label: $0.label)
        }
        return rest.isEmpty ? lines : lines + [[], [Span(" On other screens", .heading)]] + rest
    }
}

/// What applying a manifest would change, before it is done.
struct PlanScreen: Screen {
    let plan: Plan
    private(set) var pane = TextPane()
    init(_ plan: Plan) { self.plan = plan }
    var scope: Scope { .plan }
    var title: String { plan.title }
    var filterText: String { pane.search.text }
    func subtitle(_ world: World) -> Line {
        let counts: [(Plan.Change.Verb, Style.Tone)] = [
            (.create, .good), (.change, .warn), (.delete, .bad), (.same, .faint), (.refused, .bad),
        ]
        return counts.compactMap { verb, tone in
            let count = plan.changes.count { $0.verb == verb }
            return count == 0 ? nil : Span("\(count) \(verb.rawValue)  ", tone)
        } + pane.position
    }
    mutating func setFilter(_ text: String, _ world: World) { pane.setSearch(text) }
    func availability(_ command: Intent, _ world: World) -> Availability {
        switch command {
        case .apply, .open:
            if world.isReadOnly { return .no("The console is read-only.") }
            return plan.calls.isEmpty ? .no("There is nothing to change.") : .yes
        default: return pane.availability(command)
        }
    }
    mutating func perform(_ command: Intent, _ world: World) -> [Step] {
        guard command == .apply || command == .open else {
            _ = pane.perform(command)
            return []
        }
        let changes = plan.changes.filter { $0.call != nil }
        let body: [Line] = changes.prefix(10).map {
            [
                Span("  \($0.verb == .create ? "+" : "~") ", $0.verb == .create ? .good : .warn),
                Span("\($0.verb.rawValue) \($0.subject)"),
            ]
        }
        let action = Action(
            title: plan.title.lowercasedFirst, done: "\(TextFit.count(changes.count, "object")) applied",
            work: .calls(plan.calls), group: plan.group)
        return [
            .ask(
                Dialog(
                    title: "Apply \(TextFit.count(changes.count, "change"))?", body: body, verb: "Apply",
                    effects: [.perform(action)]))
        ]
    }
    mutating func settle(_ world: World, _ area: Area) {
        let tones: [Plan.Change.Verb: Style.Tone] = [
            .create: .good, .change: .warn, .delete: .bad, .same: .faint, .refused: .bad,
        ]
        let lines: [Line] = plan.changes.flatMap { change -> [Line] in
            [
                [
                    Span(" \(change.verb.rawValue) ", Style(tones[change.verb] ?? .text, .bold)),
                    Span(change.subject, .strong),
                ]
            ] + change.lines.map { [Span("  ")] + $0.line } + [[]]
        }
        pane.show(lines, height: area.height)
    }
    func draw(_ canvas: inout Canvas, _ area: Area, _ world: World) { pane.draw(&canvas, area) }
}

extension String {
    var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
