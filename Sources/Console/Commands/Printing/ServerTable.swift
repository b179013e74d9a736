import Shared

/// A `Table` that the server made, as lines of text. Pure.
struct ServerTable: Sendable {
    struct Columns: OptionSet, Sendable {
        let rawValue: Int
        static let wide = Columns(rawValue: 1 << 0)
        static let namespace = Columns(rawValue: 1 << 1)
        static let labels = Columns(rawValue: 1 << 2)
        static let kind = Columns(rawValue: 1 << 3)
    }
    struct Row: Sendable {
        let cells: [JSON]
        let object: JSON
    }
    private(set) var definitions: [JSON] = []
    private(set) var rows: [Row] = []

    /// Nil when the answer is no Table. An older server answers with objects: they become NAME and AGE.
    init?(_ json: JSON, now: Timestamp) {
        if json["kind"].string == "Table" {
            definitions = json["columnDefinitions"].items
            rows = json["rows"].items.map { Row(cells: $0["cells"].items, object: $0["object"]) }
            return
        }
        let items = json["items"].array ?? (json["metadata"].object == nil ? nil : [json])
        guard let items else { return nil }
        definitions = [["name": "Name", "format": "name", "priority": 0], ["name": "Age", "priority": 0]]
        rows = items.map { item in
            let created = item.at("metadata", "creationTimestamp").string.flatMap { Timestamp(rfc3339: $0) }
            let age = created.map { (now - $0).human } ?? "<unknown>"
            return Row(cells: [item.at("metadata", "name"), .string(age)], object: item)
        }
    }

    /// Uses the columns of an earlier table of the same watch.
    mutating func useColumns(of other: ServerTable) { if definitions.isEmpty { definitions = other.definitions } }

    mutating func append(_ other: ServerTable) { rows += other.rows }
    mutating func keep(_ isKept: (Row) -> Bool) { rows = rows.filter(isKept) }
    mutating func sort(by path: JSONPath) {
        rows = rows.enumerated().sorted { left, right in
            let a = path.values(left.element.object).first ?? .null,
                b = path.values(right.element.object).first ?? .null
            return ServerTable.isBefore(a, b) ?? ServerTable.isBefore(b, a).map { !$0 } ?? (left.offset < right.offset)
        }.map(\.element)
    }

    /// Nil when neither comes first. Missing values come first; quantities and numbers compare as such.
    private static func isBefore(_ left: JSON, _ right: JSON) -> Bool? {
        if left.isNull || right.isNull { return left.isNull == right.isNull ? nil : left.isNull }
        if let left = left.double, let right = right.double { return left == right ? nil : left < right }
        guard let left = left.string, let right = right.string, left != right else { return nil }
        if let a = Quantity(left), let b = Quantity(right), a != b { return a < b }
        return left < right
    }

    /// - Parameters:
    ///   - prefix: what stands before names where several kinds are listed: `pod/`.
    ///   - labelColumns: labels that get a column of their own.
    func table(_ columns: Columns, prefix: String = "", labelColumns: [String] = [], hasHeader: Bool = true)
        -> TextTable
    {
        let shown = definitions.indices.filter {
            columns.contains(.wide) || (definitions[$0]["priority"].int ?? 0) == 0
        }
        var header = shown.map { (definitions[$0]["name"].string ?? "").uppercased() }
        if columns.contains(.namespace) { header.insert("NAMESPACE", at: 0) }
        header += labelColumns.map { ($0.split(separator: "/").last.map(String.init) ?? $0).uppercased() }
        if columns.contains(.labels) { header.append("LABELS") }
        var table = TextTable(header: hasHeader ? header : [])
        for row in rows {
            var cells = shown.map { index -> String in
                guard row.cells.indices.contains(index) else { return "" }
                let text = ServerTable.text(row.cells[index])
                return index == 0 ? prefix + text : text
            }
            if columns.contains(.namespace) {
                cells.insert(SafeLine.clean(row.object.at("metadata", "namespace").string ?? ""), at: 0)
            }
            let labels = row.object.at("metadata", "labels").strings
            cells += labelColumns.map { SafeLine.clean(labels[$0] ?? "") }
            if columns.contains(.labels) { cells.append(Labels.line(labels)) }
            table.add(cells)
        }
        return table
    }

    static func text(_ cell: JSON) -> String {
        switch cell {
        case .string(let text): SafeLine.clean(text)
        case .null: "<none>"
        case .bool, .int, .double: cell.text
        default: SafeLine.clean(cell.text)
        }
    }
}

/// Labels as kubectl writes them. Pure.
enum Labels {
    /// `a=1,b=2`, or `<none>`.
    static func line(_ labels: [String: String]) -> String {
        labels.isEmpty
            ? "<none>"
            : labels.sorted { $0.key < $1.key }.map { SafeLine.clean("\($0.key)=\($0.value)") }.joined(separator: ",")
    }
}
