import Shared

/// Amounts of resources: what a pod asks for, what a node has. Sums saturate.
struct Amounts: Equatable, Sendable {
    /// Thousandths of a CPU.
    var cpu = 0
    /// Bytes.
    var memory = 0
    /// Bytes of `ephemeral-storage`.
    var storage = 0
    /// Everything else, such as `example.com/gpu` or `hugepages-2Mi`.
    var others: [String: Int] = [:]

    init() {}
    init(_ quantities: [String: Quantity]) {
        for (name, quantity) in quantities {
            switch name {
            case "cpu": cpu = max(0, quantity.milli)
            case "memory": memory = max(0, quantity.value)
            case "ephemeral-storage": storage = max(0, quantity.value)
            case "pods": break
            default: others[name] = max(0, quantity.value)
            }
        }
    }

    static func += (left: inout Amounts, right: Amounts) {
        left.cpu = sum(left.cpu, right.cpu)
        left.memory = sum(left.memory, right.memory)
        left.storage = sum(left.storage, right.storage)
        for (name, amount) in right.others { left.others[name] = sum(left.others[name] ?? 0, amount) }
    }
    static func -= (left: inout Amounts, right: Amounts) {
        left.cpu = max(0, left.cpu - right.cpu)
        left.memory = max(0, left.memory - right.memory)
        left.storage = max(0, left.storage - right.storage)
        for (name, amount) in right.others { left.others[name] = max(0, (left.others[name] ?? 0) - amount) }
    }
    /// The larger of each.
    func union(_ other: Amounts) -> Amounts {
        var result = self
        result.cpu = max(cpu, other.cpu)
        result.memory = max(memory, other.memory)
        result.storage = max(storage, other.storage)
        result.others.merge(other.others) { max($0, $1) }
        return result
    }

    static func sum(_ left: Int, _ right: Int) -> Int {
        let (value, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : value
    }
}
