import Shared

/// One object, live: described with its events, or as YAML.
struct DetailScreen: Screen {
    enum Mode: Sendable { case describe, yaml }
    let target: Target
    private(set) var mode: Mode
    private(set) var pane = TextPane()
    private(set) var wraps = true
    private var width = 80

    init(_ target: Target, _ mode: Mode) {
        self.target = target
        self.mode = mode
    }

    var scope: Scope { .detail }
    var title: String { target.text }
    var filterText: String { pane.search.text }
    func subtitle(_ world: World) -> Line {
        let place = target.key.namespace.isEmpty ? "" : target.key.namespace
        return [Span(place, .accent), Span(mode == .yaml ? "  YAML" : "", .faint)] + pane.position
    }

    private var key: FeedKey {
        FeedKey(
            resource: target.resource, namespace: target.key.namespace, fields: "metadata.name=\(target.key.name)",
            form: .whole)
    }
    func feeds(_ world: World) -> [FeedKey] { [key] }
    func targets(_ world: World) -> [Target] { [target] }

    func availability(_ command: Intent, _ world: World) -> Availability {
        switch command {
        case .open: return .hidden
        case .describe: return mode == .describe ? .hidden : .yes
        case .yaml: return mode == .yaml ? .hidden : .yes
        case .wrap, .nextGroup: return .yes
        default: break
        }
        let own = pane.availability(command)
        return own == .hidden ? Actions.availability(command, [target], world) : own
    }

    mutating func perform(_ command: Intent, _ world: World) -> [Step] {
        if pane.perform(command) { return [] }
        switch command {
        case .describe: mode = .describe
        case .yaml: mode = .yaml
        case .nextGroup: mode = mode == .yaml ? .describe : .yaml
        case .wrap: wraps.toggle()
        default: return Actions.steps(command, [target], world)
        }
        return []
    }

    mutating func setFilter(_ text: String, _ world: World) { pane.setSearch(text) }

    mutating func settle(_ world: World, _ area: Area) {
        width = area.width
        guard let object = world.feed(key).items.values.first?.object else { return pane.show([], height: area.height) }
        var lines =
            mode == .yaml
            ? YAMLText.lines(DetailScreen.readable(object)).map { [Span(" ")] + $0 }
            : Describe.lines(object, target, world, width: area.width - 2)
        if wraps { lines = lines.flatMap { TextPane.wrap($0, width: area.width - 2) } }
        pane.show(lines, height: area.height)
    }

    /// Without the bookkeeping of field managers, which nobody reads.
    private static func readable(_ json: JSON) -> JSON {
        var json = json
        json["metadata"].remove("managedFields")
        return json
    }

    func draw(_ canvas: inout Canvas, _ area: Area, _ world: World) {
        guard pane.lines.isEmpty else { return pane.draw(&canvas, area) }
        let feed = world.feed(key)
        switch feed.state {
        case .refused(let status):
            EmptyView.draw(
                &canvas, area,
                [
                    [Span("✗ ", .bad), Span("The server does not show it.", .strong)],
                    [Span(status.description, .faint)],
                ])
        case .stale(_, let why):
            EmptyView.draw(
                &canvas, area,
                [
                    [Span("✗ ", .bad), Span("The API server does not answer.", .strong)], [Span(why, .faint)],
                    [Span("It is tried again by itself.", .faint)],
                ])
        default:
            if feed.isComplete {
                EmptyView.draw(
                    &canvas, area,
                    [
                        [Span("\(target.text.capitalizedSentence.dropLast()) is gone.", .strong)],
                        [Span("esc", .accent), Span(" goes back.", .faint)],
                    ])
            } else {
                EmptyView.draw(&canvas, area, [[Span("◐ ", .busy), Span("Reading \(target.text)…", .strong)]])
            }
        }
    }
}

extension TextPane {
    /// A line in pieces of at most `width` cells, styles kept.
    static func wrap(_ line: Line, width: Int) -> [Line] {
        guard width > 8, line.width > width else { return [line] }
        var result: [Line] = []
        var current: Line = []
        var used = 0
        for span in line {
            var text = ""
            for character in SafeText.clean(span.text) {
                let size = Width.of(character)
                if used + size > width {
                    if !text.isEmpty { current.append(Span(text, span.style)) }
                    result.append(current)
                    current = [Span("  ")]
                    text = ""
                    used = 2
                }
                text.append(character)
                used += size
            }
            if !text.isEmpty { current.append(Span(text, span.style)) }
        }
        return result + [current]
    }
}
