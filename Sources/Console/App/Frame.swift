import Shared

/// The whole picture: header, where one is, the screen itself, what was said, and the keys that work now.
enum Frame {
    static func draw(_ state: AppState) -> Canvas {
        var canvas = Canvas(state.size)
        let least = Limits.screenSizeMin
        guard state.size.width >= least.width, state.size.height >= least.height else {
            let text =
                "The terminal is \(state.size.width)×\(state.size.height); the console needs \(least.width)×\(least.height)."
            for (row, line) in TextFit.wrap(text, to: max(1, state.size.width)).enumerated() {
                canvas.put(line, x: 0, y: row)
            }
            return canvas
        }
        header(&canvas, state.world)
        place(&canvas, state)
        state.top.draw(&canvas, state.body, state.world)
        said(&canvas, state)
        keys(&canvas, state)
        if let dialog = state.dialog { question(&canvas, dialog) }
        return canvas
    }

    private static func header(_ canvas: inout Canvas, _ world: World) {
        let width = canvas.size.width
        canvas.fill(Area(x: 0, y: 0, width: width, height: 1), Style(.text, on: .band))
        let badge = freshness(world)
        var right: Line = []
        let problems = world.problems.count
        if problems > 0 {
            right.append(Span("▲ \(TextFit.count(problems, "problem"))  ", Style(.bad, on: .band, .bold)))
        }
        right.append(Span(badge.text + " ", Style(badge.style.tone, on: .band, .bold)))
        var left: Line = [
            Span(" ◆ kotohajime", Style(.accent, on: .band, .bold)),
            Span("  \(world.cluster)", Style(.strong, on: .band)),
        ]
        if world.isReadOnly { left.append(Span("  READ-ONLY", Style(.warn, on: .band, .bold))) }
        let counts = Span(
            "  \(TextFit.count(world.nodes.count, "node"))  \(TextFit.grouped(world.pods.count)) pods",
            Style(.faint, on: .band))
        if left.width + counts.text.count + right.width + 2 < width, !world.nodes.isEmpty { left.append(counts) }
        let start = width - right.width
        canvas.put(left, x: 0, y: 0, limit: max(0, start - 1))
        canvas.put(right, x: max(0, start), y: 0)
    }

    /// How fresh the data is, in two words.
    private static func freshness(_ world: World) -> Span {
        if case .down(let since, _) = world.pulse {
            return Span("✗ API down \((world.now - since).human) – reconnecting", .bad)
        }
        // A feed of which nothing was heard yet is as good as one that is being read.
        let states = Set(world.feeds.keys).union(World.overview).map { world.feed($0).state }
        let oldest = states.compactMap { state -> Timestamp? in
            if case .stale(let since, _) = state { since } else { nil }
        }.min()
        if let oldest { return Span("▲ STALE \((world.now - oldest).human)", .warn) }
        return states.contains(.loading) ? Span("◐ loading", .busy) : Span("● live", .good)
    }

    private static func place(_ canvas: inout Canvas, _ state: AppState) {
        let width = canvas.size.width
        var line: Line = [Span(" ")]
        for screen in state.screens.dropLast().suffix(width < 100 ? 1 : 2) {
            line += [Span(TextFit.cut(screen.title, to: 24, .middle), .faint), Span(" › ", .edge)]
        }
        line.append(Span(state.top.title, .heading))
        line += [Span("  ")] + state.top.subtitle(state.world)
        canvas.put(line, x: 0, y: 1, limit: width - 1)
    }

    /// The line of the prompt, or what was said last.
    private static func said(_ canvas: inout Canvas, _ state: AppState) {
        let y = canvas.size.height - 2
        let width = canvas.size.width
        guard let prompt = state.prompt else {
            if let notice = state.notice {
                canvas.put(" " + TextFit.cut(notice.text, to: width - 2), x: 0, y: y, Style(notice.tone))
            }
            return
        }
        let start = canvas.put(" " + prompt.label, x: 0, y: y, Style(.accent, .bold))
        let before = Width.of(SafeText.clean(String(prompt.text.prefix(prompt.position))))
        // A long text scrolls so that the cursor stays in view.
        let room = width - start - 1
        var text = Substring(prompt.text)
        var shift = 0
        while before - shift > room, let first = text.popFirst() { shift += Width.of(SafeText.clean(String(first))) }
        let end = canvas.put(String(text), x: start, y: y, Style(.strong))
        canvas.cursor = (min(width - 1, start + before - shift), y)
        let hints = state.completions.prefix(6)
        if !hints.isEmpty {
            canvas.put("   tab " + hints.joined(separator: "  "), x: end, y: y, .quiet, limit: width - 1)
        }
    }

    /// What can be done with what is selected; what can not be is left to the key itself, which says why.
    private static func keys(_ canvas: inout Canvas, _ state: AppState) {
        let y = canvas.size.height - 1
        let width = canvas.size.width
        canvas.fill(Area(x: 0, y: y, width: width, height: 1), Style(.text, on: .band))
        let help: Line = [Span("?", Style(.accent, on: .band, .bold)), Span(" help ", Style(.faint, on: .band))]
        let hints: [(String, String, Bool)]
        if state.dialog != nil {
            hints = [("tab", "choose", true), ("enter", "press", true), ("esc", "cancel", true)]
        } else if state.prompt != nil {
            hints = [
                ("enter", "done", true), ("esc", "cancel", true), ("tab", "complete", true), ("↑", "before", true),
            ]
        } else {
            var seen: Set<Key> = []
            hints = Keymap.hints(in: state.top.scope).compactMap { binding in
                guard !binding.label.isEmpty, binding.command != .help, let key = binding.keys.first,
                    !seen.contains(key)
                else { return nil }
                switch state.availability(binding.command) {
                case .hidden: return nil
                case .no:
                    seen.insert(key)
                    return (key.description, binding.label, false)
                case .yes:
                    seen.insert(key)
                    return (key.description, binding.label, true)
                }
            }
        }
        let end = width - help.width - 1
        var x = 1
        for (key, label, works) in hints {
            let size = Width.of(key) + Width.of(label) + 3
            if x + size > end { break }
            x = canvas.put(key, x: x, y: y, Style(works ? .accent : .edge, on: .band, works ? .bold : []))
            x = canvas.put(" \(label)", x: x, y: y, Style(works ? .text : .edge, on: .band)) + 2
        }
        if state.dialog == nil, state.prompt == nil { canvas.put(help, x: end, y: y) }
    }

    private static func question(_ canvas: inout Canvas, _ dialog: Dialog) {
        let widest = max(dialog.body.map(\.width).max() ?? 0, Width.of(dialog.title) + 4, 36)
        let width = min(canvas.size.width - 4, widest + 6)
        let height = min(canvas.size.height - 2, dialog.body.count + 5)
        let area = Area(
            x: (canvas.size.width - width) / 2, y: max(1, (canvas.size.height - height) / 2 - 1), width: width,
            height: height)
        canvas.fill(area, .plain)
        canvas.box(area, Style(.warn))
        canvas.put(
            " \(TextFit.cut(dialog.title, to: width - 6)) ", x: area.x + 2, y: area.y, .heading,
            limit: area.x + width - 2)
        for (index, line) in dialog.body.prefix(height - 4).enumerated() {
            canvas.put(line, x: area.x + 2, y: area.y + 1 + index, limit: area.x + width - 2)
        }
        let y = area.y + height - 2
        func button(_ text: String, _ isOn: Bool, _ tone: Style.Tone, _ x: Int) -> Int {
            canvas.put(
                isOn ? "[ \(text) ]" : "  \(text)  ", x: x, y: y, Style(tone, isOn ? [.bold, .reverse] : []),
                limit: area.x + width - 1)
        }
        let end = button("Cancel", !dialog.confirms, .accent, area.x + 4)
        _ = button(dialog.verb, dialog.confirms, .bad, end + 3)
        canvas.cursor = nil
    }
}
