extension Duration {
    /// Reads Go's form of a duration: `300ms`, `1.5h`, `2h45m`, `0`. Units ns, us, µs, ms, s, m, h, and `d` for days.
    /// Nil when the text is anything else.
    package init?(parsing text: some StringProtocol) {
        var text = Substring(text)
        let negative = text.first == "-"
        if negative || text.first == "+" { text.removeFirst() }
        guard !text.isEmpty else { return nil }
        if text == "0" {
            self = .zero
            return
        }
        var total = 0.0
        while !text.isEmpty {
            let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            text = text.dropFirst(digits.count)
            let unit = text.prefix { !($0.isASCII && ($0.isNumber || $0 == ".")) }
            text = text.dropFirst(unit.count)
            guard let number = Double(digits), let scale = Duration.nanosecondsPerUnit[String(unit)] else { return nil }
            total += number * scale
        }
        guard total < 9.2e18 else { return nil }
        self = .nanoseconds(Int64(negative ? -total : total))
    }

    private static let nanosecondsPerUnit: [String: Double] = [
        "ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 6e10, "h": 3.6e12, "d": 8.64e13,
    ]

    /// The short form of kubectl's AGE and DURATION columns: `5s`, `2m3s`, `17m`, `3h2m`, `2d4h`, `3y`.
    /// Source: the rule `human` of apimachinery's `duration.HumanDuration`.
    package var human: String {
        let seconds = Int(nanoseconds / 1_000_000_000)
        if nanoseconds < 0 { return seconds < -1 ? "<invalid>" : "0s" }
        func pair(_ major: Int, _ majorUnit: String, _ minor: Int, _ minorUnit: String) -> String {
            minor == 0 ? "\(major)\(majorUnit)" : "\(major)\(majorUnit)\(minor)\(minorUnit)"
        }
        let minutes = seconds / 60
        let hours = seconds / 3600
        switch true {
        case seconds < 120: return "\(seconds)s"
        case minutes < 10: return pair(minutes, "m", seconds % 60, "s")
        case minutes < 180: return "\(minutes)m"
        case hours < 8: return pair(hours, "h", minutes % 60, "m")
        case hours < 48: return "\(hours)h"
        case hours < 192: return pair(hours / 24, "d", hours % 24, "h")
        case hours < 17_520: return "\(hours / 24)d"
        case hours < 70_080: return pair(hours / 8760, "y", hours / 24 % 365, "d")
        default: return "\(hours / 8760)y"
        }
    }
}
