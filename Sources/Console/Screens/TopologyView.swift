import Shared

/// Draws the picture of the cluster.
enum TopologyView {
    static func draw(_ screen: TopologyScreen, _ canvas: inout Canvas, _ area: Area, _ world: World) {
        let layout = screen.layout
        let nodes = world.feed(.all(.nodes))
        if nodes.items.isEmpty, world.pods.isEmpty, let lines = emptyText(nodes, world) {
            EmptyView.draw(&canvas, layout.boxes, lines)
        } else {
            boxes(screen, &canvas, layout, world)
            selection(screen, &canvas, area, world)
        }
        strip(&canvas, layout.strip, world)
    }

    private static func emptyText(_ nodes: Feed, _ world: World) -> [Line]? {
        if case .refused(let status) = nodes.state {
            return [
                [Span("✗ ", .bad), Span("The server refuses to list the nodes.", .strong)],
                [Span(status.description, .faint)],
                [Span(":pods", .accent), Span(" in a namespace of yours may be allowed.", .faint)],
            ]
        }
        if case .stale(_, let why) = nodes.state {
            return [
                [Span("✗ ", .bad), Span("The API server at \(world.server) does not answer.", .strong)],
                [Span(why, .faint)], [Span("It is tried again by itself.", .faint)],
            ]
        }
        if !nodes.isComplete { return [[Span("◐ ", .busy), Span("Reading the cluster…", .strong)]] }
        return [
            [Span("No node has joined yet.", .strong)],
            [Span("kconsole up --nodes 3", .accent), Span(" starts some on this machine.", .faint)],
        ]
    }

    // MARK: Boxes.

    private static func boxes(
        _ screen: TopologyScreen, _ canvas: inout Canvas, _ layout: TopologyLayout, _ world: World
    ) {
        let hasMaster = screen.columns.first?.place == .master
        let others = screen.columns.dropFirst(hasMaster ? 1 : 0)
        let shown = Array(
            screen.columns.prefix(hasMaster ? 1 : 0) + others.dropFirst(layout.first).prefix(layout.visible))
        var x = layout.boxes.x
        for (column, width) in zip(shown, layout.widths) {
            let area = Area(x: x, y: layout.boxes.y, width: width, height: layout.boxes.height)
            let isHere = column.place == screen.place
            switch column.place {
            case .master: master(&canvas, area, isSelected: isHere, world)
            case .node(let name): node(screen, &canvas, area, name, column, isHere, world)
            case .waiting: waiting(screen, &canvas, area, column, isHere, world)
            }
            x += width
        }
        let bottom = layout.boxes.y + layout.boxes.height - 1
        if layout.first > 0 { canvas.put("‹ \(layout.first) more ", x: layout.boxes.x + 2, y: bottom, Style(.accent)) }
        let after = others.count - layout.first - layout.visible
        if after > 0 {
            canvas.put(
                [Span(" \(after) more ›", .accent)], endingAt: layout.boxes.x + layout.boxes.width - 2, y: bottom)
        }
    }

    private static func frame(
        _ canvas: inout Canvas, _ area: Area, _ name: String, _ state: String, _ tone: Style.Tone, isSelected: Bool
    ) {
        canvas.box(area, Style(isSelected ? .accent : .edge), isHeavy: isSelected)
        let end = area.x + area.width - 2
        let word = Width.of(state) + 4 + Width.of(name) <= area.width - 4 ? state : String(state.prefix(1))
        canvas.put([Span(" \(word) ", tone)], endingAt: end, y: area.y)
        canvas.put(
            " \(TextFit.cut(name, to: area.width - 7 - Width.of(word), .middle)) ", x: area.x + 1, y: area.y,
            Style(isSelected ? .accent : .strong, .bold), limit: end)
    }

    private static func master(_ canvas: inout Canvas, _ area: Area, isSelected: Bool, _ world: World) {
        var lines: [Line] = []
        switch world.pulse {
        case .up(let version):
            frame(&canvas, area, "master", "●", .good, isSelected: isSelected)
            lines = [
                [Span("API serves", .good)], [Span(version.split(separator: "+").first.map(String.init) ?? "", .faint)],
            ]
        case .down(let since, _):
            frame(&canvas, area, "master", "✗", .bad, isSelected: isSelected)
            lines = [[Span("API is down", .bad)], [Span("for \((world.now - since).human)", .bad)]]
        case .unknown:
            frame(&canvas, area, "master", "◐", .busy, isSelected: isSelected)
            lines = [[Span("connecting…", .busy)]]
        }
        lines.append([])
        let ready = world.nodes.values.count { $0.node?.isReady ?? false }
        func row(_ value: String, _ label: String, _ tone: Style.Tone = .text) {
            lines.append([Span(TextFit.pad(value, to: 5, alignRight: true), tone), Span(" \(label)", .faint)])
        }
        row("\(ready)/\(world.nodes.count)", "nodes", ready < world.nodes.count ? .warn : .text)
        row(TextFit.grouped(world.pods.count), "pods")
        row(TextFit.grouped(world.tally.count(.running)), "running")
        let bad = Health.allCases.filter(\.isProblem).reduce(0) { $0 + world.tally.count($1) }
        if bad > 0 { row("\(bad)", "broken", .bad) }
        for (index, line) in lines.prefix(area.height - 2).enumerated() {
            canvas.put(line, x: area.x + 1 + (index < 2 ? 1 : 0), y: area.y + 1 + index, limit: area.x + area.width - 1)
        }
    }

    private static func node(
        _ screen: TopologyScreen, _ canvas: inout Canvas, _ area: Area, _ name: String, _ column: TopologyScreen.Column,
        _ isHere: Bool, _ world: World
    ) {
        let item = world.nodes[Item.Key(namespace: "", name: name)]
        let facts = item?.node
        let word: (String, Style.Tone) =
            facts == nil
            ? ("gone", .warn)
            : facts?.isReady == false
                ? ("✗ LOST", .bad)
                : facts?.isCordoned == true
                    ? ("◌ cordoned", .warn) : facts?.isControlPlane == true ? ("● master", .good) : ("● ready", .good)
        let isSelected = isHere && screen.pod == nil
        frame(&canvas, area, name, word.0, word.1, isSelected: isSelected)
        var inner = area.inset(by: 1, 1)
        if screen.layout.showsRoom {
            if let facts {
                canvas.put(
                    room(facts, name, column, inner.width, world), x: inner.x + 1, y: inner.y,
                    limit: inner.x + inner.width)
            }
            inner = inner.dropping(rows: 1)
        }
        tiles(screen, &canvas, inner, column, isHere, world)
    }

    /// What is asked for of what there is: two small bars, or numbers when the node does not tell.
    private static func room(
        _ facts: NodeFacts, _ name: String, _ column: TopologyScreen.Column, _ width: Int, _ world: World
    ) -> Line {
        guard facts.cpuMillis > 0, facts.memoryBytes > 0 else {
            return [Span(TextFit.count(column.pods.count, "pod"), .faint)]
        }
        let load = world.tally.load(name)
        let cells = max(2, min(10, (width - 11) / 2))
        return [Span("cpu ", .faint)] + Gauge.line(load.cpuMillis, of: facts.cpuMillis, cells: cells) + [
            Span(" mem ", .faint)
        ]
            + Gauge.line(load.memoryBytes, of: facts.memoryBytes, cells: cells)
    }

    private static func waiting(
        _ screen: TopologyScreen, _ canvas: inout Canvas, _ area: Area, _ column: TopologyScreen.Column, _ isHere: Bool,
        _ world: World
    ) {
        frame(&canvas, area, "no node yet", "○", .busy, isSelected: isHere && screen.pod == nil)
        tiles(
            screen, &canvas, area.inset(by: 1, 1).dropping(rows: screen.layout.showsRoom ? 1 : 0), column, isHere, world
        )
    }

    // MARK: Tiles.

    private static func tiles(
        _ screen: TopologyScreen, _ canvas: inout Canvas, _ area: Area, _ column: TopologyScreen.Column, _ isHere: Bool,
        _ world: World
    ) {
        let across = screen.layout.across
        var isLost = false
        if case .node(let name) = column.place {
            isLost = world.nodes[Item.Key(namespace: "", name: name)]?.node?.isReady == false
        }
        let rowHeight = screen.layout.density == .tiles ? 3 : 1
        let rows = max(1, area.height / rowHeight)
        let selected = isHere ? screen.pod.flatMap { column.pods.firstIndex(of: $0) } : nil
        var first = max(0, (selected ?? 0) / across - rows + 1) * across
        let isFull = column.pods.count - first > rows * across
        if isFull, let selected, (selected - first) / across >= rows - 1 { first += across }
        let width = area.width / across
        for (offset, key) in column.pods.dropFirst(first).prefix(rows * across).enumerated() {
            let isLast = offset == rows * across - 1 && column.pods.count - first > rows * across
            let y = area.y + offset / across * rowHeight
            let x = area.x + offset % across * width
            if isLast, screen.layout.density != .tiles {
                canvas.put(
                    "+\(TextFit.grouped(column.pods.count - first - offset))", x: x, y: y, Style(.accent),
                    limit: area.x + area.width)
                return
            }
            guard let item = world.pods[key], let pod = item.pod else { continue }
            let tile = Area(x: x, y: y, width: width, height: rowHeight)
            let isSelected = isHere && screen.pod == key
            // What runs on a node that does not answer is not known, whatever its last report said.
            let health = isLost && pod.health == .running ? .lost : pod.health
            switch screen.layout.density {
            case .tiles: large(&canvas, tile, item, pod, health, isSelected, world)
            case .lines: line(&canvas, tile, item, pod, health, isSelected)
            case .letters:
                canvas.put(
                    health.letter, x: x, y: y, Style(health.tone, isSelected ? [.bold, .reverse] : []),
                    limit: area.x + area.width)
            }
        }
    }

    private static func large(
        _ canvas: inout Canvas, _ area: Area, _ item: Item, _ pod: PodFacts, _ health: Health, _ isSelected: Bool,
        _ world: World
    ) {
        let tone = health == .running ? .edge : health.tone
        canvas.box(area, Style(isSelected ? .accent : tone), isHeavy: isSelected)
        let name = TextFit.cut(PodFacts.shortName(item), to: area.width - 6, .middle)
        canvas.put(
            " \(name) ", x: area.x + 1, y: area.y, isSelected ? Style(.accent, .bold) : Style(.strong),
            limit: area.x + area.width - 1)
        // The state comes first, then the restarts; the age shows where there is room.
        let state = "\(health.glyph) \(word(pod, health))"
        let times = pod.restarts > 0 ? " ×\(pod.restarts)" : ""
        let room = area.width - 4
        let full = TextFit.age(since: item.created, world.now)
        let age = Width.of(state) + Width.of(times) + 1 + Width.of(full) <= room ? full : ""
        let text = TextFit.cut(state, to: room - Width.of(times))
        var end = canvas.put(
            text, x: area.x + 2, y: area.y + 1, Style(health.tone, health.isProblem ? .bold : []),
            limit: area.x + area.width - 1)
        end = canvas.put(times, x: end, y: area.y + 1, Style(.warn), limit: area.x + area.width - 1)
        canvas.put([Span(age, .quiet)], endingAt: area.x + area.width - 2, y: area.y + 1)
        if isSelected { canvas.tint(area.inset(by: 1, 1), .selected) }
    }

    private static func line(
        _ canvas: inout Canvas, _ area: Area, _ item: Item, _ pod: PodFacts, _ health: Health, _ isSelected: Bool
    ) {
        let name = PodFacts.shortName(item)
        let state = health == .running ? pod.restarts > 0 ? "×\(pod.restarts)" : "" : word(pod, health)
        let stateWidth = min(Width.of(state), max(0, area.width / 2 - 2))
        canvas.put(isSelected ? "▸" : " ", x: area.x, y: area.y, Style(.accent, .bold))
        canvas.put(health.glyph, x: area.x + 1, y: area.y, Style(health.tone))
        canvas.put(
            TextFit.cut(name, to: area.width - 4 - (stateWidth > 0 ? stateWidth + 1 : 0), .middle), x: area.x + 3,
            y: area.y, health == .running ? .plain : Style(health.tone))
        canvas.put(
            [Span(TextFit.cut(state, to: stateWidth), health == .running ? .warn : health.tone)],
            endingAt: area.x + area.width - 1, y: area.y)
        if isSelected { canvas.tint(area, .selected, .bold) }
    }

    /// The state in a word that fits a tile.
    private static func word(_ pod: PodFacts, _ health: Health) -> String {
        switch pod.status {
        case _ where health == .lost: "Unknown"
        case "CrashLoopBackOff": "CrashLoop"
        case "ContainerCreating": "Creating"
        case "ImagePullBackOff", "ErrImagePull": "No image"
        case "Running" where pod.health == .starting: "Unready"
        case "Terminating": "Ending"
        default: pod.status
        }
    }

    // MARK: Selection and story.

    /// One line about what is selected, above the story.
    private static func selection(_ screen: TopologyScreen, _ canvas: inout Canvas, _ area: Area, _ world: World) {
        let y = screen.layout.strip.y - 2
        var line: Line = []
        if let key = screen.pod, let item = world.pods[key], let pod = item.pod {
            line = [
                Span("pod ", .faint), Span(item.name, .strong), Span("  \(item.namespace)  ", .faint),
                Span("\(pod.health.glyph) \(pod.status)", pod.health.tone),
                Span("  \(pod.ready)/\(pod.total) ready", .faint),
                Span(pod.why.isEmpty ? "" : "  \(pod.why)", pod.health.tone),
                Span(pod.address.isEmpty ? "" : "  \(pod.address)", .faint),
            ]
        } else if case .node(let name) = screen.place,
            let facts = world.nodes[Item.Key(namespace: "", name: name)]?.node
        {
            line = [
                Span("node ", .faint), Span(name, .strong), Span("  \(facts.status)", facts.isReady ? .good : .bad),
                Span("  \(facts.address)", .faint),
                Span(
                    facts.cpuMillis > 0
                        ? "  \(Columns.cores(facts.cpuMillis)) cpu, \(Columns.bytes(facts.memoryBytes)) memory" : "",
                    .faint),
                Span(facts.why.isEmpty ? "" : "  \(facts.why)", .warn),
            ]
        } else if screen.place == .master {
            line = [
                Span("master ", .faint), Span(world.server, .strong),
                Span("  answers every program, keeps the objects, starts and moves pods", .faint),
            ]
        } else if screen.place == .waiting {
            line = [Span("These pods wait for a node that fits them.", .faint)]
        }
        canvas.put(line, x: area.x + 2, y: y, limit: area.x + area.width - 1)
    }

    private static func strip(_ canvas: inout Canvas, _ area: Area, _ world: World) {
        canvas.put(String(repeating: "─", count: area.width), x: area.x, y: area.y, Style(.edge))
        canvas.put(" What happens ", x: area.x + 1, y: area.y, .heading)
        let legend: Line =
            [Span(" ")]
            + [Health.running, .starting, .crashed, .terminating, .finished].flatMap { health -> Line in
                let words: [Health: String] = [
                    .running: "runs", .starting: "starts", .crashed: "crashed", .terminating: "ending",
                    .finished: "done",
                ]
                return [Span(health.glyph, health.tone), Span(" \(words[health] ?? "") ", .faint)]
            }
        if legend.width + 18 < area.width { canvas.put(legend, endingAt: area.x + area.width - 1, y: area.y) }
        let shown = world.timeline.moments.lazy.reversed().filter {
            world.namespace.isEmpty || $0.namespace.isEmpty || $0.namespace == world.namespace
        }
        var row = 1
        for moment in shown.prefix(area.height - 1) {
            let line: Line = [
                Span(world.clock(moment.time), .faint), Span("  \(moment.glyph) ", moment.tone),
                Span(TextFit.cut(moment.subject, to: 32, .middle), .strong),
                Span(" \(moment.text)", moment.tone == .bad ? .bad : .text),
            ]
            let text = line.map { Span(TextFit.cut($0.text, to: area.width), $0.style) }
            canvas.put(text, x: area.x + 2, y: area.y + row, limit: area.x + area.width - 1)
            row += 1
        }
        if row == 1 {
            canvas.put(
                "Nothing yet. What starts, crashes or moves shows here as it happens.", x: area.x + 2, y: area.y + 1,
                .quiet)
        }
    }
}
