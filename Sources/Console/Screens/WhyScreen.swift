import Shared

/// Why an object is not well, live: the chain of causes, what else is true, what to do. Every fact leads to its object.
struct WhyScreen: Screen {
    let target: Target
    private(set) var why: Why?
    private(set) var rows: [WhyText.Row] = []
    private(set) var index = 0
    private(set) var offset = 0
    private var lastLines: [String] = []
    private var logKey: LogKey?
    private var height = 1
    private var drawnFor: (width: Int, second: Int64)?

    init(_ target: Target) { self.target = target }

    var scope: Scope { .why }
    var title: String { "Why \(target.text)" }
    func subtitle(_ world: World) -> Line { [Span(target.key.namespace, .accent)] }

    /// Kinds whose projection does not tell enough are read whole.
    private var whole: FeedKey? {
        guard !World.overview.contains(.all(target.resource)) else { return nil }
        return FeedKey(
            resource: target.resource, namespace: target.key.namespace, fields: "metadata.name=\(target.key.name)",
            form: .whole)
    }
    func feeds(_ world: World) -> [FeedKey] {
        var keys: [FeedKey] = []
        if let whole { keys.append(whole) }
        if target.resource.type.group == "apps" { keys.append(.all(target.resource)) }
        return keys
    }
    func logs(_ world: World) -> [LogKey] { logKey.map { [$0] } ?? [] }

    mutating func observe(_ key: LogKey, _ news: LogNews, _ world: World) {
        guard key == logKey else { return }
        switch news {
        case .opened: lastLines = []
        case .lines(let lines):
            lastLines = Array((lastLines + lines.map(\.text)).suffix(Limits.lastLinesMax))
            drawnFor = nil
        case .ended: break
        }
    }

    mutating func settle(_ world: World, _ area: Area) {
        height = max(1, area.height)
        // Once a second is fast enough for causes; a walk over all events is not free.
        guard drawnFor?.width != area.width || drawnFor?.second != world.now.seconds else { return keepInView() }
        drawnFor = (area.width, world.now.seconds)
        let object = whole.flatMap { world.feed($0).items.values.first?.object }
        let why = Why.explain(target, Evidence(world), whole: object)
        self.why = why
        if logKey != why.log {
            logKey = why.log
            lastLines = []
        }
        rows = WhyText.rows(why, now: world.now, width: area.width - 3, log: lastLines)
        keepInView()
    }

    private var stops: [Int] { rows.indices.filter { rows[$0].target != nil } }

    private mutating func keepInView() {
        index = max(0, min(index, stops.count - 1))
        let row = stops.indices.contains(index) ? stops[index] : 0
        offset = max(0, min(offset, max(0, rows.count - height)))
        if row < offset { offset = row }
        if row >= offset + height { offset = row - height + 1 }
    }

    func targets(_ world: World) -> [Target] {
        [stops.indices.contains(index) ? rows[stops[index]].target ?? target : target]
    }

    func availability(_ command: Intent, _ world: World) -> Availability {
        switch command {
        case .up, .down, .pageUp, .pageDown, .top, .bottom: .yes
        case .why: targets(world).first?.key == target.key ? .hidden : .yes
        default: Actions.availability(command, targets(world), world)
        }
    }

    mutating func perform(_ command: Intent, _ world: World) -> [Step] {
        switch command {
        case .up:
            if index > 0 { index -= 1 } else { offset = max(0, offset - 1) }
        case .down:
            if index + 1 < stops.count { index += 1 } else { offset = min(max(0, rows.count - height), offset + 1) }
        case .pageUp, .top: index = 0
        case .pageDown, .bottom: index = max(0, stops.count - 1)
        case .open: return Actions.steps(.describe, targets(world), world)
        default: return Actions.steps(command, targets(world), world)
        }
        keepInView()
        return []
    }

    func draw(_ canvas: inout Canvas, _ area: Area, _ world: World) {
        let chosen = stops.indices.contains(index) ? stops[index] : nil
        for (row, entry) in rows.dropFirst(offset).prefix(area.height).enumerated() {
            canvas.put(entry.line, x: area.x + 1, y: area.y + row, limit: area.x + area.width - 1)
            if offset + row == chosen { TableView.select(&canvas, area.row(row)) }
        }
    }
}
