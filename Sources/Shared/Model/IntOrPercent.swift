/// `intstr.IntOrString`: a count, or a share of another count such as `25%`.
package enum IntOrPercent: Hashable, Sendable {
    case count(Int)
    case percent(Int)

    /// Nil when the value is neither a number nor digits followed by `%`.
    package init?(_ json: JSON) {
        if let count = json.int {
            self = .count(count)
        } else if let text = json.string, text.hasSuffix("%"), let percent = Int(text.dropLast()) {
            self = .percent(percent)
        } else {
            return nil
        }
    }

    package enum Rounding: Sendable { case up, down }

    /// The count that is meant out of `total`; saturates instead of overflowing.
    package func of(_ total: Int, rounding: Rounding) -> Int {
        switch self {
        case .count(let count): return count
        case .percent(let percent):
            let product = total.multipliedReportingOverflow(by: percent)
            guard !product.overflow else { return .max }
            let (quotient, remainder) = product.partialValue.quotientAndRemainder(dividingBy: 100)
            return rounding == .up && remainder > 0 ? quotient + 1 : quotient
        }
    }
}
