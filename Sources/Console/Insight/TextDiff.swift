import Shared

/// A line of a difference between two texts.
struct DiffLine: Equatable, Sendable {
    enum Kind: Sendable { case same, added, removed, gap }
    let kind: Kind
    let text: String

    var line: Line {
        switch kind {
        case .same: [Span("  " + text, .faint)]
        case .added: [Span("+ " + text, .good)]
        case .removed: [Span("- " + text, .bad)]
        case .gap: [Span("  ⋯", .edge)]
        }
    }
}

/// The difference of two texts by lines, with some lines around every change.
enum TextDiff {
    static func lines(from old: [String], to new: [String], context: Int = 3) -> [DiffLine] {
        guard old.count <= Limits.diffLinesMax, new.count <= Limits.diffLinesMax else {
            return new.map { DiffLine(kind: .added, text: $0) }
        }
        var removed: Set<Int> = []
        var added: Set<Int> = []
        for change in new.difference(from: old) {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): added.insert(offset)
            }
        }
        var all: [DiffLine] = []
        var left = 0
        var right = 0
        while left < old.count || right < new.count {
            if left < old.count, removed.contains(left) {
                all.append(DiffLine(kind: .removed, text: old[left]))
                left += 1
            } else if right < new.count, added.contains(right) {
                all.append(DiffLine(kind: .added, text: new[right]))
                right += 1
            } else {
                all.append(DiffLine(kind: .same, text: old[left]))
                left += 1
                right += 1
            }
        }
        return shorten(all, context)
    }

    private static func shorten(_ lines: [DiffLine], _ context: Int) -> [DiffLine] {
        var keep = Array(repeating: false, count: lines.count)
        for index in lines.indices where lines[index].kind != .same {
            for near in max(0, index - context)...min(lines.count - 1, index + context) { keep[near] = true }
        }
        var result: [DiffLine] = []
        for index in lines.indices {
            if keep[index] {
                result.append(lines[index])
            } else if result.last?.kind != .gap, !result.isEmpty {
                result.append(DiffLine(kind: .gap, text: ""))
            }
        }
        if result.last?.kind == .gap { result.removeLast() }
        return result
    }

    /// An object without what the server writes, for a fair comparison.
    static func comparable(_ json: JSON) -> JSON {
        var json = json
        json.remove("status")
        guard json["metadata"].object != nil else { return json }
        for field in ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"] {
            json["metadata"].remove(field)
        }
        return json
    }

    static func between(_ old: JSON?, _ new: JSON) -> [DiffLine] {
        let before = old.map { YAMLText.lines(comparable($0)).map(\.text) } ?? []
        return lines(from: before, to: YAMLText.lines(comparable(new)).map(\.text))
    }
}
