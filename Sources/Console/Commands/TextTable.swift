import Shared

/// Columns of text as kubectl prints them: each as wide as its widest cell, three spaces between, no space at a line's
/// end. Pure. Source: k8s.io/cli-runtime `printers.GetNewTabWriter` (minimum width 6, padding 3).
struct TextTable: Sendable {
    /// Empty: no header line.
    private(set) var header: [String]
    private(set) var rows: [[String]] = []
    private let gap: Int
    private let minimum: Int
    private var widths: [Int]

    init(header: [String] = [], gap: Int = 3, minimum: Int = 6) {
        self.header = header
        self.gap = gap
        self.minimum = minimum
        widths = header.map { TextTable.width($0) }
    }

    mutating func add(_ cells: [String]) {
        rows.append(cells)
        for (index, cell) in cells.enumerated() {
            if index < widths.count {
                widths[index] = max(widths[index], TextTable.width(cell))
            } else {
                widths.append(TextTable.width(cell))
            }
        }
    }

    /// Widths that earlier lines have used, so that lines of a watch keep their columns.
    mutating func keepWidths(of other: TextTable) {
        widths = zip(widths, other.widths).map(max) + widths.dropFirst(other.widths.count)
    }

    var text: String {
        var text = header.isEmpty ? "" : line(header)
        for row in rows { text += line(row) }
        return text
    }

    func line(_ cells: [String]) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            line += cell
            guard index < cells.count - 1 else { break }
            // The tab writer pads to at least its minimum cell width, gap included.
            let width = max(minimum, widths[index] + gap)
            line += String(repeating: " ", count: max(gap, width - TextTable.width(cell)))
        }
        return line + "\n"
    }

    /// Characters that the cell is wide.
    private static func width(_ text: String) -> Int { text.unicodeScalars.count }
}
