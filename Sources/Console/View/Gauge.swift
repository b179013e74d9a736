/// A bar of a share: `▰▰▰▱▱`. Its fill tells without colour; colour warns as it fills.
enum Gauge {
    static func line(_ value: Int, of total: Int, cells: Int) -> [Span] {
        guard total > 0, cells > 0 else { return [] }
        let share = min(1, max(0, Double(value) / Double(total)))
        let filled = value > 0 ? max(1, Int((share * Double(cells)).rounded())) : 0
        let tone: Style.Tone = share > 0.9 ? .bad : share > 0.75 ? .warn : .good
        return [
            Span(String(repeating: "▰", count: filled), tone),
            Span(String(repeating: "▱", count: cells - filled), .edge),
        ]
    }
}
