/// `resource.Quantity`: a decimal number with a unit such as `100m`, `1.5Gi`, `2e3`.
///
/// Exact to a billionth; what lies beyond 2^63-1 units counts as that, as in Kubernetes, so that sums have room.
/// Source: apimachinery `api/resource`, the grammar in its doc comment.
package struct Quantity: Hashable, Comparable, Sendable {
    package enum Format: Sendable { case decimalSI, binarySI, decimalExponent }

    /// The value is `mantissa × 10^exponent`; `exponent` is -9…0 after reading, rounded up beyond -9.
    private var nano: Int128
    /// 2^63-1 units.
    private static let most = Int128(Int64.max) * 1_000_000_000
    package let format: Format

    /// Whole units, rounded up (bytes of memory, number of devices).
    package var value: Int { clamp(rounded(up: 1_000_000_000)) }
    /// Thousandths, rounded up (milli-CPU).
    package var milli: Int { clamp(rounded(up: 1_000_000)) }
    package var isZero: Bool { nano == 0 }
    package var isNegative: Bool { nano < 0 }
    /// An approximation for ratios and bars.
    package var double: Double { Double(nano) / 1e9 }

    package init(_ value: Int, format: Format = .decimalSI) {
        nano = Int128(value) * 1_000_000_000
        self.format = format
    }
    package init(milli: Int) {
        nano = Int128(milli) * 1_000_000
        format = .decimalSI
    }
    private init(nano: Int128, format: Format) {
        self.nano = nano
        self.format = format
    }

    /// Nil when the text is not a quantity.
    package init?(_ text: String) {
        var rest = Substring(text)
        let negative = rest.first == "-"
        if negative || rest.first == "+" { rest.removeFirst() }
        let whole = rest.prefix { $0.isASCII && $0.isNumber }
        rest = rest.dropFirst(whole.count)
        var fraction: Substring = ""
        if rest.first == "." {
            rest.removeFirst()
            fraction = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(fraction.count)
        }
        guard !(whole.isEmpty && fraction.isEmpty), let unit = Quantity.unit(rest) else { return nil }
        var digits: Int128 = 0
        // Digits of the fraction that would not fit make no difference but for rounding up.
        var kept = 0
        var isLonger = false
        for (index, digit) in (whole + fraction).enumerated() {
            let number = Int128(digit.wholeNumberValue ?? 0)
            if digits > Int128.max / 100 {
                guard index >= whole.count else {
                    digits = Int128.max / 10
                    break
                }
                isLonger = isLonger || number != 0
                continue
            }
            digits = digits * 10 + number
            if index >= whole.count { kept += 1 }
        }
        let nano = Quantity.scale(digits, fractionDigits: kept, isLonger: isLonger, unit)
        self.nano = negative ? -min(nano, Quantity.most) : min(nano, Quantity.most)
        format = unit.format
    }

    private struct Unit { var binary = 0, decimal = 0, format = Format.decimalSI }

    private static func unit(_ suffix: Substring) -> Unit? {
        switch suffix {
        case "": return Unit()
        case "Ki": return Unit(binary: 10, format: .binarySI)
        case "Mi": return Unit(binary: 20, format: .binarySI)
        case "Gi": return Unit(binary: 30, format: .binarySI)
        case "Ti": return Unit(binary: 40, format: .binarySI)
        case "Pi": return Unit(binary: 50, format: .binarySI)
        case "Ei": return Unit(binary: 60, format: .binarySI)
        case "n": return Unit(decimal: -9)
        case "u": return Unit(decimal: -6)
        case "m": return Unit(decimal: -3)
        case "k": return Unit(decimal: 3)
        case "M": return Unit(decimal: 6)
        case "G": return Unit(decimal: 9)
        case "T": return Unit(decimal: 12)
        case "P": return Unit(decimal: 15)
        case "E": return Unit(decimal: 18)
        default:
            guard let mark = suffix.first, mark == "e" || mark == "E" else { return nil }
            let digits = suffix.dropFirst()
            guard let exponent = Int(digits), (-18...18).contains(exponent) else { return nil }
            return Unit(decimal: exponent, format: .decimalExponent)
        }
    }

    /// In billionths, rounded up; more than `most` for everything that is more.
    private static func scale(_ digits: Int128, fractionDigits: Int, isLonger: Bool, _ unit: Unit) -> Int128 {
        var value = digits
        var shift = 9 + unit.decimal - fractionDigits
        while shift > 0 {
            let (scaled, over) = value.multipliedReportingOverflow(by: 10)
            guard !over else { return .max / 10 }
            value = scaled
            shift -= 1
        }
        for _ in 0..<unit.binary {
            let (scaled, over) = value.multipliedReportingOverflow(by: 2)
            guard !over else { return .max / 10 }
            value = scaled
        }
        var lost = isLonger
        while shift < 0 {
            let (quotient, remainder) = value.quotientAndRemainder(dividingBy: 10)
            lost = lost || remainder != 0
            value = quotient
            shift += 1
        }
        return lost ? value + 1 : value
    }

    private func rounded(up unit: Int128) -> Int128 {
        let (quotient, remainder) = nano.quotientAndRemainder(dividingBy: unit)
        return remainder > 0 ? quotient + 1 : remainder < 0 ? quotient - 1 : quotient
    }
    private func clamp(_ wide: Int128) -> Int { Int(clamping: wide) }

    private static func clamped(_ nano: Int128) -> Int128 { min(max(nano, -most), most) }

    package static func < (left: Quantity, right: Quantity) -> Bool { left.nano < right.nano }
    package static func == (left: Quantity, right: Quantity) -> Bool { left.nano == right.nano }
    package func hash(into hasher: inout Hasher) { hasher.combine(nano) }
    /// The sum in the format of the left side, or of the right side when the left is zero.
    package static func + (left: Quantity, right: Quantity) -> Quantity {
        Quantity(nano: clamped(left.nano + right.nano), format: left.isZero ? right.format : left.format)
    }
    package static func - (left: Quantity, right: Quantity) -> Quantity {
        Quantity(nano: clamped(left.nano - right.nano), format: left.isZero ? right.format : left.format)
    }
}

extension Quantity: CustomStringConvertible {
    /// The canonical form: no fraction, the largest unit that needs none; `1.5Gi` becomes `1536Mi`.
    package var description: String {
        let sign = nano < 0 ? "-" : ""
        var value = nano.magnitude
        if value == 0 { return "0" }
        if format == .binarySI, value % 1_000_000_000 == 0, value / 1_000_000_000 >= 1024 {
            value /= 1_000_000_000
            var unit = 0
            while value % 1024 == 0, unit < 6 {
                value /= 1024
                unit += 1
            }
            return sign + String(value) + ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][unit]
        }
        var exponent = -9
        while value % 1000 == 0, exponent < 18 {
            value /= 1000
            exponent += 3
        }
        if format == .decimalExponent { return sign + String(value) + (exponent == 0 ? "" : "e\(exponent)") }
        let units = [-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"]
        return sign + String(value) + (units[exponent] ?? "")
    }
}

extension JSON {
    /// An object of amounts by resource name; what does not read as a quantity is left out.
    package var quantities: [String: Quantity] { strings.compactMapValues { Quantity($0) } }
}
