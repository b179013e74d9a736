import Shared

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
