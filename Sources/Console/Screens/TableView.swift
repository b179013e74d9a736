import Shared

/// Draws rows of columns. Pure: widths come in, cells go out.
enum TableView {
    struct Fitted: Sendable {
        let column: Column
        let width: Int
    }

    static let gap = 2

    /// Chooses the columns that fit and their widths: the least important go first, names are cut in the middle, and
    /// the last column of free text takes what is left.
    static func fit(_ columns: [Column], _ widths: [String: Int], _ available: Int) -> [Fitted] {
        func wanted(_ column: Column) -> Int {
            let width = widths[column.title] ?? Width.of(column.title)
            switch column.role {
            case .name: return min(width, 48)
            case .namespace: return min(width, 20)
            case .rest: return min(width, 16)
            case .status: return min(width, 28)
            default: return min(width, 32)
            }
        }
        func least(_ column: Column) -> Int {
            switch column.role {
            case .name: min(wanted(column), 16)
            case .namespace: min(wanted(column), 8)
            default: wanted(column)
            }
        }
        // A column of reasons that are all empty takes no room.
        var kept = columns.filter {
            !($0.role == .rest && (widths[$0.title] ?? 0) <= Width.of($0.title) && $0.title == "WHY")
        }
        func total(_ width: (Column) -> Int) -> Int { kept.reduce(0) { $0 + width($1) } + gap * max(0, kept.count - 1) }
        while total(least) > available,
            let index = kept.indices.filter({ kept[$0].drop > 0 }).max(by: { kept[$0].drop < kept[$1].drop })
        {
            kept.remove(at: index)
        }
        var sizes = kept.map(least)
        var spare = available - sizes.reduce(0, +) - gap * max(0, kept.count - 1)
        for role in [Column.Role.name, .namespace] {
            for index in kept.indices where kept[index].role == role {
                let more = min(max(0, spare), wanted(kept[index]) - sizes[index])
                sizes[index] += more
                spare -= more
            }
        }
        if let last = kept.lastIndex(where: { $0.role == .rest }), spare > 0 {
            sizes[last] = min(sizes[last] + spare, max(sizes[last], widths[kept[last].title] ?? 0))
        } else if spare < 0, let name = kept.firstIndex(where: { $0.role == .name }) {
            sizes[name] = max(4, sizes[name] + spare)
        }
        return zip(kept, sizes).map { Fitted(column: $0, width: $1) }
    }

    static func header(_ canvas: inout Canvas, _ row: Area, _ fitted: [Fitted], sort: String, _ isDescending: Bool) {
        var x = row.x + 2
        for item in fitted {
            let isSorted = item.column.title == sort
            let isShort = item.column.role == .namespace && item.width < Width.of(item.column.title)
            let title = (isShort ? "NS" : item.column.title) + (isSorted ? isDescending ? "↓" : "↑" : "")
            let text = TextFit.pad(title, to: item.width, alignRight: item.column.alignsRight)
            canvas.put(
                text, x: x, y: row.y, isSorted ? Style(.accent, .bold) : Style(.faint, .bold), limit: row.x + row.width)
            x += item.width + gap
        }
    }

    static func row(_ canvas: inout Canvas, _ row: Area, _ fitted: [Fitted], _ item: Item, _ now: Timestamp, mark: Bool)
    {
        if mark { canvas.put("◆", x: row.x + 1, y: row.y, Style(.warn)) }
        var x = row.x + 2
        for cell in fitted {
            let span = cell.column.text(item, now)
            let cut: TextFit.Cut = cell.column.role == .name ? .middle : .end
            let text = TextFit.pad(span.text, to: cell.width, alignRight: cell.column.alignsRight, cut)
            canvas.put(text, x: x, y: row.y, span.style, limit: row.x + row.width)
            x += cell.width + gap
        }
        if mark { canvas.tint(row, .marked) }
    }

    /// The row under the cursor: a band of colour, and a mark that needs none.
    static func select(_ canvas: inout Canvas, _ row: Area) {
        canvas.put("▸", x: row.x, y: row.y, Style(.accent, .bold))
        canvas.tint(row, .selected, .bold)
    }
}

/// Some quiet lines in the middle, where there is nothing else to show.
enum EmptyView {
    static func draw(_ canvas: inout Canvas, _ area: Area, _ lines: [Line]) {
        let top = area.y + max(0, (area.height - lines.count * 2) / 3)
        for (index, line) in lines.enumerated() {
            var row = top + index * (lines.count > 3 ? 1 : 2)
            if index > 0, lines.count <= 3 { row = top + 1 + index }
            guard row < area.y + area.height else { return }
            let x = area.x + max(2, (area.width - line.width) / 2)
            canvas.put(line, x: x, y: row, limit: area.x + area.width - 1)
        }
    }
}
