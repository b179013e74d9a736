import Shared

/// The items of a set or of a list with keys, by the step that leads to them.
struct ListIndex {
    /// Each step once, in the order of the list.
    private(set) var steps: [String] = []
    private var places: [String: [Int]] = [:]
    private let list: [JSON]
    /// For items that no step leads to: which and why. They are not part of the index.
    private(set) var errors: [(index: Int, text: String)] = []

    init(_ list: [JSON], _ type: MergeType) {
        self.list = list
        steps.reserveCapacity(list.count)
        places.reserveCapacity(list.count)
        for (index, item) in list.enumerated() {
            do throws(ListIndex.Unusable) {
                let step = try ListIndex.step(to: item, type)
                if places[step] == nil { steps.append(step) }
                places[step, default: []].append(index)
            } catch {
                errors.append((index, error.text))
            }
        }
    }

    subscript(step: String) -> [JSON] { places[step]?.map { list[$0] } ?? [] }

    /// An item that can not be told apart from others.
    struct Unusable: Error {
        let text: String
    }

    /// Source: structured-merge-diff `typed/helpers.go`.
    static func step(to item: JSON, _ type: MergeType) throws(Unusable) -> String {
        guard case .keyed(let keys, _) = type else {
            switch item {
            case .object: throw Unusable(text: "associative list without keys has an element that's a map type")
            case .array: throw Unusable(text: "not supported: associative list with lists as elements")
            case .null: throw Unusable(text: "associative list without keys has an element that's an explicit null")
            default: return PathStep.value(item)
            }
        }
        guard case .object(let members) = item else {
            throw Unusable(
                text: item.isNull
                    ? "associative list with keys may not have a null element"
                    : "associative list with keys may not have non-map elements")
        }
        var fields: [(name: String, value: JSON)] = []
        for key in keys {
            if let value = members[key.name] ?? key.fallback { fields.append((key.name, value)) }
        }
        guard !fields.isEmpty else {
            let names = keys.map { "\"\($0.name)\"" }.joined(separator: " ")
            throw Unusable(
                text: "associative list with keys has an element that omits all key fields [\(names)] "
                    + "(and doesn't have default values for any key fields)")
        }
        return PathStep.key(fields)
    }
}
