import Shared

/// A live table of one resource. The selection follows the object, not the row.
struct ListScreen: Screen {
    let resource: Resource
    /// The workload, node or service whose pods are shown; nil shows all of the namespace.
    let parent: Target?
    private(set) var filter: Filter
    private(set) var isWide = false
    private(set) var sortTitle: String
    private(set) var isDescending = false
    private(set) var selected: Item.Key?
    private(set) var marks: Set<Item.Key> = []
    private(set) var rows = RowIndex()
    /// First visible row, and how many fit.
    private(set) var offset = 0
    private(set) var height = 1
    private var isStale = true
    /// What has changed since the rows were put in order.
    private var changes: [(old: Item?, new: Item?)] = []
    private var builtFor = ""
    private var filteredFor = Filter("")
    private var filteredWide = false
    private var lastIndex = 0
    /// Widest text seen per column; columns grow, but do not jump back while rows scroll.
    private(set) var widths: [String: Int] = [:]
    private var widthsFor = 0

    init(_ resource: Resource, filter: String = "", of parent: Target? = nil) {
        self.resource = resource
        self.parent = parent
        self.filter = Filter(filter)
        sortTitle = resource == .events ? "LAST SEEN" : "NAME"
    }

    var scope: Scope { .table }
    var title: String { parent.map { "\(resource.title) of \($0.text)" } ?? resource.title }
    var filterText: String { filter.text }

    func subtitle(_ world: World) -> Line {
        var line: Line = []
        if resource.type.isNamespaced {
            line.append(Span(parent.map { $0.key.namespace } ?? world.namespaceTitle, .accent))
        }
        let shown = TextFit.grouped(rows.entries.count)
        line.append(
            Span(
                (line.isEmpty ? "" : "  ")
                    + (rows.entries.count == rows.total ? shown : "\(shown) of \(TextFit.grouped(rows.total))"), .faint)
        )
        if let rest = feed(world).remaining, rest > 0 {
            line.append(Span(" (\(TextFit.grouped(rest)) to come)", .busy))
        }
        if !filter.isEmpty || !filter.text.isEmpty { line.append(Span("  /\(filter.text)", .warn)) }
        if let problem = filter.problem { line.append(Span("  \(problem)", .bad)) }
        if !marks.isEmpty { line.append(Span("  ◆ \(marks.count) marked", .warn)) }
        return line
    }

    // MARK: Data.

    /// Pods and nodes are read for the picture anyway and are filtered here; others are asked for by namespace.
    private func key(_ world: World) -> FeedKey {
        let all = FeedKey(resource: resource, form: Columns.isOurs(resource) ? .objects : .table)
        if World.overview.contains(all) || !resource.type.isNamespaced || world.namespace.isEmpty { return all }
        return FeedKey(resource: resource, namespace: world.namespace, form: all.form)
    }
    func feeds(_ world: World) -> [FeedKey] { [key(world)] }
    func feed(_ world: World) -> Feed { world.feed(key(world)) }
    func columns(_ world: World) -> [Column] {
        let all = Columns.of(resource, feed(world).columns)
        return all.filter { (isWide || !$0.isWide) && !($0.role == .namespace && !showsNamespace(world)) }
    }
    private func showsNamespace(_ world: World) -> Bool {
        world.namespace.isEmpty && (parent == nil || parent?.resource == .nodes)
    }

    mutating func observe(_ key: FeedKey, _ changes: [(old: Item?, new: Item?)], _ world: World) {
        guard !isStale else { return }
        // A service may select other pods now.
        if let parent, key.resource == parent.resource, parent.resource == .services, !changes.isEmpty {
            isStale = true
        }
        guard key == self.key(world) else { return }
        self.changes += changes
        // Under another screen nothing is put in order; then all of it is read anew when it is seen again.
        if self.changes.count > rows.total + Limits.changesMax { isStale = true }
    }

    mutating func settle(_ world: World, _ area: Area) {
        height = max(1, area.height - 1)
        let signature = "\(world.namespace)|\(sortTitle)|\(isDescending)"
        if signature != builtFor || isStale {
            builtFor = signature
            isStale = false
            rebuild(world)
        } else {
            arrange(world)
            if filter.text != filteredFor.text || isWide != filteredWide {
                rows.filter(test(world), narrowing: filter.narrows(filteredFor) && isWide == filteredWide)
            }
        }
        filteredFor = filter
        filteredWide = isWide
        follow(world)
        measure(world, area)
    }

    /// Puts what has changed in its place. Of a long list that is still being read only growing parts are: each costs
    /// a walk over all rows.
    private mutating func arrange(_ world: World) {
        guard !changes.isEmpty, feed(world).isComplete || changes.count >= rows.total / 8 else { return }
        if rows.apply(changes) { changes = [] } else { rebuild(world) }
    }

    private mutating func rebuild(_ world: World) {
        changes = []
        let namespace = resource.type.isNamespaced && parent == nil ? world.namespace : ""
        let belongs = parent.map { world.belongs(to: $0) }
        rows.isMember = { item in (namespace.isEmpty || item.namespace == namespace) && belongs?(item) ?? true }
        rows.order = (columns(world).first { $0.title == sortTitle } ?? .name).order
        rows.isDescending = isDescending
        rows.filter(test(world), narrowing: false)
        rows.rebuild(feed(world).items.values)
    }

    /// What the filter asks of an item; nil without one. Numbers and ages are not searched.
    private func test(_ world: World) -> (@Sendable (Item) -> Bool)? {
        let filter = filter
        guard !filter.isEmpty else { return nil }
        let searched = columns(world).filter { $0.role != .age && !$0.alignsRight }.map(\.search)
        return { item in filter.matches(searched.lazy.map { $0(item) }, labels: item.labels) }
    }

    /// Keeps the cursor on its object; when that is gone, on the row where it was.
    private mutating func follow(_ world: World) {
        let items = feed(world).items
        let count = rows.entries.count
        var index = min(lastIndex, max(0, count - 1))
        if let selected, let item = items[selected], let found = rows.index(of: item) { index = found }
        lastIndex = index
        selected = count > 0 ? rows.entries[index].key : nil
        if marks.contains(where: { items[$0] == nil }) { marks = marks.filter { items[$0] != nil } }
        offset = max(0, min(offset, max(0, count - height)))
        if index < offset { offset = index }
        if index >= offset + height { offset = index - height + 1 }
    }

    private mutating func measure(_ world: World, _ area: Area) {
        if widthsFor != area.width {
            widthsFor = area.width
            widths = [:]
        }
        let visible = rows.entries.dropFirst(offset).prefix(height).map(\.item)
        for column in columns(world) {
            // The title of namespaces gives way to NS, the others have their room.
            let title = column.role == .namespace ? 2 : Width.of(column.title)
            var width = max(widths[column.title] ?? 0, title + (column.title == sortTitle ? 1 : 0))
            for item in visible { width = max(width, Width.of(SafeText.clean(column.text(item, world.now).text))) }
            widths[column.title] = width
        }
    }

    // MARK: Commands.

    func targets(_ world: World) -> [Target] {
        let items = feed(world).items
        let keys = marks.isEmpty ? selected.map { [$0] } ?? [] : marks.sorted()
        return keys.compactMap { key in items[key].map { Target(resource: resource, key: key, uid: $0.uid) } }
    }

    /// The object an event is about stands in for the event.
    private func subjects(_ command: Intent, _ world: World) -> [Target] {
        guard resource == .events, [.open, .describe, .logs, .owner, .why].contains(command), let key = selected,
            let event = feed(world).items[key]?.event,
            let about = world.catalog.resources.first(where: { $0.type.kind == event.kind })
        else { return targets(world) }
        return [
            Target(
                resource: about,
                key: Item.Key(namespace: about.type.isNamespaced ? event.namespace : "", name: event.name),
                uid: event.uid)
        ]
    }

    func availability(_ command: Intent, _ world: World) -> Availability {
        switch command {
        case .up, .down, .pageUp, .pageDown, .top, .bottom, .filter, .wide, .sortName, .sortAge, .sortStatus, .sortNext,
            .sortPrevious, .reverse:
            return .yes
        case .mark: return selected == nil ? .hidden : .yes
        case .clearMarks: return marks.isEmpty ? .hidden : .yes
        default: return Actions.availability(command, subjects(command, world), world)
        }
    }

    mutating func perform(_ command: Intent, _ world: World) -> [Step] {
        switch command {
        case .up: move(by: -1)
        case .down: move(by: 1)
        case .pageUp: move(by: -height)
        case .pageDown: move(by: height)
        case .top: move(by: -rows.entries.count)
        case .bottom: move(by: rows.entries.count)
        case .wide: isWide.toggle()
        case .sortName: sort("NAME")
        case .sortAge: sort(resource == .events ? "LAST SEEN" : "AGE")
        case .sortStatus: sort(columns(world).first { $0.role == .status }?.title ?? "NAME")
        case .sortNext: sortStep(1, world)
        case .sortPrevious: sortStep(-1, world)
        case .reverse: isDescending.toggle()
        case .mark:
            if let selected {
                if marks.remove(selected) == nil { marks.insert(selected) }
                move(by: 1)
            }
        case .clearMarks: marks = []
        default: return Actions.steps(command, subjects(command, world), world)
        }
        return []
    }

    mutating func setFilter(_ text: String, _ world: World) { filter = Filter(text) }

    private mutating func move(by rows: Int) {
        guard !self.rows.entries.isEmpty else { return }
        lastIndex = max(0, min(self.rows.entries.count - 1, lastIndex + rows))
        selected = self.rows.entries[lastIndex].key
    }
    private mutating func sort(_ title: String) {
        if sortTitle == title { isDescending.toggle() } else { isDescending = false }
        sortTitle = title
    }
    private mutating func sortStep(_ step: Int, _ world: World) {
        let titles = columns(world).map(\.title)
        let index = titles.firstIndex(of: sortTitle) ?? 0
        sortTitle = titles[(index + step + titles.count) % titles.count]
        isDescending = false
    }

    // MARK: Picture.

    func draw(_ canvas: inout Canvas, _ area: Area, _ world: World) {
        let feed = feed(world)
        if rows.entries.isEmpty { return EmptyView.draw(&canvas, area, emptyText(feed, world)) }
        let fitted = TableView.fit(columns(world), widths, area.width - 2)
        TableView.header(&canvas, area.row(0), fitted, sort: sortTitle, isDescending)
        for (index, entry) in rows.entries.dropFirst(offset).prefix(area.height - 1).enumerated() {
            let row = area.row(index + 1)
            TableView.row(&canvas, row, fitted, entry.item, world.now, mark: marks.contains(entry.key))
            if entry.key == selected { TableView.select(&canvas, row) }
        }
    }

    private func emptyText(_ feed: Feed, _ world: World) -> [Line] {
        let plural = resource.plural
        switch feed.state {
        case .refused(let status):
            return [
                [Span("✗ ", .bad), Span("The server refuses to list \(plural).", .strong)],
                [Span(status.description, .faint)],
                [
                    Span("Another namespace may be allowed: ", .faint), Span("n", .accent),
                    Span(" chooses one.", .faint),
                ],
            ]
        case .stale(_, let why) where rows.total == 0:
            return [
                [Span("✗ ", .bad), Span("The API server does not answer.", .strong)], [Span(why, .faint)],
                [Span("It is tried again by itself.", .faint)],
            ]
        default: break
        }
        if !feed.isComplete { return [[Span("◐ ", .busy), Span("Reading \(plural)…", .strong)]] }
        if rows.total > 0, !filter.isEmpty {
            return [
                [Span("Nothing matches ", .strong), Span("/\(filter.text)", .warn)],
                [Span("esc", .accent), Span(" shows all \(TextFit.grouped(rows.total)) again.", .faint)],
            ]
        }
        let place = world.namespace.isEmpty || !resource.type.isNamespaced ? "" : " in namespace \(world.namespace)"
        let hint: Line =
            world.namespace.isEmpty || !resource.type.isNamespaced
            ? [Span(":apply FILE", .accent), Span(" makes some out of a manifest.", .faint)]
            : [Span("0", .accent), Span(" shows all namespaces.", .faint)]
        return [[Span("No \(plural)\(place).", .strong)], hint]
    }
}
