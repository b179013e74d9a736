/// Colours for one terminal: turns a `Style` into the parameters of SGR. Nothing is told by colour alone, so the mono
/// palette loses no meaning. The terminal's own background is kept.
struct Palette: Equatable, Sendable {
    enum Depth: Int, Sendable, Comparable {
        case mono, eight, sixteen, indexed, full
        static func < (left: Depth, right: Depth) -> Bool { left.rawValue < right.rawValue }
    }
    let depth: Depth
    init(_ depth: Depth) { self.depth = depth }

    /// Chosen out of the environment and terminfo. Source: no-color.org; COLORTERM as terminals set it.
    static func depth(environment: [String: String], terminfoColors: Int) -> Depth {
        if !(environment["NO_COLOR"] ?? "").isEmpty { return .mono }
        let term = environment["TERM"] ?? ""
        if ["truecolor", "24bit"].contains(environment["COLORTERM"] ?? "") || term.hasSuffix("-direct") {
            return .full
        }
        switch max(terminfoColors, term.hasSuffix("256color") ? 256 : 0) {
        case 256...: return .indexed
        case 16..<256: return .sixteen
        case 8..<16: return .eight
        default: return .mono
        }
    }

    /// The parameters of one SGR sequence that sets exactly this style: `0;1;38;5;114`.
    func parameters(_ style: Style) -> String {
        var parts = ["0"]
        if style.marks.contains(.bold) || (depth == .mono && boldInMono(style)) { parts.append("1") }
        if style.tone == .faint, depth <= .eight { parts.append("2") }
        if style.marks.contains(.underline) || (depth == .mono && [.match, .marked].contains(style.back)) {
            parts.append("4")
        }
        let reversed = depth <= .eight && [.selected].contains(style.back)
        if style.marks.contains(.reverse) != reversed { parts.append("7") }
        if depth > .mono {
            if let colour = foreground(style.tone) { parts.append(colour) }
            if let colour = background(style.back) { parts.append(colour) }
        }
        return parts.joined(separator: ";")
    }

    private func boldInMono(_ style: Style) -> Bool { [.bad, .warn, .strong].contains(style.tone) }

    private func foreground(_ tone: Style.Tone) -> String? {
        guard let row = Palette.tones[tone] else { return nil }
        switch depth {
        case .mono: return nil
        case .eight: return row.basic.map { String(30 + $0 % 8) }
        case .sixteen: return row.basic.map { String($0 < 8 ? 30 + $0 : 82 + $0) }
        case .indexed: return "38;5;\(row.index)"
        case .full: return "38;2;\(row.rgb)"
        }
    }

    private func background(_ back: Style.Back) -> String? {
        guard let row = Palette.backs[back] else { return nil }
        switch depth {
        case .mono: return nil
        case .eight: return back == .match ? "43" : nil
        case .sixteen: return back == .band ? nil : row.basic.map { String($0 < 8 ? 40 + $0 : 92 + $0) }
        case .indexed: return "48;5;\(row.index)"
        case .full: return "48;2;\(row.rgb)"
        }
    }

    private struct Row {
        let basic: Int?
        let index: Int
        let rgb: String
    }
    /// Calm colours with a contrast of at least 4.5 to black and to dark grey backgrounds. `text` stays the terminal's.
    private static let tones: [Style.Tone: Row] = [
        .faint: Row(basic: 8, index: 245, rgb: "138;144;153"),
        .strong: Row(basic: 15, index: 255, rgb: "240;242;245"),
        .accent: Row(basic: 14, index: 80, rgb: "94;205;214"),
        .edge: Row(basic: 8, index: 240, rgb: "88;96;108"),
        .good: Row(basic: 10, index: 114, rgb: "135;200;130"),
        .warn: Row(basic: 11, index: 179, rgb: "222;184;98"),
        .bad: Row(basic: 9, index: 203, rgb: "240;103;103"),
        .busy: Row(basic: 12, index: 111, rgb: "128;172;240"),
        .done: Row(basic: 8, index: 246, rgb: "148;152;160"),
    ]
    private static let backs: [Style.Back: Row] = [
        .band: Row(basic: 0, index: 235, rgb: "36;40;47"),
        .selected: Row(basic: 4, index: 24, rgb: "32;74;104"),
        .marked: Row(basic: 5, index: 53, rgb: "74;52;92"),
        .match: Row(basic: 3, index: 58, rgb: "102;86;20"),
    ]
}
