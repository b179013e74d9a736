/// Lays out text whose cells end with tabs: cells of neighbouring lines that stand above each other get one width.
/// Pure. Source: the algorithm of Go's text/tabwriter, as kubectl's describe uses it (padding 2, no minimum).
enum ElasticTabs {
    /// - Parameters:
    ///   - padding: spaces added to the widest cell of a column.
    ///   - minimum: least width of a cell, padding included.
    static func format(_ text: String, padding: Int = 2, minimum: Int = 0) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
            $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
        // What follows the last line break is no line.
        let tail = lines.last == [""] ? lines.popLast() : nil
        var result = lines.map { _ in "" }
        layOut(0..<lines.count, column: 0, lines, &result, padding, minimum)
        for index in lines.indices { result[index] += lines[index].last ?? "" }
        return result.joined(separator: "\n") + (tail == nil ? "" : "\n")
    }

    /// Lines of one block share the cells left of `column`. The last cell of a line belongs to no column.
    private static func layOut(
        _ range: Range<Int>, column: Int, _ lines: [[String]], _ result: inout [String], _ padding: Int, _ minimum: Int
    ) {
        var index = range.lowerBound
        while index < range.upperBound {
            guard lines[index].count > column + 1 else {
                index += 1
                continue
            }
            var end = index
            var width = 0
            while end < range.upperBound, lines[end].count > column + 1 {
                width = max(width, lines[end][column].unicodeScalars.count)
                end += 1
            }
            width = max(minimum, width + padding)
            for line in index..<end {
                let cell = lines[line][column]
                result[line] += cell + String(repeating: " ", count: max(0, width - cell.unicodeScalars.count))
            }
            layOut(index..<end, column: column + 1, lines, &result, padding, minimum)
            index = end
        }
    }
}
