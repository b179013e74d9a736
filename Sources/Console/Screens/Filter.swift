import Shared

/// What follows `/`: text or a pattern without regard to case; `!` in front turns it round, `-l` asks for labels,
/// `-f` matches letters in their order.
struct Filter: Sendable {
    private enum Test: Sendable {
        case everything
        case contains([UInt8])
        case pattern(Pattern)
        case labels(LabelSelector)
        case fuzzy([Character])
    }
    /// A compiled pattern. `Regex` is a value that never changes after it was made, though not marked so.
    private struct Pattern: @unchecked Sendable { let regex: Regex<AnyRegexOutput> }

    let text: String
    private let test: Test
    private let isInverse: Bool
    /// Why the text is no filter; the filter then lets everything through.
    let problem: String?

    init(_ text: String) {
        self.text = text
        var rest = Substring(text.trimmingSpaces)
        isInverse = rest.first == "!"
        if isInverse { rest = Substring(rest.dropFirst().description.trimmingSpaces) }
        var problem: String?
        if rest.isEmpty {
            test = .everything
        } else if rest.hasPrefix("-l") {
            do {
                test = .labels(try LabelSelector(parsing: rest.dropFirst(2).description.trimmingSpaces))
            } catch {
                test = .everything
                problem = "not a label selector yet"
            }
        } else if rest.hasPrefix("-f") {
            test = .fuzzy(Array(rest.dropFirst(2).description.trimmingSpaces.lowercased()))
        } else if rest.contains(where: { "\\^$.|?*+()[]{}".contains($0) && $0 != "." }) {
            if let regex = try? Regex(String(rest)).ignoresCase() {
                test = .pattern(Pattern(regex: regex))
            } else {
                test = .contains(Array(rest.lowercased().utf8))
                problem = "not a pattern yet"
            }
        } else {
            test = .contains(Array(rest.lowercased().utf8))
        }
        self.problem = problem
    }

    /// Whether everything that passes this filter passes the other one too, as far as their texts tell.
    func narrows(_ other: Filter) -> Bool {
        if other.isEmpty { return true }
        guard case .contains(let own) = test, case .contains(let others) = other.test, !isInverse, !other.isInverse
        else {
            return false
        }
        return own.starts(with: others)
    }

    var isEmpty: Bool { if case .everything = test { true } else { false } }

    func matches(_ texts: some Sequence<String>, labels: [String: String] = [:]) -> Bool {
        switch test {
        case .everything: true
        case .labels(let selector): selector.matches(labels) != isInverse
        default: texts.contains(where: hit) != isInverse
        }
    }

    private func hit(_ text: String) -> Bool {
        switch test {
        case .contains(let bytes): Filter.contains(text, bytes)
        case .pattern(let pattern): text.contains(pattern.regex)
        case .fuzzy(let letters):
            letters.isEmpty
                || {
                    var rest = letters[...]
                    for character in text.lowercased() where character == rest.first { rest.removeFirst() }
                    return rest.isEmpty
                }()
        case .everything, .labels: true
        }
    }

    /// Whether ASCII text that was made small stands in a text, without regard to case; other texts are made small first.
    private static func contains(_ text: String, _ wanted: [UInt8]) -> Bool {
        var text = text
        let found = text.withUTF8 { contains($0, wanted) }
        guard found == nil else { return found ?? false }
        var small = text.lowercased()
        return small.withUTF8 { bytes in
            bytes.count >= wanted.count
                && (0...(bytes.count - wanted.count)).contains { bytes[$0...].starts(with: wanted) }
        }
    }
    /// Nil when the text is not ASCII as far as it was looked at.
    private static func contains(_ bytes: UnsafeBufferPointer<UInt8>, _ wanted: [UInt8]) -> Bool? {
        guard let first = wanted.first else { return true }
        func small(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }
        for start in bytes.indices {
            let byte = bytes[start]
            if byte >= 0x80 { return nil }
            guard small(byte) == first, bytes.count - start >= wanted.count else { continue }
            var index = 1
            while index < wanted.count, small(bytes[start + index]) == wanted[index] { index += 1 }
            if index == wanted.count { return true }
        }
        return false
    }

    /// Where the plain text of the filter stands in a line, as ranges of characters; for marking what was found.
    func ranges(in line: String) -> [Range<Int>] {
        guard !isInverse else { return [] }
        switch test {
        case .contains(let bytes):
            let wanted = Array(String(decoding: bytes, as: UTF8.self))
            let characters = Array(line.lowercased())
            guard !wanted.isEmpty, characters.count >= wanted.count, characters.count == line.count else { return [] }
            var found: [Range<Int>] = []
            var start = 0
            while start + wanted.count <= characters.count {
                if characters[start] == wanted[0], characters[start..<start + wanted.count].elementsEqual(wanted) {
                    found.append(start..<start + wanted.count)
                    start += wanted.count
                } else {
                    start += 1
                }
            }
            return found
        case .pattern(let pattern):
            return line.ranges(of: pattern.regex).prefix(100).map {
                line.distance(
                    from: line.startIndex, to: $0.lowerBound)..<line.distance(from: line.startIndex, to: $0.upperBound)
            }.filter { !$0.isEmpty }
        default: return []
        }
    }
}
