import Shared

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
