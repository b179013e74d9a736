/// The differences of two texts, line by line. Source: E. Myers, "An O(ND) Difference Algorithm" (1986).
package enum LineDiff {
    package enum Change: Equatable, Sendable {
        case same(String)
        case removed(String)
        case added(String)
    }

    /// All lines of both texts in order, removals before additions. When the smallest difference would take more than
    /// `Limits.diffStepsMax` steps, the whole differing block is shown as removed and added.
    package static func changes(_ old: String, _ new: String) -> [Change] {
        let left = lines(old)
        let right = lines(new)
        var head = 0
        while head < left.count, head < right.count, left[head] == right[head] { head += 1 }
        var tail = 0
        while tail < left.count - head, tail < right.count - head,
            left[left.count - 1 - tail] == right[right.count - 1 - tail]
        {
            tail += 1
        }
        let middle = shortest(left[head..<left.count - tail], right[head..<right.count - tail])
        return left[..<head].map(Change.same) + middle + left[(left.count - tail)...].map(Change.same)
    }

    /// The unified format of `diff -u`; empty when the texts are equal.
    ///
    /// - Parameter context: unchanged lines shown around a change.
    package static func unified(
        _ old: String, _ new: String, oldName: String = "old", newName: String = "new", context: Int = 3
    ) -> String {
        let changes = changes(old, new)
        let context = max(0, context)
        let changed = changes.indices.filter { if case .same = changes[$0] { false } else { true } }
        guard let first = changed.first else { return "" }
        var hunks: [Range<Int>] = []
        var start = max(0, first - context)
        var end = first + 1
        for index in changed.dropFirst() {
            if index - end > 2 * context {
                hunks.append(start..<min(changes.count, end + context))
                start = index - context
            }
            end = index + 1
        }
        hunks.append(start..<min(changes.count, end + context))

        var text = "--- \(oldName)\n+++ \(newName)\n"
        var oldLine = 0
        var newLine = 0
        var next = 0
        for hunk in hunks {
            for change in changes[next..<hunk.lowerBound] { count(change, &oldLine, &newLine) }
            let (oldStart, newStart) = (oldLine, newLine)
            var body = ""
            for change in changes[hunk] {
                count(change, &oldLine, &newLine)
                switch change {
                case .same(let line): body += " \(line)\n"
                case .removed(let line): body += "-\(line)\n"
                case .added(let line): body += "+\(line)\n"
                }
            }
            next = hunk.upperBound
            text += "@@ -\(range(oldStart, oldLine)) +\(range(newStart, newLine)) @@\n" + body
        }
        return text
    }

    private static func count(_ change: Change, _ old: inout Int, _ new: inout Int) {
        switch change {
        case .same:
            old += 1
            new += 1
        case .removed: old += 1
        case .added: new += 1
        }
    }

    /// `first,count` from 1; an empty range names the line before it.
    private static func range(_ start: Int, _ end: Int) -> String {
        switch end - start {
        case 0: "\(start),0"
        case 1: "\(start + 1)"
        default: "\(start + 1),\(end - start)"
        }
    }

    private static func lines(_ text: String) -> [String] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    private static func shortest(_ left: ArraySlice<String>, _ right: ArraySlice<String>) -> [Change] {
        let whole = left.map(Change.removed) + right.map(Change.added)
        if left.isEmpty || right.isEmpty { return whole }
        // `reach[k]` is how far into `left` the diagonal k = x - y was followed; `trail` keeps it for every step back.
        let a = Array(left)
        let b = Array(right)
        let most = a.count + b.count
        var reach = [0: 0]
        var trail: [[Int: Int]] = []
        var steps = 0
        for distance in 0...most {
            trail.append(reach)
            for k in stride(from: -distance, through: distance, by: 2) {
                let down = reach[k + 1] ?? -1
                let over = reach[k - 1] ?? -1
                var x = distance == 0 ? 0 : k == -distance || (k != distance && over < down) ? down : over + 1
                var y = x - k
                while x < a.count, y < b.count, a[x] == b[y] {
                    x += 1
                    y += 1
                    steps += 1
                }
                reach[k] = x
                if x >= a.count, y >= b.count { return path(a, b, trail, distance) }
            }
            steps += distance + 1
            if steps > Limits.diffStepsMax { return whole }
        }
        return whole
    }

    private static func path(_ a: [String], _ b: [String], _ trail: [[Int: Int]], _ distance: Int) -> [Change] {
        var changes: [Change] = []
        var x = a.count
        var y = b.count
        for step in stride(from: distance, to: 0, by: -1) {
            let reach = trail[step]
            let k = x - y
            let down = reach[k + 1] ?? -1
            let over = reach[k - 1] ?? -1
            let before = k == -step || (k != step && over < down) ? k + 1 : k - 1
            let startX = reach[before] ?? 0
            let startY = startX - before
            while x > startX, y > startY {
                x -= 1
                y -= 1
                changes.append(.same(a[x]))
            }
            if x == startX {
                y -= 1
                changes.append(.added(b[y]))
            } else {
                x -= 1
                changes.append(.removed(a[x]))
            }
        }
        while x > 0 {
            x -= 1
            changes.append(.same(a[x]))
        }
        return changes.reversed()
    }
}
