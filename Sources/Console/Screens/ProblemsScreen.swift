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
