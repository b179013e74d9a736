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
        var rest = text.utf8[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        var number = Number()
        while let digit = rest.first.flatMap(Quantity.digit) {
            number.add(digit)
            rest.removeFirst()
        }
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            while let digit = rest.first.flatMap(Quantity.digit) {
                number.addFraction(digit)
                rest.removeFirst()
            }
        }
        guard number.hasDigits, let unit = Unit(rest) else { return nil }
        let nano = min(number.scaled(by: unit), Quantity.most)
        self.nano = isNegative ? -nano : nano
        format = unit.format
    }

    private static func digit(_ byte: UInt8) -> Int128? {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? Int128(byte - UInt8(ascii: "0")) : nil
    }

    /// The digits of a text. Those of the fraction that would not fit make no difference but for rounding up.
    private struct Number {
        private var digits: Int128 = 0
        private var fractionDigits = 0
        private var isLonger = false
        private(set) var hasDigits = false
        private var isFull: Bool { digits > Int128.max / 100 }

        mutating func add(_ digit: Int128) {
            hasDigits = true
            digits = isFull ? Int128.max / 10 : digits * 10 + digit
        }

        mutating func addFraction(_ digit: Int128) {
            hasDigits = true
            if isFull {
                isLonger = isLonger || digit != 0
            } else {
                digits = digits * 10 + digit
                fractionDigits += 1
            }
        }

        /// In billionths, rounded up; more than `most` for everything that is more.
        func scaled(by unit: Unit) -> Int128 {
            var value = digits
            var shift = 9 + unit.decimal - fractionDigits
            while shift > 0 {
                let (scaled, over) = value.multipliedReportingOverflow(by: 10)
                guard !over else { return .max / 10 }
                value = scaled
                shift -= 1
            }
            if unit.binary > 0 {
                let (scaled, over) = value.multipliedReportingOverflow(by: 1 << unit.binary)
                guard !over else { return .max / 10 }
                value = scaled
            }
            var isRounded = isLonger
            while shift < 0 {
                let (quotient, remainder) = value.quotientAndRemainder(dividingBy: 10)
                isRounded = isRounded || remainder != 0
                value = quotient
                shift += 1
            }
            return isRounded ? value + 1 : value
        }
    }

    /// What stands behind the number: a power of two, or one of ten.
    private struct Unit {
        var binary = 0
        var decimal = 0
        var format = Format.decimalSI

        init?(_ suffix: Substring.UTF8View) {
            guard let mark = suffix.first else { return }
            let rest = suffix.dropFirst()
            if rest.first == UInt8(ascii: "i"), rest.count == 1 {
                guard let power = Unit.powers.firstIndex(of: mark) else { return nil }
                (binary, format) = (10 * (power + 1), .binarySI)
            } else if rest.isEmpty, mark != UInt8(ascii: " "), let power = Unit.decimals.firstIndex(of: mark) {
                decimal = 3 * power - 9
            } else {
                guard mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E"), let exponent = Int(Substring(rest)),
                    (-18...18).contains(exponent)
                else { return nil }
                (decimal, format) = (exponent, .decimalExponent)
            }
        }

        private static let powers = Array("KMGTPE".utf8)
        /// The blank is the place of units.
        private static let decimals = Array("num kMGTPE".utf8)
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
    private static let suffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"]
    private static let binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]

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
            return sign + String(value) + Quantity.binarySuffixes[unit]
        }
        var exponent = -9
        while value % 1000 == 0, exponent < 18 {
            value /= 1000
            exponent += 3
        }
        if format == .decimalExponent { return sign + String(value) + (exponent == 0 ? "" : "e\(exponent)") }
        return sign + String(value) + Quantity.suffixes[exponent / 3 + 3]
    }
}

extension JSON {
    /// An object of amounts by resource name; what does not read as a quantity is left out.
    package var quantities: [String: Quantity] { strings.compactMapValues { Quantity($0) } }
}
