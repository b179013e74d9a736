import Shared

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
