import Shared

/// A set of completion indexes as the status writes it: `1,3-5,7`. Source: `completedIndexes` of batch/v1.
struct JobIndexes: Equatable, CustomStringConvertible {
    /// Disjoint, ascending, not touching.
    private(set) var ranges: [ClosedRange<Int>] = []

    init() {}
    init(_ indexes: some Sequence<Int>) { for index in Set(indexes).sorted() { append(index...index) } }

    /// Reads the text form; parts that are not numbers, or lie beyond `limit`, are left out.
    init(parsing text: String, limit: Int) {
        for part in text.split(separator: ",") {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, first >= 0, ends.count <= 2 else {
                continue
            }
            let end = min(last, limit - 1)
            if first <= end, first > (ranges.last?.upperBound ?? -1) { append(first...end) }
        }
    }

    private mutating func append(_ range: ClosedRange<Int>) {
        if let last = ranges.last, last.upperBound + 1 >= range.lowerBound {
            ranges[ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
        } else {
            ranges.append(range)
        }
    }

    var count: Int { ranges.reduce(0) { $0 + $1.count } }
    func contains(_ index: Int) -> Bool {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < index { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].contains(index)
    }

    /// How many indexes both have.
    func commonCount(with other: JobIndexes) -> Int {
        var rest = other.ranges[...]
        var count = 0
        for range in ranges {
            while let next = rest.first, next.upperBound < range.lowerBound { rest.removeFirst() }
            for next in rest {
                guard next.lowerBound <= range.upperBound else { break }
                count += min(range.upperBound, next.upperBound) - max(range.lowerBound, next.lowerBound) + 1
            }
        }
        return count
    }

    func union(_ indexes: some Sequence<Int>) -> JobIndexes {
        let added = Set(indexes).filter { !contains($0) }.map { $0...$0 }
        var result = JobIndexes()
        for range in (ranges + added).sorted(by: { $0.lowerBound < $1.lowerBound }) { result.append(range) }
        return result
    }

    /// The lowest `count` indexes below `limit` that are neither here nor in the others.
    func firstMissing(_ count: Int, below limit: Int, taken: Set<Int>, failed: JobIndexes = JobIndexes()) -> [Int] {
        var found: [Int] = []
        var index = 0
        var (rest, others) = (ranges[...], failed.ranges[...])
        while found.count < count, index < limit {
            if let next = rest.first, next.upperBound < index {
                rest.removeFirst()
            } else if let next = others.first, next.upperBound < index {
                others.removeFirst()
            } else if let next = rest.first, next.contains(index) {
                index = next.upperBound + 1
            } else if let next = others.first, next.contains(index) {
                index = next.upperBound + 1
            } else {
                if !taken.contains(index) { found.append(index) }
                index += 1
            }
        }
        return found
    }

    var description: String {
        ranges.map { range in
            switch range.count {
            case 1: "\(range.lowerBound)"
            case 2: "\(range.lowerBound),\(range.upperBound)"
            default: "\(range.lowerBound)-\(range.upperBound)"
            }
        }.joined(separator: ",")
    }
}
