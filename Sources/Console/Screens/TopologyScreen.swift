import Shared

/// The home screen: the cluster as a textbook draws it. Nodes are boxes side by side, pods are tiles in them, and
/// below runs the story of what happens.
struct TopologyScreen: Screen {
    enum Place: Hashable, Sendable {
        case master
        case node(String)
        /// Pods that no node has yet.
        case waiting
    }
    struct Column: Equatable, Sendable {
        let place: Place
        var pods: [Item.Key]
    }
    enum Density: Int, Sendable { case tiles, lines, letters }

    private(set) var columns: [Column] = []
    private(set) var place: Place?
    /// The tile under the cursor; nil is the node itself.
    private(set) var pod: Item.Key?
    private(set) var firstColumn = 0
    private(set) var filter = Filter("")
    private(set) var layout = TopologyLayout()
    private var lastIndex = 0
    /// Until the user moves, the cursor looks for the first pod by itself.
    private var hasMoved = false
    /// Boxes grow with their pods and do not shrink again, so that the picture stays calm.
    private var boxHeight = 0
    /// Shown pods by node, in order; "" holds those without a node. Kept up by changes.
    private var placed: [String: [Item.Key]] = [:]
    private var placedFor: String?
    /// Nodes in the order of the picture, and the version of the feed that they are of.
    private var nodes: [String] = []
    private var hasControlPlane = false
    private var nodesVersion = -1
    private var drawnArea = Area(x: 0, y: 0, width: 0, height: 0)

    var scope: Scope { .topology }
    var title: String { "Cluster" }
    var filterText: String { filter.text }
    mutating func setFilter(_ text: String, _ world: World) { filter = Filter(text) }

    func subtitle(_ world: World) -> Line {
        var line: Line = [Span(world.namespaceTitle, .accent)]
        if !filter.text.isEmpty { line.append(Span("  /\(filter.text)", .warn)) }
        return line
    }

    // MARK: What is where.

    mutating func observe(_ key: FeedKey, _ changes: [(old: Item?, new: Item?)], _ world: World) {
        guard key == .all(.pods), placedFor != nil else { return }
        for change in changes {
            let old = change.old.flatMap { isPlaced($0, world) ? $0 : nil }
            let new = change.new.flatMap { isPlaced($0, world) ? $0 : nil }
            if let old, let new, old.key == new.key, old.pod?.node == new.pod?.node { continue }
            if let old { remove(old) }
            if let new { insert(new) }
        }
    }
    private func isPlaced(_ item: Item, _ world: World) -> Bool { world.isShown(item) && isShown(item) }

    private mutating func insert(_ item: Item) {
        let node = item.pod?.node ?? ""
        let index = TopologyScreen.index(of: item.key, in: placed[node] ?? [])
        if placed[node]?.indices.contains(index) == true, placed[node]?[index] == item.key { return }
        placed[node, default: []].insert(item.key, at: index)
    }
    private mutating func remove(_ item: Item) {
        let node = item.pod?.node ?? ""
        let index = TopologyScreen.index(of: item.key, in: placed[node] ?? [])
        guard placed[node]?.indices.contains(index) == true, placed[node]?[index] == item.key else { return }
        placed[node]?.remove(at: index)
        if placed[node]?.isEmpty == true { placed[node] = nil }
    }
    /// The first place whose key is not before this one.
    private static func index(of key: Item.Key, in keys: [Item.Key]) -> Int {
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    mutating func settle(_ world: World, _ area: Area) {
        let signature = "\(world.namespace)|\(filter.text)"
        if placedFor != signature {
            placedFor = signature
            placed = [:]
            for item in world.pods.values where isPlaced(item, world) {
                placed[item.pod?.node ?? "", default: []].append(item.key)
            }
            for node in placed.keys { placed[node]?.sort() }
        }
        let version = world.feed(.all(.nodes)).version
        if nodesVersion != version {
            nodesVersion = version
            let sorted = world.nodes.values.sorted { left, right in
                let roles = (left.node?.isControlPlane ?? false, right.node?.isControlPlane ?? false)
                return roles.0 != roles.1 ? roles.0 : TopologyScreen.natural(left.name, right.name)
            }
            nodes = sorted.map(\.name)
            hasControlPlane = sorted.first?.node?.isControlPlane ?? false
        }
        var columns: [Column] = hasControlPlane ? [] : [Column(place: .master, pods: [])]
        for name in nodes { columns.append(Column(place: .node(name), pods: placed[name] ?? [])) }
        if let waiting = placed[""] { columns.append(Column(place: .waiting, pods: waiting)) }
        // Pods of nodes that left the cluster keep their column until they are gone.
        if placed.count > nodes.count
            || placed.keys.contains(where: { world.nodes[Item.Key(namespace: "", name: $0)] == nil })
        {
            let known = Set(nodes + [""])
            for (name, rest) in placed.filter({ !known.contains($0.key) }).sorted(by: { $0.key < $1.key }) {
                columns.append(Column(place: .node(name), pods: rest))
            }
        }
        self.columns = columns
        keepCursor(world)
        if area != drawnArea {
            drawnArea = area
            boxHeight = 0
        }
        layout = TopologyLayout(columns, area, firstColumn: firstColumn, selected: index, atLeast: boxHeight)
        firstColumn = layout.first
        boxHeight = layout.boxes.height
    }

    private func isShown(_ item: Item) -> Bool {
        filter.isEmpty
            || filter.matches(
                [item.name, item.namespace, item.pod?.status ?? "", item.pod?.node ?? ""], labels: item.labels)
    }

    private var index: Int { columns.firstIndex { $0.place == place } ?? 0 }

    /// The cursor stays on its pod even when that moves; else on the same place of the node.
    private mutating func keepCursor(_ world: World) {
        if let pod, let node = world.pods[pod]?.pod?.node {
            let keys = placed[node] ?? []
            let index = TopologyScreen.index(of: pod, in: keys)
            if keys.indices.contains(index), keys[index] == pod {
                place = node.isEmpty ? .waiting : .node(node)
                lastIndex = index
                return
            }
        }
        let column =
            (hasMoved ? columns.first { $0.place == place } : nil) ?? columns.first {
                $0.place != .master && !$0.pods.isEmpty
            } ?? columns.first { $0.place != .master } ?? columns.first
        let isNew = column?.place != place
        place = column?.place
        if pod != nil || isNew || !hasMoved {
            pod = column.flatMap { $0.pods.isEmpty ? nil : $0.pods[min(isNew ? 0 : lastIndex, $0.pods.count - 1)] }
        }
    }

    /// Digits compare as numbers: `node-2` before `node-10`.
    static func natural(_ left: String, _ right: String) -> Bool {
        func split(_ text: String) -> (Substring, Int) {
            let digits = text.reversed().prefix { $0.isASCII && $0.isNumber }.count
            return (text.dropLast(digits), Int(text.suffix(digits)) ?? -1)
        }
        let (a, b) = (split(left), split(right))
        return a.0 != b.0 ? left < right : a.1 < b.1
    }

    // MARK: Commands.

    func targets(_ world: World) -> [Target] {
        if let pod, let item = world.pods[pod] { return [Target(resource: .pods, key: pod, uid: item.uid)] }
        guard case .node(let name) = place, let node = world.nodes.values.first(where: { $0.name == name }) else {
            return []
        }
        return [Target(resource: .nodes, key: node.key, uid: node.uid)]
    }

    func availability(_ command: Intent, _ world: World) -> Availability {
        switch command {
        case .up, .down, .left, .right, .nextGroup, .previousGroup, .top, .bottom, .pageUp, .pageDown, .pods, .filter:
            .yes
        case .open where targets(world).isEmpty:
            place == .waiting ? .hidden : .no("The master runs the API; select a node or a pod.")
        default: Actions.availability(command, targets(world), world)
        }
    }

    mutating func perform(_ command: Intent, _ world: World) -> [Step] {
        hasMoved = true
        switch command {
        case .up: step(-layout.across)
        case .down: step(pod == nil ? 1 : layout.across)
        case .left: if layout.across > 1, let at = tile, at % layout.across > 0 { step(-1) } else { jump(-1) }
        case .right:
            if layout.across > 1, let at = tile, at % layout.across < layout.across - 1,
                at + 1 < (columns[index].pods.count)
            {
                step(1)
            } else {
                jump(1)
            }
        case .nextGroup: jump(1)
        case .previousGroup: jump(-1)
        case .top: pod = nil
        case .bottom: pod = columns.indices.contains(index) ? columns[index].pods.last : nil
        case .pageUp: jump(-layout.visible)
        case .pageDown: jump(layout.visible)
        case .pods: return [.push(ListScreen(.pods, filter: filter.text))]
        case .open where pod == nil: return Actions.steps(.describe, targets(world), world)
        default: return Actions.steps(command, targets(world), world)
        }
        return []
    }

    private var tile: Int? {
        pod.flatMap { columns.indices.contains(index) ? columns[index].pods.firstIndex(of: $0) : nil }
    }

    private mutating func step(_ count: Int) {
        guard columns.indices.contains(index) else { return }
        let pods = columns[index].pods
        let next = (tile ?? -1) + (tile == nil ? min(count, 1) : count)
        if next < 0 {
            pod = nil
        } else if !pods.isEmpty {
            if next < pods.count { lastIndex = next } else if let tile { lastIndex = tile }
            pod = pods[min(lastIndex, pods.count - 1)]
        }
    }

    private mutating func jump(_ count: Int) {
        guard !columns.isEmpty else { return }
        let next = max(0, min(columns.count - 1, index + count))
        guard next != index else { return }
        let row = tile ?? -1
        place = columns[next].place
        let pods = columns[next].pods
        pod = row < 0 || pods.isEmpty ? nil : pods[min(row, pods.count - 1)]
        lastIndex = max(0, row)
    }

    func draw(_ canvas: inout Canvas, _ area: Area, _ world: World) { TopologyView.draw(self, &canvas, area, world) }
}

/// Where the boxes of the picture go: how many fit, how wide they are, and how large tiles can be.
struct TopologyLayout: Equatable, Sendable {
    var first = 0
    var visible = 1
    var widths: [Int] = []
    var density = TopologyScreen.Density.tiles
    /// Tiles side by side in one box.
    var across = 1
    var boxes = Area(x: 0, y: 0, width: 0, height: 0)
    var strip = Area(x: 0, y: 0, width: 0, height: 0)
    var showsRoom = true

    static let masterWidth = 15
    static let boxWidthMin = 20
    static let boxWidthMax = 46

    init() {}
    init(_ columns: [TopologyScreen.Column], _ area: Area, firstColumn: Int, selected: Int, atLeast: Int = 0) {
        let moments = max(2, min(10, area.height / 5))
        let tallest = area.height - moments - 3
        boxes = Area(x: area.x + 1, y: area.y, width: area.width - 2, height: tallest)
        let hasMaster = columns.first?.place == .master
        let others = columns.count - (hasMaster ? 1 : 0)
        let room = boxes.width - (hasMaster ? TopologyLayout.masterWidth : 0)
        let fits = max(1, room / TopologyLayout.boxWidthMin)
        let shown = min(others, fits)
        let each = shown > 0 ? min(TopologyLayout.boxWidthMax, room / shown) : 0
        visible = max(1, shown)
        let offset = hasMaster ? 1 : 0
        let at = max(0, selected - offset)
        first = max(0, min(firstColumn, others - shown))
        if selected >= offset {
            if at < first { first = at }
            if at >= first + shown { first = at - shown + 1 }
        }
        let spare = each < TopologyLayout.boxWidthMax && shown > 0 ? room - each * shown : 0
        widths =
            (hasMaster ? [TopologyLayout.masterWidth] : []) + (0..<max(0, shown)).map { each + ($0 < spare ? 1 : 0) }
        let most = columns.dropFirst(offset + first).prefix(shown).map(\.pods.count).max() ?? 0
        showsRoom = boxes.height >= 7
        let inner = max(1, each - 2)
        let height = max(1, boxes.height - 2 - (showsRoom ? 1 : 0))
        let wide = max(1, inner / 21)
        func rows(_ across: Int) -> Int { (most + across - 1) / across }
        if rows(wide) * 3 <= height {
            density = .tiles
            across = wide
            // What the pods do not need, with a row of tiles to spare, is left to the story below.
            boxes.height = min(tallest, max(atLeast, (rows(wide) + 1) * 3 + 3, 12))
        } else if rows(max(1, inner / 26)) <= height {
            density = .lines
            across = max(1, inner / 26)
        } else {
            density = .letters
            across = max(1, inner / 2)
        }
        let below = boxes.y + boxes.height + 2
        strip = Area(x: area.x, y: below, width: area.width, height: area.y + area.height - below)
    }
}
