/// Words that the user may have meant. Pure.
enum NearMatches {
    /// Known words within two changes of `word`, or that begin with it; the nearest first, at most three.
    static func of(_ word: String, among known: [String]) -> [String] {
        let word = word.lowercased()
        let rated = Set(known).compactMap { candidate -> (String, Int)? in
            let distance = distance(word, candidate.lowercased())
            let isNear = distance <= max(1, min(2, word.count / 3 + 1))
            let isBeginning = word.count >= 2 && candidate.lowercased().hasPrefix(word)
            return isNear ? (candidate, distance) : isBeginning ? (candidate, 3) : nil
        }
        return rated.sorted { ($0.1, $0.0) < ($1.1, $1.0) }.prefix(3).map(\.0)
    }

    /// Insertions, deletions, changes and swaps of neighbours between two words of at most 64 characters.
    static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.prefix(64)), right = Array(right.prefix(64))
        var rows = [Array(0...right.count)]
        for row in 0..<left.count {
            var next = [row + 1]
            for column in 0..<right.count {
                var best = min(rows[row][column + 1] + 1, next[column] + 1)
                best = min(best, rows[row][column] + (left[row] == right[column] ? 0 : 1))
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, rows[row - 1][column - 1] + 1)
                }
                next.append(best)
            }
            rows.append(next)
        }
        return rows[left.count][right.count]
    }
}
